//! Connecting: the Hello, rejections, several addresses, and tokens.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Code, Role};
use frontier_sdk::{Closed, ConnectError, Edge, EdgeId, Service, ServiceId, Status};
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_edge_says_who_it_is_and_gets_its_id() {
    let mut gateway = Gateway::bind();
    let connect = gateway.edge().meta("sn-42").id(EdgeId(99)).connect();
    let connect = tokio::spawn(connect);
    let caller = gateway.accept().await;
    assert_eq!((caller.role, caller.id, &caller.meta[..]), (Role::Edge, 99, &b"sn-42"[..]));
    let _peer = caller.welcome();
    let edge = soon(connect).await.unwrap().unwrap();
    assert_eq!(edge.id(), EdgeId(99));
    assert_eq!(edge.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_service_says_its_name_and_topics() {
    let mut gateway = Gateway::bind();
    let builder = gateway.service().name("files").topics(["b", "a"]).topics(vec!["c".to_owned()]);
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!((caller.role, caller.name.as_str()), (Role::Service, "files"));
    assert_eq!(caller.topics, ["a", "b", "c"]);
    let _peer = caller.welcome();
    let service: Service = soon(connect).await.unwrap().unwrap();
    assert_eq!(service.id(), ServiceId(7));
}

#[tokio::test]
async fn a_final_rejection_ends_the_connect() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    gateway.accept().await.reject(Code::Denied, "unknown serial number").await;
    let error = soon(connect).await.unwrap().unwrap_err();
    assert_eq!(error, ConnectError::Refused { code: Code::Denied, text: "unknown serial number".into() });
    assert_eq!(error.to_string(), "refused by the gateway: denied: unknown serial number");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_passing_rejection_is_tried_again() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    gateway.accept().await.reject(Code::Overloaded, "").await;
    let _peer = gateway.welcome().await;
    assert!(soon(connect).await.unwrap().is_ok());
}

#[tokio::test]
async fn several_addresses_are_tried_in_turn() {
    let closed = Gateway::bind().url;
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(Edge::builder(closed).url(&gateway.url).connect());
    let _peer = gateway.welcome().await;
    assert!(soon(connect).await.unwrap().is_ok());
}

#[tokio::test]
async fn nobody_there_is_an_error_after_the_timeout() {
    let closed = Gateway::bind().url;
    let connect = Edge::builder(closed)
        .backoff(Duration::ZERO, Duration::from_millis(1))
        .connect_timeout(Duration::from_millis(50))
        .connect();
    let error = soon(connect).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Timeout { last, .. } if last.contains("could not connect")));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_wrong_url_is_an_error_at_once() {
    let error = Edge::builder("localhost").connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)));
    let too_long = vec![0; 70_000];
    let gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().meta(too_long).connect());
    let error = soon(connect).await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::TooLong(_)));
}

#[tokio::test]
async fn dropping_the_last_handle_closes() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let clone = edge.clone();
    drop(edge);
    let mut status = clone.status();
    drop(clone);
    assert_eq!(soon(status.closed()).await, Closed::Local);
    peer.expect_end().await;
}

#[tokio::test]
async fn a_token_is_shown_and_nowhere_printed() {
    let mut gateway = Gateway::bind();
    let builder = gateway.edge().token("s3cret");
    assert!(!format!("{builder:?}").contains("s3cret"));
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!(caller.token.as_deref(), Some("s3cret"));
    caller.reject(Code::Unauthenticated, "unknown token").await;
    let error = soon(connect).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "refused by the gateway: unauthenticated: unknown token");

    let error = soon(gateway.edge().token("s3cret".repeat(10_000)).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::TooLong(_)));
    assert_eq!(error.to_string(), "a token of 60000 bytes is over 16384");
}

#[tokio::test]
async fn a_source_of_tokens_is_asked_before_each_attempt() {
    let mut gateway = Gateway::bind();
    let turn = std::sync::atomic::AtomicU32::new(0);
    let source = move || {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { if turn == 1 { Err("the issuer is down") } else { Ok(format!("token {turn}")) } }
    };
    let connect = tokio::spawn(gateway.edge().token_source(source).connect());
    let caller = gateway.accept().await;
    assert_eq!(caller.token.as_deref(), Some("token 0"));
    let peer = caller.welcome();
    let _edge = soon(connect).await.unwrap().unwrap();
    peer.cut();
    // The second attempt came to nothing, without a connection.
    assert_eq!(gateway.accept().await.token.as_deref(), Some("token 2"));
}

#[tokio::test]
async fn a_gateway_that_is_overloaded_says_when_to_come_again() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    gateway.accept().await.reject_with(Code::Overloaded, 200, "").await;
    let start = Instant::now();
    let _peer = gateway.welcome().await;
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
    soon(connect).await.unwrap().unwrap();

    // Another address is tried meanwhile.
    let mut other = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().url(&other.url).connect());
    gateway.accept().await.reject_with(Code::Overloaded, 60_000, "").await;
    other.accept().await.reject(Code::Overloaded, "").await;
    let _peer = other.welcome().await;
    soon(connect).await.unwrap().unwrap();

    let connect = gateway.edge().connect_timeout(Duration::from_secs(2)).connect();
    let reject = async { gateway.accept().await.reject_with(Code::Overloaded, 60_000, "full").await };
    let (connected, ()) = soon(async { tokio::join!(connect, reject) }).await;
    let error = connected.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(error.to_string(), "no connection within 2s; the last attempt: rejected: overloaded: full");
}
