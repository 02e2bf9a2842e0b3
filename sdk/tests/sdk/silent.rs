//! Gateways that take a connection and say nothing: the client goes to another one meanwhile.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Code, GoAway, Kind};
use frontier_sdk::{Closed, Edge, Status};
use futures_util::FutureExt;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The kernel takes connections, and nobody looks at them.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_gateway_that_says_nothing_does_not_keep_a_client_from_the_next() {
    for scheme in ["tcp", "tls"] {
        let (_silent, url) = silent();
        let url = url.replace("tcp", scheme);
        let mut gateway = Gateway::bind();
        let connect = Edge::builder(url).url(&gateway.url).connect_timeout(Duration::from_secs(8)).connect();
        let (edge, _peer) = soon(async { tokio::join!(connect, gateway.welcome()) }).await;
        assert_eq!(edge.unwrap().status().get(), Status::Connected);
    }
}

#[tokio::test]
async fn of_two_attempts_the_first_that_is_welcomed_is_the_one_and_the_other_takes_its_leave() {
    let (mut slow, mut quick) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(Edge::builder(&slow.url).url(&quick.url).connect());
    let first = slow.accept().await;
    let second = quick.accept().await;
    let _peer = second.welcome();
    let edge = soon(connect).await.unwrap().unwrap();
    // The slow one welcomes it after all.
    let mut loser = first.welcome();
    let goodbye = loser.expect(Kind::GoAway).await;
    assert_eq!(GoAway::parse(&goodbye).unwrap().code, Code::Ok);
    loser.expect_end().await;
    assert_eq!(edge.status().get(), Status::Connected);
    assert!(edge.status().closed().now_or_never().is_none_or(|closed: Closed| closed == Closed::Local));
}

#[tokio::test]
async fn when_time_is_over_it_is_said_who_has_not_answered() {
    let (_silent, url) = silent();
    let connect = Edge::builder(&url).connect_timeout(Duration::from_millis(200)).connect();
    let error = soon(connect).await.unwrap_err().to_string();
    assert!(error.ends_with(&format!("the last attempt: {url} has not answered yet")), "{error}");
}

#[tokio::test]
async fn alternatives_that_say_nothing_do_not_keep_a_client_from_its_own() {
    let (mut old, mut own) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.edge().url(&own.url).connect());
    let peer = old.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let silent: Vec<_> = (0..8).map(|_| silent()).collect();
    let alternatives: Vec<&str> = silent.iter().map(|(_, url)| &url[..]).collect();
    let start = Instant::now();
    peer.send(|out| GoAway { alternatives, ..GoAway::new(Code::Draining, 30_000, "update") }.encode(out));
    let _next = own.welcome().await;
    assert!(start.elapsed() < Duration::from_secs(5), "before three of the alternatives have had their time");
    drop(edge);
}
