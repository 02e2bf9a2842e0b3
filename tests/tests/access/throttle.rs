//! What fails again and again is slowed down, and nobody else is.

use crate::tokens::entry;
use crate::world::{World, edge_refused, unauthenticated};
use frontier_sdk::{Code, ConnectError, Edge, EdgeId};
use frontier_tests::within;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

const YAML: &str = "
edgebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: HERE}}
access: {throttle: {failures: 3, delay: 60s}}
";

/// Where a client connects to that is to come to `gateway` from `from`.
async fn relay(from: Ipv4Addr, gateway: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((from, 0).into()).unwrap();
            let mut far = socket.connect(gateway).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    addr
}

#[tokio::test]
async fn what_fails_again_and_again_must_wait_and_nobody_else() {
    let world = World::new().with("tokens.yaml", entry("frt_seven", "edge_id: 7")).start(YAML).await;
    for _ in 0..3 {
        let refused = edge_refused(world.edge().token("frt_old")).await;
        assert_eq!(refused, unauthenticated("unknown token"));
    }
    let connect = world.edge().token("frt_old").connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Timeout { .. }) && error.code() != Code::Unauthenticated,
        "{error}"
    );
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
    assert!(error.to_string().contains("too many failures from this address, try again in"), "{error}");
    // The same from elsewhere is told what is wrong with it, and others here get in.
    let elsewhere = relay(Ipv4Addr::new(127, 0, 0, 77), world.edge_addr()).await;
    let refused = edge_refused(Edge::builder(format!("tcp://{elsewhere}")).token("frt_old")).await;
    assert_eq!(refused, unauthenticated("unknown token"));
    let edge = world.edge().token("frt_seven").connect();
    assert_eq!(within("it gets in", edge).await.unwrap().id(), EdgeId(7));
    world.logs("too many failures from this address").await;
}

#[tokio::test]
async fn failures_in_a_loop_fill_no_log() {
    let yaml = YAML.replace("failures: 3", "failures: 1000");
    let world = World::new().with("tokens.yaml", "[]").start(&yaml).await;
    for _ in 0..60 {
        edge_refused(world.edge().token("frt_nobody")).await;
    }
    world.logs("suppressed=").await;
    let lines = world.log().lines().iter().filter(|line| line.contains("edge not let in")).count();
    assert!(lines < 60, "{lines}");
}
