//! What the gateway itself asks services.

use super::*;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

async fn call(exchange: &Exchange, timeout: Duration) -> Option<crate::calls::Answer> {
    let call = OwnCall { method: EDGE_ONLINE, custom: b"", payload: b"event" };
    testing::soon(exchange.call_service(call, EdgeId(EDGE), testing::ADDR.ip(), timeout)).await
}

#[tokio::test]
async fn a_service_that_registered_it_is_asked() {
    let exchange = testing::exchange();
    let mut service = Remote::service(&exchange, 1, &[EDGE_ONLINE], &[]).await;
    let (answer, ()) = tokio::join!(call(&exchange, PATIENCE), async {
        let frame = service.recv().await;
        let got = Request::parse(&frame).unwrap();
        assert_eq!((got.method, got.custom.body(), got.payload), (EDGE_ONLINE, &b""[..], &b"event"[..]));
        reply(&service, frame.id, Code::Application, b"", b"no");
    });
    let answer = answer.unwrap();
    assert_eq!((answer.code, answer.text()), (Code::Application, "no".into()));
    assert!(!service.peer.calls.lock().is_busy());
}

#[tokio::test]
async fn where_nobody_registered_it_nobody_is_asked() {
    let exchange = testing::exchange();
    let _service = Remote::service(&exchange, 1, &[EDGE_OFFLINE], &[]).await;
    assert!(call(&exchange, PATIENCE).await.is_none());
}

#[tokio::test]
async fn when_a_service_dies_the_next_is_asked() {
    let exchange = testing::exchange();
    let mut services = Vec::new();
    for id in [1, 2] {
        services.push(Remote::service(&exchange, id, &[EDGE_ONLINE], &[]).await);
    }
    let (answer, ()) = tokio::join!(call(&exchange, PATIENCE), async {
        let (mut one, mut two) = (services.remove(0), services.remove(0));
        let (dying, mut other) = tokio::select! {
            _ = one.recv() => (one, two),
            _ = two.recv() => (two, one),
        };
        dying.die().await;
        let frame = other.recv().await;
        reply(&other, frame.id, Code::Ok, b"", b"");
    });
    assert_eq!(answer.unwrap().code, Code::Ok);
}

#[tokio::test]
async fn when_the_last_service_dies_none_is_left() {
    let exchange = testing::exchange();
    let mut service = Remote::service(&exchange, 1, &[EDGE_ONLINE], &[]).await;
    let (answer, ()) = tokio::join!(call(&exchange, PATIENCE), async {
        service.recv().await;
        service.die().await;
    });
    assert!(answer.is_none());
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_told_that_nobody_waits() {
    let exchange = testing::exchange();
    let mut service = Remote::service(&exchange, 1, &[EDGE_ONLINE], &[]).await;
    let answer = call(&exchange, Duration::from_millis(20)).await.unwrap();
    assert_eq!(answer.code, Code::Deadline);
    let (asked, cancel) = (service.recv().await, service.recv().await);
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, asked.id));
    assert!(!service.peer.calls.lock().is_busy());
}
