//! Gateways over QUIC that are killed: nobody says so, and edges notice all the same. With the heartbeat of the defaults.

use frontier_sdk::{Edge, Status};
use frontier_tests::{Gateway, Network};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long it took `edge` to notice that its gateway is gone, and to connect again.
async fn times(edge: &Edge, killed: Instant, limit: Duration) -> (Duration, Duration) {
    let mut status = edge.status();
    let mut noticed = None;
    let times = async {
        loop {
            match status.changed().await {
                Status::Reconnecting => noticed = Some(killed.elapsed()),
                Status::Connected => return killed.elapsed(),
                over @ (Status::Refused { .. } | Status::Closed(_)) => panic!("{over:?}"),
            }
        }
    };
    let connected = timeout(limit, times).await.expect("it connects again in time");
    let noticed = noticed.expect("it has noticed");
    println!("noticed after {noticed:?}, connected after {connected:?}");
    (noticed, connected)
}

#[tokio::test]
async fn a_gateway_that_is_killed_and_started_again_is_missed_for_seconds() {
    let mut gateway = Gateway::over(Network::Quic).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let killed = Instant::now();
    gateway.restart().await;
    let (noticed, _) = times(&edge, killed, Duration::from_secs(20)).await;
    assert!(noticed < Duration::from_secs(10), "{noticed:?}");
}

#[tokio::test]
async fn a_gateway_that_is_killed_and_stays_away_is_left_for_the_next_address() {
    let mut gateway = Gateway::over(Network::Quic).start().await;
    let next = Gateway::over(Network::Quic).start().await;
    let edge = gateway.edge().url(next.edge_url()).connect().await.unwrap();
    let killed = Instant::now();
    gateway.kill().await;
    let (noticed, _) = times(&edge, killed, Duration::from_secs(40)).await;
    assert!(noticed < Duration::from_secs(25), "{noticed:?}");
}
