//! States and timers, batches, responses and every refusal of a session.

mod model;

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
fn a_message_counts_once_however_often_it_comes() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    assert_eq!(send(&mut session, 0, requests(0..3), now).unwrap(), 3);
    assert_eq!(send(&mut session, 0, requests(1..5), now).unwrap(), 2);
    assert_eq!(send(&mut session, 0, vec![request(9), request(9)], now).unwrap(), 1);
    flush(&mut session, Some(6), false, now).unwrap();
    assert_eq!(code(flush(&mut session, Some(7), false, now)), FaultCode::FlushIncomplete);
}

#[test]
fn a_higher_batch_id_takes_back_what_was_not_committed() {
    let now = start();
    let mut session = session(SessionKind::Durable, now);
    send(&mut session, 1, requests(0..2), now).unwrap();
    flush(&mut session, Some(2), false, now).unwrap();
    send(&mut session, 1, requests(2..5), now).unwrap();
    let sending = session.send(WHO, &client(), 2, requests(1..5), now).unwrap();
    assert_eq!(sending.discard, Some(2));
    let sequences: Vec<_> = sending.requests.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [2, 3, 4], "one of them was committed");
    session.appended(&client(), sending.requests);
    assert_eq!(code(send(&mut session, 1, requests(8..9), now)), FaultCode::StaleBatch);
    flush(&mut session, Some(3), true, now).unwrap();
    let order: Vec<_> = (0..5).map(|_| take(&mut session).stored.request.id.0).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[test]
fn a_flush_with_a_higher_batch_id_takes_back_what_was_not_committed_and_commits_nothing_of_it() {
    let now = start();
    let mut session = session(SessionKind::Durable, now);
    let with = |session: &mut Session, batch, sent, ends| {
        session.flush(WHO, &client(), Some(batch), Some(sent), ends, now)
    };
    send(&mut session, 1, requests(0..5), now).unwrap();
    assert_eq!(code(with(&mut session, 2, 0, true)), FaultCode::NothingSent);
    assert_eq!(code(with(&mut session, 2, 1, true)), FaultCode::FlushIncomplete);
    assert_eq!(session.counts().uncommitted, 5, "what is refused changes nothing");
    let Flushing { discard, commit } = with(&mut session, 2, 0, false).unwrap();
    assert_eq!((discard, commit.before, commit.batch), (Some(0), 0, 2));
    session.committed(&client(), &commit);
    assert_eq!((session.counts().received, session.offered()), (0, 0));
    assert_eq!(send(&mut session, 2, requests(0..2), now).unwrap(), 2, "they are new again");
    let Flushing { discard, commit } = with(&mut session, 2, 2, true).unwrap();
    assert_eq!((discard, commit.before, commit.ended), (None, 2, true));
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
fn more_is_taken_once_responses_are_fetched() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..9), now).unwrap();
    assert_eq!(code(send(&mut session, 0, requests(9..10), now)), FaultCode::Throttled);
    assert_eq!(send(&mut session, 0, requests(0..9), now), Ok(0), "what has come is not refused");
    for _ in 0..9 {
        let taken = take(&mut session);
        answer(&mut session, taken, now);
    }
    session.acknowledge(&client(), 5, now);
    assert_eq!(code(send(&mut session, 0, requests(9..10), now)), FaultCode::Throttled);
    session.acknowledge(&client(), 6, now);
    send(&mut session, 0, requests(9..10), now).unwrap();
    let mut durable = self::session(SessionKind::Durable, now);
    send(&mut durable, 0, requests(0..9), now).unwrap();
    send(&mut durable, 0, requests(9..10), now).unwrap();
}

#[test]
fn what_was_fetched_is_forgotten_beyond_a_size() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    // Each takes 128 beside its own.
    session.limits.retained_size = 3 * 131;
    send(&mut session, 0, requests(0..6), now).unwrap();
    for _ in 0..6 {
        let taken = take(&mut session);
        answer(&mut session, taken, now);
    }
    assert_eq!(session.acknowledge(&client(), 3, now), (true, None), "three bytes each");
    assert_eq!(session.acknowledge(&client(), 5, now), (true, Some(2)));
    assert_eq!(session.acknowledge(&client(), 4, now), (false, None), "it does not go back");
    assert_eq!(session.read(WHO, &client(), Start::Begin, now).unwrap().from, 2);
    assert_eq!(session.read(WHO, &client(), Start::Current, now).unwrap().from, 5);
    assert_eq!(session.read(WHO, &client(), Start::At(0), now).unwrap().from, 2);
    assert_eq!(session.read(WHO, &client(), Start::At(99), now).unwrap().from, 6);
}

#[test]
fn what_was_fetched_makes_room_where_there_is_none() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..6), now).unwrap();
    for _ in 0..6 {
        let taken = take(&mut session);
        answer(&mut session, taken, now);
    }
    assert_eq!(session.forget_fetched(0), [], "none was fetched");
    assert_eq!(session.acknowledge(&client(), 4, now), (true, None));
    assert_eq!(session.forget_fetched(0), [(client(), 4)]);
    assert_eq!(session.forget_fetched(0), []);
    assert_eq!(session.read(WHO, &client(), Start::Begin, now).unwrap().from, 4);
    let again = session.send(WHO, &client(), 0, requests(0..6), now).unwrap();
    assert_eq!(again.requests, [], "they were had, whoever sends them again");
    assert_eq!(session.acknowledge(&client(), 6, now), (true, None));
    assert_eq!(session.forget_fetched(1 << 20), [], "the latest stay");
    let mut durable = self::session(SessionKind::Durable, now);
    send(&mut durable, 0, requests(0..1), now).unwrap();
    let Flushing { commit, .. } = durable.flush(WHO, &client(), None, None, false, now).unwrap();
    durable.committed(&client(), &commit);
    let taken = take(&mut durable);
    answer(&mut durable, taken, now);
    durable.acknowledge(&client(), 1, now);
    assert_eq!(durable.forget_fetched(0), [], "it is kept until it is dropped on purpose");
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
fn a_session_that_has_failed_gives_out_what_is_answered_and_then_says_so() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..2), now).unwrap();
    let taken = take(&mut session);
    answer(&mut session, taken, now);
    session.close(Closing::Failed("why".into()), now);
    assert_eq!(session.next_call(), Next::Idle);
    let reading = session.read(WHO, &client(), Start::Begin, now).unwrap();
    assert_eq!((reading.from, reading.until, reading.end), (0, 1, None));
    assert_eq!(code(session.read(WHO, &client(), Start::At(1), now)), FaultCode::SessionFailure);
    assert_eq!(session.deadline(), None);
}

#[test]
fn what_nobody_uses_ends_in_its_time() {
    let now = start();
    let mut unused = session(SessionKind::Interactive, now);
    assert_eq!(unused.deadline(), Some(now + IDLE));
    assert_eq!(unused.on_time(now + IDLE / 2), Expired::default());
    assert!(unused.on_time(now + IDLE).session);
    assert_eq!(code(unused.attach(WHO, None, now)), FaultCode::SessionFinished);

    // A client whose request is being computed is there; then it is left alone, and then the session is.
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..1), now).unwrap();
    let taken = take(&mut session);
    assert_eq!(session.on_time(now + 3 * IDLE), Expired::default());
    let done = now + 4 * IDLE;
    answer(&mut session, taken, done);
    assert_eq!(session.on_time(done + IDLE / 2), Expired::default());
    let expired = session.on_time(done + IDLE);
    assert_eq!(expired, Expired { purged: vec![client()], session: false });
    assert_eq!(session.state(), SessionState::Idle);
    let end = session.read(WHO, &client(), Start::Begin, done + IDLE).unwrap().end;
    assert_eq!(end.map(|end| end.reason), Some(EndReason::ClientTimeout));
    assert!(session.on_time(done + 2 * IDLE).session);
    assert_eq!(session.counts().answered, 1, "it is remembered how much there was");
}

#[test]
fn a_client_that_has_ended_its_requests_keeps_its_responses_and_comes_back() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    send(&mut session, 0, requests(0..1), now).unwrap();
    flush(&mut session, None, true, now).unwrap();
    let taken = take(&mut session);
    answer(&mut session, taken, now);
    assert!(session.on_time(now + IDLE).purged.is_empty());
    assert_eq!(session.client(&client()).unwrap().state(), ClientState::Disconnected);
    assert_eq!(session.state(), SessionState::Idle);
    let reading = session.read(WHO, &client(), Start::Current, now + IDLE).unwrap();
    assert_eq!((reading.from, reading.until), (0, 1));
    assert_eq!(session.state(), SessionState::Running);
}

#[test]
fn whoever_looks_for_responses_is_there() {
    let now = start();
    let mut session = session(SessionKind::Interactive, now);
    for at in (0..10).map(|it| now + IDLE / 2 * it) {
        session.read(WHO, &client(), Start::Current, at).unwrap();
        assert_eq!(session.on_time(at + IDLE / 3), Expired::default());
    }
    assert_eq!(session.on_time(now + 6 * IDLE).purged, [client()]);
}

#[test]
fn a_durable_session_is_suspended_and_what_was_committed_is_there_again() {
    let now = start();
    let mut session = session(SessionKind::Durable, now);
    send(&mut session, 0, requests(0..2), now).unwrap();
    flush(&mut session, None, false, now).unwrap();
    for _ in 0..2 {
        let taken = take(&mut session);
        answer(&mut session, taken, now);
    }
    assert!(session.on_time(now + IDLE).purged.is_empty(), "what was committed is kept");
    assert!(session.on_time(now + 2 * IDLE).session);
    assert_eq!((session.state(), session.closing()), (SessionState::Suspended, None));

    let was = RecoveredClient {
        commit: Commit { batch: 4, received: 3, before: 5, ended: true },
        pending: vec![(1, MessageId(1)), (4, MessageId(4))],
        answered: vec![(2, MessageId(3), 3)],
        failed: 1,
        next_position: 3,
        acknowledged: 2,
    };
    let mut again = self::session(SessionKind::Durable, now);
    again.recover(vec![(client(), was)], now);
    assert_eq!(again.offered(), 2);
    assert_eq!(again.next_call(), Next::Fetch(client(), 1));
    let stored = |sequence: u64| StoredRequest { sequence, request: request(u128::from(sequence)) };
    again.refill(&client(), vec![stored(1), stored(4)]);
    assert_eq!(take(&mut again).stored.sequence, 1);
    assert_eq!(take(&mut again).stored.sequence, 4);
    assert_eq!((again.next_call(), again.offered()), (Next::Idle, 2));
    let reading = again.read(WHO, &client(), Start::Begin, now).unwrap();
    assert_eq!((reading.from, reading.until, reading.end), (2, 3, None));
    assert_eq!(again.client(&client()).unwrap().state(), ClientState::EndRequests);
}

#[test]
fn a_session_that_was_taken_up_again_is_suspended_once_all_is_answered() {
    let now = start();
    let commit = Commit { batch: 0, received: 1, before: 1, ended: false };
    let was = RecoveredClient { commit, pending: vec![(0, MessageId(0))], ..RecoveredClient::default() };
    let mut again = session(SessionKind::Durable, now);
    again.recover(vec![(client(), was)], now);
    let later = now + 2 * IDLE;
    assert!(!again.on_time(later).session, "it computes, and no client has to come for that");
    assert_eq!(again.next_call(), Next::Fetch(client(), 0));
    again.refill(&client(), vec![StoredRequest { sequence: 0, request: request(0) }]);
    let taken = take(&mut again);
    answer(&mut again, taken, later);
    let expired = again.on_time(later + 2 * IDLE);
    assert_eq!((expired.session, again.state()), (true, SessionState::Suspended));
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
