//! Closing: what is still done, for how long, and what is given back.

use crate::gateway::{Gateway, Peer, soon};
use frontier_protocol::{Ack, GoAway, Kind, Open, OpenAck};
use frontier_sdk::{Closed, Code, Response};
use frontier_transport::FirstFrame;
use std::time::Duration;

fn agree_to_leave(peer: &Peer) {
    peer.send(|out| GoAway::new(Code::Ok, 0, "").encode(out));
}

#[tokio::test]
async fn close_writes_what_is_queued_and_waits_for_the_gateway() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    soon(edge.publish("t", "last words").unacked()).await.unwrap();
    let answer = async {
        peer.expect(Kind::Publish).await;
        peer.expect(Kind::GoAway).await;
        agree_to_leave(&peer);
        peer.expect_end().await;
    };
    let (closed, ()) = soon(async { tokio::join!(edge.close(), answer) }).await;
    closed.unwrap();
    assert_eq!(edge.closed().await, Closed::Local);
    assert_eq!(soon(edge.call("m", "")).await.unwrap_err().code(), Code::Cancelled);
    assert!(soon(edge.recv()).await.is_none());
    assert!(soon(edge.accept_stream()).await.is_none());
    soon(edge.close()).await.unwrap();
}

#[tokio::test]
async fn close_lets_calls_handlers_and_messages_end() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let (release, released) = tokio::sync::watch::channel(false);
    let handler = move |_| {
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await?;
            Ok(Response::new("done"))
        }
    };
    edge.register("wait", handler).await.unwrap();
    peer.request(1, "wait", b"");
    peer.publish(2, "t", b"in hand");
    peer.publish(3, "t", b"in the queue");
    let in_hand = soon(edge.recv()).await.unwrap();
    let in_flight = edge.call("m", "");
    tokio::pin!(in_flight);
    assert!(futures_util::poll!(&mut in_flight).is_pending());
    let question = peer.expect(Kind::Request).await;

    let close = edge.close();
    tokio::pin!(close);
    assert!(futures_util::poll!(&mut close).is_pending());
    let returned = peer.expect(Kind::Ack).await;
    assert_eq!((returned.id, Ack::parse(&returned).unwrap().code), (3, Code::Draining));
    peer.expect(Kind::GoAway).await;
    agree_to_leave(&peer);
    in_hand.done();
    assert_eq!(peer.expect(Kind::Ack).await.id, 2);
    release.send(true).unwrap();
    assert_eq!(peer.expect(Kind::Response).await.id, 1);
    assert!(futures_util::poll!(&mut close).is_pending());
    peer.respond(question.id, b"ok");
    let (closed, answered) = soon(async { tokio::join!(close, in_flight) }).await;
    closed.unwrap();
    assert_eq!(answered.unwrap().data, "ok");
    peer.expect_end().await;
}

#[tokio::test]
async fn while_closing_what_comes_is_given_back() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let close = edge.close();
    tokio::pin!(close);
    assert!(futures_util::poll!(&mut close).is_pending());
    peer.expect(Kind::GoAway).await;
    peer.publish(1, "t", b"");
    assert_eq!(peer.expect(Kind::Ack).await.code, Code::Draining);
    let mut open = Vec::new();
    Open { peer: 1, timeout_ms: 0, name: "files", meta: b"" }.encode(&mut open).unwrap();
    let mux = peer.stream(&open).await;
    let FirstFrame { frame, .. } = soon(FirstFrame::read(mux, 1024)).await.unwrap();
    assert_eq!(OpenAck::parse(&frame).unwrap().code, Code::Draining);
    agree_to_leave(&peer);
    soon(close).await.unwrap();
}

#[tokio::test]
async fn what_takes_too_long_is_left_undone() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().close_timeout(Duration::from_millis(50)).connect());
    let mut peer = gateway.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let call = edge.call("m", "");
    tokio::pin!(call);
    assert!(futures_util::poll!(&mut call).is_pending());
    let (closed, _) = soon(async { tokio::join!(edge.close(), peer.expect(Kind::Request)) }).await;
    assert_eq!(closed.unwrap_err().code(), Code::Deadline);
    assert_eq!(soon(call).await.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_gateway_that_hangs_up_behind_its_last_word_is_no_error() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let close = edge.close();
    tokio::pin!(close);
    assert!(futures_util::poll!(&mut close).is_pending());
    peer.expect(Kind::GoAway).await;
    peer.say_and_hang_up(|out| GoAway::new(Code::Ok, 0, "").encode(out)).await;
    soon(close).await.unwrap();
}
