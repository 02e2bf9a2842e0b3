//! How long responses are kept, and that they hold up what is sent.

use super::*;

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
