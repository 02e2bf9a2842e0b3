//! A gateway that ends the connection of a client that has nowhere else to go.

use super::{answer, go_away};
use crate::gateway::{Gateway, Peer, soon};
use frontier_protocol::Kind;
use frontier_sdk::{Builder, Closed, Code, Edge, Error, Response, Status};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// An edge that has asked something when its gateway says its last word.
struct Asked {
    edge: Edge,
    peer: Peer,
    question: u64,
    answer: JoinHandle<Result<Response, Error>>,
}

impl Asked {
    async fn of(gateway: &mut Gateway, edge: Builder<Edge>) -> Self {
        let connect = tokio::spawn(edge.connect());
        let mut peer = gateway.welcome().await;
        let edge = soon(connect).await.unwrap().unwrap();
        let asks = edge.clone();
        let answer = tokio::spawn(async move { asks.call("m", "").await });
        let question = peer.expect(Kind::Request).await.id;
        peer.send(|out| go_away(Code::Ok, 0).encode(out));
        Self { edge, peer, question, answer }
    }

    async fn is_answered(&mut self) {
        self.peer.respond(self.question, b"at last");
        assert_eq!(soon(&mut self.answer).await.unwrap().unwrap().data, "at last");
    }
}

#[tokio::test]
async fn behind_a_last_word_what_is_in_flight_is_answered_and_nothing_new_is_asked() {
    let mut gateway = Gateway::bind();
    let edge = gateway.edge();
    let mut asked = Asked::of(&mut gateway, edge).await;
    // It has heard it.
    let caller = gateway.accept().await;
    let later = asked.edge.clone();
    let later = later.call("m", "");
    tokio::pin!(later);
    assert!(futures_util::poll!(&mut later).is_pending());
    asked.is_answered().await;
    assert_eq!(asked.peer.expect(Kind::GoAway).await.code, Code::Ok);
    asked.peer.expect_end().await;
    let mut next = caller.welcome();
    let (answered, ()) = soon(async { tokio::join!(later, answer(&mut next, b"there")) }).await;
    assert_eq!(answered.unwrap().data, "there");
}

#[tokio::test]
async fn behind_a_last_word_nobody_waits_for_long() {
    let mut gateway = Gateway::bind();
    let (edge, start) = (gateway.edge(), Instant::now());
    let mut asked = Asked::of(&mut gateway, edge).await;
    assert_eq!(soon(&mut asked.answer).await.unwrap().unwrap_err().code(), Code::Disconnected);
    assert!(start.elapsed() >= Duration::from_millis(4_500), "{:?}", start.elapsed());
    asked.peer.expect(Kind::GoAway).await;
    asked.peer.expect_end().await;
}

#[tokio::test]
async fn a_user_who_closes_behind_a_last_word_waits_for_what_is_in_flight() {
    let mut gateway = Gateway::bind();
    let edge = gateway.edge();
    let mut asked = Asked::of(&mut gateway, edge).await;
    // It has heard it.
    let _knocks = gateway.accept().await;
    let edge = asked.edge.clone();
    let close = edge.close();
    tokio::pin!(close);
    assert!(futures_util::poll!(&mut close).is_pending());
    assert_eq!(asked.peer.expect(Kind::GoAway).await.code, Code::Ok);
    asked.is_answered().await;
    soon(close).await.unwrap();
    asked.peer.expect_end().await;
}

#[tokio::test]
async fn without_reconnecting_a_last_word_is_the_end_once_what_is_in_flight_is_answered() {
    let mut gateway = Gateway::bind();
    let edge = gateway.edge().reconnect(false);
    let mut asked = Asked::of(&mut gateway, edge).await;
    let mut status = asked.edge.status();
    asked.is_answered().await;
    asked.peer.expect(Kind::GoAway).await;
    assert!(matches!(soon(status.changed()).await, Status::Closed(Closed::Lost(_))));
}
