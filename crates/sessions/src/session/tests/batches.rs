//! What is sent twice, and what is taken back before it is committed.

use super::*;

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
