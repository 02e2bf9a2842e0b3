//! Failures, timers, and what was suspended.

use super::*;

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
