//! States and timers, batches, responses and every refusal of a session.

mod batches;
mod ending;
mod model;
mod responses;

use super::*;
use crate::batch::Commit;
use crate::client::{ClientState, EndOfResponses};
use crate::id::MessageId;
use crate::message::Outcome;
use crate::store::RecoveredClient;

const WHO: Option<&str> = Some("ann");
const IDLE: Duration = Duration::from_secs(300);

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "some time has to be the first")]
    Instant::now()
}

fn session(kind: SessionKind, now: Instant) -> Session {
    let settings = Settings { kind, ..Settings::interactive("x") };
    let throttle = Throttle::new(8, 4);
    Session::new(SessionId(1), settings, WHO.map(Arc::from), Limits::default(), throttle, 3, now)
}

fn client() -> ClientId {
    ClientId::anonymous()
}

fn request(id: u128) -> Request {
    Request { id: MessageId(id), action: "a".into(), body: vec![1; 8].into(), user_data: "u".into() }
}

fn requests(ids: std::ops::Range<u128>) -> Vec<Request> {
    ids.map(request).collect()
}

/// Sends as a broker does whose store always answers.
fn send(session: &mut Session, batch: u64, sent: Vec<Request>, now: Instant) -> Result<usize, Fault> {
    let sending = session.send(WHO, &client(), batch, sent, now)?;
    let count = sending.requests.len();
    session.appended(&client(), sending.requests);
    Ok(count)
}

fn flush(session: &mut Session, sent: Option<u64>, ends: bool, now: Instant) -> Result<Commit, Fault> {
    let Flushing { commit, .. } = session.flush(WHO, &client(), None, sent, ends, now)?;
    session.committed(&client(), &commit);
    Ok(commit)
}

fn take(session: &mut Session) -> Taken {
    match session.next_call() {
        Next::Take(taken) => taken,
        other => panic!("{other:?}"),
    }
}

fn answer(session: &mut Session, taken: Taken, now: Instant) -> Completion {
    let verdict = Verdict::Done(Outcome::Answer("ok".into()));
    session.finish(taken, verdict, now).expect("it is stored").1
}

fn code<T: std::fmt::Debug>(result: Result<T, Fault>) -> FaultCode {
    result.expect_err("it is refused").code
}

#[test]
fn an_interactive_session_computes_at_once_and_a_durable_one_what_is_committed() {
    let now = start();
    let mut interactive = session(SessionKind::Interactive, now);
    send(&mut interactive, 0, requests(0..3), now).unwrap();
    assert_eq!(interactive.offered(), 3);
    let mut durable = session(SessionKind::Durable, now);
    send(&mut durable, 0, requests(0..3), now).unwrap();
    assert_eq!((durable.offered(), durable.next_call()), (0, Next::Idle));
    flush(&mut durable, Some(3), false, now).unwrap();
    assert_eq!(durable.offered(), 3);
    assert_eq!(take(&mut durable).stored.sequence, 0);
    assert_eq!(durable.offered(), 3, "it was taken, and two wait");
}

#[test]
fn states_of_a_client_follow_its_requests_and_every_other_step_is_refused() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    assert_eq!(code(flush(&mut session, None, true, now)), FaultCode::NothingSent);
    send(&mut session, 0, requests(0..2), now).unwrap();
    flush(&mut session, None, true, now).unwrap();
    let state = |session: &Session| session.client(&client()).unwrap().state();
    assert_eq!(state(&session), ClientState::EndRequests);
    assert_eq!(code(send(&mut session, 0, requests(5..6), now)), FaultCode::SendRejected);
    assert_eq!(code(flush(&mut session, None, false, now)), FaultCode::FlushRejected);
    assert_eq!(code(flush(&mut session, None, true, now)), FaultCode::EndedTwice);
    for _ in 0..2 {
        let taken = take(&mut session);
        answer(&mut session, taken, now);
    }
    assert_eq!(state(&session), ClientState::AllRequestsDone);
    assert_eq!(code(flush(&mut session, None, true, now)), FaultCode::EndedTwice);
    let reading = session.read(WHO, &client(), Start::Begin, now).unwrap();
    let end = EndOfResponses { count: 2, reason: EndReason::Success };
    assert_eq!(reading, Reading { from: 0, until: 2, end: Some(end) });
    assert_eq!(state(&session), ClientState::GettingResponses);
    assert_eq!(code(flush(&mut session, None, true, now)), FaultCode::EndedAndAnswered);
    assert_eq!(code(send(&mut session, 0, requests(5..6), now)), FaultCode::SendRejected);
}

#[test]
fn a_call_is_tried_again_as_often_as_it_may_and_what_is_given_back_does_not_count() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..1), now).unwrap();
    for tries in 0..3 {
        let taken = take(&mut session);
        assert_eq!(taken.tries, tries);
        assert!(session.finish(taken, Verdict::Failed("lost".into()), now).is_none());
        let taken = take(&mut session);
        assert!(session.finish(taken, Verdict::GivenBack, now).is_none());
    }
    let taken = take(&mut session);
    let (_, completion) = session.finish(taken, Verdict::Failed("lost".into()), now).unwrap();
    let Outcome::Fault(fault) = completion.response.outcome else { panic!("it has failed") };
    assert_eq!((&*fault.code, &*fault.text), ("RetryOperationError", "the request has failed 4 times: lost"));
    assert_eq!(completion.response.user_data.as_ref(), "u", "also with a fault");
    assert_eq!(session.counts().failed, 1);
}

#[test]
fn what_is_not_shared_is_its_creators_and_queues_are_their_clients() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    assert_eq!(code(session.attach(Some("bob"), None, now)), FaultCode::AccessDenied);
    session.settings.shared = true;
    send(&mut session, 0, requests(0..1), now).unwrap();
    let theirs = session.send(Some("bob"), &client(), 0, requests(1..2), now);
    assert_eq!(code(theirs), FaultCode::AccessDeniedQueue);
    let read = session.read(Some("bob"), &client(), Start::Begin, now);
    assert_eq!(code(read), FaultCode::AccessDeniedQueue);
    assert_eq!(code(session.purge(Some("bob"), &client(), now)), FaultCode::AccessDeniedQueue);
    session.send(Some("bob"), &ClientId::new("b").unwrap(), 0, requests(1..2), now).unwrap();
}

#[test]
fn attaching_tells_what_is_wrong() {
    let now = start();
    let mut session = session(SessionKind::Durable, now);
    session.attach(WHO, Some(SessionKind::Durable), now).unwrap();
    let other = session.attach(WHO, Some(SessionKind::Interactive), now);
    assert_eq!(code(other), FaultCode::InvalidAttachDurableSession);
    session.close(Closing::Failed("no disk".into()), now);
    assert_eq!(code(session.attach(WHO, None, now)), FaultCode::SessionFailure);
    session.close(Closing::Closed, now);
    assert_eq!(code(session.attach(WHO, None, now)), FaultCode::SessionFailure, "it has ended once");
}

#[test]
fn clients_of_a_session_take_turns() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    for name in ["a", "b"] {
        let name = ClientId::new(name).unwrap();
        let sending = session.send(WHO, &name, 0, requests(0..3), now).unwrap();
        session.appended(&name, sending.requests);
    }
    let order: Vec<_> = (0..6).map(|_| take(&mut session).client.to_string()).collect();
    assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
}

#[test]
fn what_comes_back_for_a_client_that_was_dropped_is_nobodys() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..2), now).unwrap();
    let taken = take(&mut session);
    assert_eq!(session.purge(WHO, &client(), now), Ok(true));
    assert_eq!(session.purge(WHO, &client(), now), Ok(false));
    assert_eq!(session.offered(), 1);
    send(&mut session, 0, requests(0..1), now).unwrap();
    assert!(session.finish(taken, Verdict::Done(Outcome::Answer("late".into())), now).is_none());
    assert_eq!(session.client(&client()).unwrap().counts().answered, 0);
}

#[test]
fn a_session_has_no_more_clients_than_it_may() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    session.limits.clients = 2;
    for name in ["a", "b"] {
        session.send(WHO, &ClientId::new(name).unwrap(), 0, Vec::new(), now).unwrap();
    }
    let third = session.send(WHO, &ClientId::new("c").unwrap(), 0, Vec::new(), now);
    assert_eq!(code(third), FaultCode::TooManyClients);
}
