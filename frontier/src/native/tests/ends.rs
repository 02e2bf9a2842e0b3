//! Cancels, deadlines, and peers that go.

use super::*;
use frontier_protocol::Cancel;

#[tokio::test]
async fn a_cancel_passes_and_the_late_answer_goes_nowhere() {
    let exchange = testing::exchange();
    let (mut edge, mut service) =
        (Remote::edge(&exchange, EDGE).await, Remote::service(&exchange, 1, &["m"], &[]).await);
    edge.send(|out| {
        Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: b"" }.encode(9, out)
    });
    let asked = service.recv().await;
    edge.send(|out| Cancel::encode(9, out));
    let cancel = service.recv().await;
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, asked.id));
    reply(&service, asked.id, Code::Ok, b"", b"old");
    // The id may be used again, and gets its own answer.
    edge.send(|out| {
        Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: b"" }.encode(9, out)
    });
    let again = service.recv().await;
    assert_ne!(again.id, asked.id);
    reply(&service, again.id, Code::Ok, b"", b"new");
    assert_eq!(answers(&[edge.recv().await]), [(9, Code::Ok, "new".into())]);
    assert!(edge.rest().is_empty());
}

#[tokio::test]
async fn a_target_that_dies_fails_what_it_had_once_for_each_asker() {
    let exchange = testing::exchange();
    let (mut one, mut two) = (Parked::edge(&exchange, 1).await, Parked::edge(&exchange, 2).await);
    let service = Remote::service(&exchange, 1, &["m"], &["t"]).await;
    let mut service = service;
    for (edge, id) in [(&one, 1), (&one, 2), (&two, 1)] {
        act(&exchange, &edge.peer, &request(id, "m", b"", b""));
        service.recv().await;
    }
    act(&exchange, &two.peer, &publish(5, "t", b"", Flags::ACKED));
    service.recv().await;
    service.die().await;
    let mut first = codes(&one.close());
    first.sort_by_key(|(id, _)| *id);
    assert_eq!(first, [(1, Code::Disconnected), (2, Code::Disconnected)]);
    let mut second = codes(&two.close());
    second.sort_by_key(|(id, _)| *id);
    assert_eq!(second, [(1, Code::Disconnected), (5, Code::Disconnected)]);
    assert!(!one.peer.is_busy() && !two.peer.is_busy());
}

#[tokio::test]
async fn what_a_dead_service_never_got_goes_to_another() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut first = Parked::service(&exchange, 1, &["m"], &["t"]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"c", b"p"));
    act(&exchange, &edge.peer, &publish(2, "t", b"c", Flags::ACKED));
    let mut second = Parked::service(&exchange, 2, &["m"], &["t"]).await;
    first.retire(&exchange);
    assert!(codes(&edge.close()).is_empty());
    let passed = second.close();
    let mut kinds: Vec<Kind> = passed.iter().map(|frame| frame.kind).collect();
    kinds.sort_by_key(|kind| *kind as u8);
    assert_eq!(kinds, [Kind::Publish, Kind::Request]);
    let call = passed.iter().find(|frame| frame.kind == Kind::Request).unwrap();
    let call = Request::parse(call).unwrap();
    assert_eq!((call.custom.body(), call.payload), (&b"c\0\0\0\0\0\0\0\x07"[..], &b"p"[..]));
    assert_eq!(second.peer.in_flight(), 2);
}

#[tokio::test]
async fn what_nobody_else_takes_fails_with_the_dead_service() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut service = Parked::service(&exchange, 1, &["m"], &[]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    service.retire(&exchange);
    assert_eq!(codes(&edge.close()), [(1, Code::MethodNotFound)]);
}

#[tokio::test]
async fn an_asker_that_dies_is_told_to_whom_it_asked() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut service = Parked::service(&exchange, 1, &["m"], &["t"]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    act(&exchange, &edge.peer, &publish(2, "t", b"", Flags::ACKED));
    edge.retire(&exchange);
    assert!(!testing::has_pending(&service.peer));
    let sent = service.close();
    let call = sent.iter().find(|frame| frame.kind == Kind::Request).unwrap();
    let cancels: Vec<u64> = sent.iter().filter(|it| it.kind == Kind::Cancel).map(|it| it.id).collect();
    assert_eq!(cancels, [call.id], "the call is cancelled; a message needs no word");
}

#[tokio::test]
async fn a_peer_that_says_it_leaves_gets_nothing_new_and_may_still_answer() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut service = Parked::service(&exchange, 1, &["m"], &[]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    let leaving = testing::frame(|out| frontier_protocol::GoAway::new(Code::Ok, 0, "").encode(out));
    act(&exchange, &service.peer, &leaving);
    act(&exchange, &edge.peer, &request(2, "m", b"", b""));
    let sent = service.close();
    assert_eq!(sent.iter().map(|frame| frame.kind).collect::<Vec<_>>(), [Kind::Request, Kind::GoAway]);
    act(&exchange, &service.peer, &response(sent[0].id, b"", b"late but fine"));
    assert_eq!(codes(&edge.close()), [(2, Code::ServiceNotOnline), (1, Code::Ok)]);
}
