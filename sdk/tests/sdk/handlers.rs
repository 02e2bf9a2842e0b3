//! Calls that a client answers: what handlers return, how they fail, how many run at once, and cancels.

use crate::gateway::{Gateway, soon};
use bytes::Bytes;
use frontier_protocol::{Cancel, Custom, Flags, Frame, Kind, Request, Response};
use frontier_sdk::{Code, EdgeId, HandlerError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

fn response(frame: &Frame) -> (Code, u32, Bytes) {
    let response = Response::parse(frame).unwrap();
    (response.code, response.detail, Bytes::copy_from_slice(response.payload))
}

/// Tells on a channel when it is dropped.
struct Tell(mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[tokio::test]
async fn a_handler_answers() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let handler = |req: frontier_sdk::Request| async move {
        assert_eq!((&*req.method, req.edge_id), ("echo", None));
        Ok(frontier_sdk::Response::new(req.data).custom("back"))
    };
    edge.register("echo", handler).await.unwrap();
    peer.request(9, "echo", b"hi");
    let frame = peer.expect(Kind::Response).await;
    assert_eq!(frame.id, 9);
    let response = Response::parse(&frame).unwrap();
    assert_eq!((response.payload, response.custom.body()), (&b"hi"[..], &b"back"[..]));
}

#[tokio::test]
async fn a_service_is_told_which_edge_calls() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let register = service.register("who", |req| async move {
        assert_eq!(req.custom, "h");
        Ok(frontier_sdk::Response::new(req.edge_id.map(|id| id.to_string()).unwrap_or_default()))
    });
    let (registered, _) = soon(async { tokio::join!(register, peer.agree()) }).await;
    registered.unwrap();
    let custom = Custom::tailed(b"h", EdgeId(31));
    peer.send(|out| Request { timeout_ms: 1000, method: "who", custom, payload: b"" }.encode(1, out));
    assert_eq!(response(&peer.expect(Kind::Response).await), (Code::Ok, 0, "31".into()));
}

#[tokio::test]
async fn every_way_to_fail_has_its_code() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    edge.register("fails", |_| async { Err(HandlerError::new(5, "no disk")) }).await.unwrap();
    let later = |_| async { Err(HandlerError::retry_later("no room", Duration::from_millis(1500))) };
    edge.register("later", later).await.unwrap();
    edge.register("sometime", |_| async { Err(HandlerError::retry_later("", Duration::ZERO)) })
        .await
        .unwrap();
    edge.register("converts", |_| async { Ok("x".parse::<u8>().map(|_| frontier_sdk::Response::new(""))?) })
        .await
        .unwrap();
    edge.register("panics", |_| async { panic!("on purpose") }).await.unwrap();
    edge.register("hangs", |_| std::future::pending()).await.unwrap();
    let cases = [
        ("fails", (Code::Application, 5, "no disk")),
        ("later", (Code::Overloaded, 1500, "no room")),
        ("sometime", (Code::Overloaded, 0, "")),
        ("converts", (Code::Application, 0, "invalid digit found in string")),
        ("panics", (Code::Panicked, 0, "on purpose")),
        ("absent", (Code::MethodNotFound, 0, "no handler for `absent`")),
    ];
    for (method, (code, application, text)) in cases {
        peer.request(1, method, b"");
        let frame = peer.expect(Kind::Response).await;
        assert_eq!(response(&frame), (code, application, text.into()), "{method}");
    }
    let custom = Custom::plain(b"");
    peer.send(|out| Request { timeout_ms: 20, method: "hangs", custom, payload: b"" }.encode(2, out));
    assert_eq!(response(&peer.expect(Kind::Response).await).0, Code::Deadline);
    edge.unregister("fails").await.unwrap();
    peer.request(3, "fails", b"");
    assert_eq!(response(&peer.expect(Kind::Response).await).0, Code::MethodNotFound);
}

#[tokio::test]
async fn beyond_the_limit_requests_wait_and_then_are_refused() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().max_handlers(2).connect());
    let mut peer = gateway.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let gate = Arc::new(Notify::new());
    let (started_in, mut started) = mpsc::unbounded_channel();
    let handler = {
        let gate = gate.clone();
        move |req: frontier_sdk::Request| {
            let (gate, started) = (gate.clone(), started_in.clone());
            async move {
                started.send(req.data).unwrap();
                gate.notified().await;
                Ok(frontier_sdk::Response::new(""))
            }
        }
    };
    edge.register("wait", handler).await.unwrap();
    for id in 1..=5u8 {
        peer.request(id.into(), "wait", &[id]);
    }
    // The fifth is one too many; the third and the fourth wait.
    let refused = peer.expect(Kind::Response).await;
    assert_eq!((refused.id, response(&refused).0), (5, Code::Overloaded));
    let mut first = [soon(started.recv()).await.unwrap()[0], soon(started.recv()).await.unwrap()[0]];
    first.sort_unstable();
    assert_eq!(first, [1, 2]);
    assert!(started.is_empty());
    // One that waits is cancelled, the other starts when a place is free.
    peer.send(|out| Cancel::encode(3, out));
    peer.request(6, "absent", b"");
    assert_eq!(peer.expect(Kind::Response).await.id, 6);
    gate.notify_one();
    assert!([1, 2].contains(&peer.expect(Kind::Response).await.id));
    assert_eq!(soon(started.recv()).await.unwrap()[0], 4);
}

#[tokio::test]
async fn a_cancelled_handler_is_dropped_and_not_answered() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |_| {
        let tell = tell.clone();
        async move {
            let _tell = Tell(tell.clone(), "dropped");
            tell.send("started").unwrap();
            std::future::pending().await
        }
    };
    edge.register("hangs", handler).await.unwrap();
    peer.request(1, "hangs", b"");
    assert_eq!(soon(told.recv()).await, Some("started"));
    peer.send(|out| Cancel::encode(1, out));
    assert_eq!(soon(told.recv()).await, Some("dropped"));
    // With the connection the handler goes as well.
    peer.request(2, "hangs", b"");
    assert_eq!(soon(told.recv()).await, Some("started"));
    assert!(!peer.has_frame());
    peer.cut();
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_an_error() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let long_header = |_| async { Ok(frontier_sdk::Response::new("").custom(vec![0; 70_000])) };
    let long_payload = |_| async { Ok(frontier_sdk::Response::new(vec![0; 2 * 1024 * 1024])) };
    edge.register("header", long_header).await.unwrap();
    edge.register("payload", long_payload).await.unwrap();
    for (id, method) in [(1, "header"), (2, "payload")] {
        peer.request(id, method, b"");
        assert_eq!(response(&peer.expect(Kind::Response).await).0, Code::TooLarge, "{method}");
    }
}

#[tokio::test]
async fn a_detached_frame_on_the_lane_ends_the_connection() {
    let mut gateway = Gateway::bind();
    let (_edge, mut peer) = gateway.connected_edge().await;
    let request = Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: &[0, 0, 0, 1] };
    peer.send(|out| request.encode_with(1, Flags::DETACHED, out));
    peer.expect_end().await;
}
