//! Calls that a client makes: headers, errors, deadlines, cancels and limits.

use crate::gateway::{Gateway, MAX_PAYLOAD, soon};
use frontier_protocol::{Custom, Flags, Kind, Request, Response};
use frontier_sdk::{Code, EdgeId};
use std::time::Duration;

#[tokio::test]
async fn a_call_carries_everything_there_and_back() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let call = edge.call("echo", "ping").custom("header").timeout(Duration::from_secs(5));
    let answer = async {
        let frame = peer.expect(Kind::Request).await;
        let request = Request::parse(&frame).unwrap();
        assert_eq!((request.method, request.payload), ("echo", &b"ping"[..]));
        assert_eq!(request.custom.body(), b"header");
        assert!((1..=5000).contains(&request.timeout_ms));
        let custom = Custom::plain(b"back");
        let response = Response { code: Code::Ok, detail: 0, custom, payload: b"pong" };
        peer.send(|out| response.encode_with(frame.id, Flags::default(), out));
    };
    let (response, ()) = soon(async { tokio::join!(call, answer) }).await;
    let response = response.unwrap();
    assert_eq!((&response.data[..], &response.custom[..]), (&b"pong"[..], &b"back"[..]));
}

#[tokio::test]
async fn a_service_names_the_edge_and_never_sees_the_tail() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let call = service.call(EdgeId(5), "reboot", "").custom("h");
    let answer = async {
        let frame = peer.expect(Kind::Request).await;
        let request = Request::parse(&frame).unwrap();
        assert_eq!(Custom::split_tail(request.custom.body()), Some((&b"h"[..], EdgeId(5))));
        let custom = Custom::tailed(b"back", EdgeId(5));
        let response = Response { code: Code::Ok, detail: 0, custom, payload: b"" };
        peer.send(|out| response.encode_with(frame.id, Flags::default(), out));
    };
    let (response, ()) = soon(async { tokio::join!(call, answer) }).await;
    assert_eq!(response.unwrap().custom, "back");
}

#[tokio::test]
async fn the_id_that_no_edge_has_is_never_sent() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let nobody = EdgeId(0);
    let failed = [
        soon(service.call(nobody, "reboot", "")).await.unwrap_err(),
        soon(service.call(nobody, "reboot", vec![0; 100_000])).await.unwrap_err(),
        soon(service.publish(nobody, "")).await.unwrap_err(),
        soon(service.open_stream(nobody)).await.unwrap_err(),
    ];
    for error in failed {
        assert_eq!((error.code(), error.text()), (Code::EdgeNotOnline, "0 is the id of no edge"));
    }
    let call = service.call(EdgeId(5), "next", "").timeout(Duration::from_millis(20));
    let (_, frame) = soon(async { tokio::join!(call, peer.expect(Kind::Request)) }).await;
    assert_eq!(Request::parse(&frame).unwrap().method, "next", "nothing came before it");
}

#[tokio::test]
async fn an_error_comes_back_whole() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let answer = async {
        let frame = peer.expect(Kind::Request).await;
        let response = Response { detail: 42, ..Response::error(Code::Application, "disk full") };
        peer.send(|out| response.encode_with(frame.id, Flags::default(), out));
    };
    let (response, ()) = soon(async { tokio::join!(edge.call("write", ""), answer) }).await;
    let error = response.unwrap_err();
    assert_eq!((error.code(), error.application(), error.text()), (Code::Application, Some(42), "disk full"));
}

#[tokio::test]
async fn the_deadline_ends_a_call_and_cancels_it() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    // A later deadline first, so that the earlier one has to be noticed.
    let patient = edge.call("slow", "");
    let hasty = edge.call("slow", "").timeout(Duration::from_millis(20));
    tokio::pin!(patient);
    assert!(futures_util::poll!(&mut patient).is_pending());
    let error = soon(hasty).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    let first = peer.expect(Kind::Request).await;
    let second = peer.expect(Kind::Request).await;
    assert_eq!(peer.expect(Kind::Cancel).await.id, second.id);
    peer.respond(first.id, b"done");
    assert_eq!(soon(patient).await.unwrap().data, "done");
}

#[tokio::test]
async fn dropping_a_call_cancels_it() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    {
        let call = edge.call("slow", "");
        tokio::pin!(call);
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    let request = peer.expect(Kind::Request).await;
    assert_eq!(peer.expect(Kind::Cancel).await.id, request.id);
    // A late answer hits nobody, not even the next call in the same place.
    let call = edge.call("next", "");
    let answer = async {
        let next = peer.expect(Kind::Request).await;
        assert_ne!(next.id, request.id);
        peer.respond(request.id, b"late");
        peer.respond(next.id, b"own");
    };
    let (response, ()) = soon(async { tokio::join!(call, answer) }).await;
    assert_eq!(response.unwrap().data, "own");
}

#[tokio::test]
async fn what_is_too_large_is_never_sent() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let payload = vec![0; usize::try_from(MAX_PAYLOAD).unwrap() + 1];
    for result in [
        soon(edge.call("m", payload.clone())).await.map(drop),
        soon(edge.publish("t", payload)).await,
        soon(edge.call(&"m".repeat(70_000), "")).await.map(drop),
        soon(edge.publish("t", "").custom(vec![0; 70_000])).await,
    ] {
        assert_eq!(result.unwrap_err().code(), Code::TooLarge);
    }
    drop(edge);
    peer.expect_end().await;
}

#[tokio::test]
async fn callers_wait_for_room_when_the_gateway_does_not_read() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    let unread = gateway.accept().await.welcome_unread().flush().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let payload = vec![0u8; 60_000];
    // Far more than the outbox and the buffers of the system take.
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let (edge, payload) = (edge.clone(), payload.clone());
            tokio::spawn(async move { edge.call("m", payload).await })
        })
        .collect();
    // All of them have been polled before this one, so there is no room for it.
    tokio::task::yield_now().await;
    let hasty = edge.call("hasty", payload).timeout(Duration::from_millis(50));
    assert_eq!(soon(hasty).await.unwrap_err().code(), Code::Deadline);
    let mut peer = unread.drive();
    for _ in 0..1000 {
        let frame = peer.expect(Kind::Request).await;
        assert_eq!(Request::parse(&frame).unwrap().method, "m");
        peer.respond(frame.id, b"");
    }
    for call in calls {
        assert!(soon(call).await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn many_calls_at_once_each_get_their_own_answer() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let echo = tokio::spawn(async move {
        for _ in 0..2000 {
            let frame = peer.expect(Kind::Request).await;
            peer.respond(frame.id, Request::parse(&frame).unwrap().payload);
        }
        peer
    });
    let calls = (0..2000u32).map(|n| {
        let edge = &edge;
        async move {
            assert_eq!(edge.call("echo", n.to_be_bytes().to_vec()).await.unwrap().data, n.to_be_bytes()[..])
        }
    });
    soon(futures_util::future::join_all(calls)).await;
    drop(soon(echo).await.unwrap());
}
