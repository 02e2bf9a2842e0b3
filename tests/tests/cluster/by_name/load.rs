//! All gateways are restarted, one after the other, while calls go between them both ways.

use super::{IDS, Trio, echo};
use frontier_sdk::{Edge, EdgeId, Service};
use frontier_tests::{CallsBothWays, DEADLINE, Gateway, eventually};
use std::sync::Arc;
use std::time::Duration;

const EDGES: u64 = 60;

/// Within this a gateway is drained, also on a busy machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(70);

fn patient<T>(builder: frontier_sdk::Builder<T>, urls: [String; 3]) -> frontier_sdk::Builder<T> {
    let [_, second, third] = urls;
    builder
        .url(second)
        .url(third)
        .backoff(Duration::from_millis(10), Duration::from_millis(500))
        .connect_timeout(4 * DEADLINE)
        .call_timeout(CallsBothWays::CALL_TIMEOUT)
}

/// In turn, each with another one in front.
fn in_turn(urls: &[String], first: usize) -> [String; 3] {
    [0, 1, 2].map(|turn| urls[(first + turn) % 3].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call_between_gateways_in_either_direction() {
    let mut trio = Trio::with(|builder| {
        builder.set("daemon.grace", "60s").set("daemon.drain_spread", "2s").set("limits.heartbeat", "20s")
    })
    .await;
    let services: Vec<String> = trio.gateways.iter().map(Gateway::service_url).collect();
    let edges: Vec<String> = trio.gateways.iter().map(Gateway::edge_url).collect();
    // Both are at the same gateway, so that most of what is asked is elsewhere.
    let mut all = Vec::new();
    for _ in 0..2 {
        let urls = in_turn(&services, 0);
        let service = patient(Service::builder(urls[0].clone()), urls).name("files").register("echo", echo);
        all.push(service.connect().await.unwrap());
    }
    let mut fleet = Vec::new();
    for number in 0..EDGES {
        let urls = in_turn(&edges, usize::try_from(number % 3).unwrap());
        let edge =
            patient(Edge::builder(urls[0].clone()), urls).id(EdgeId(1 + number)).register("echo", echo);
        fleet.push(edge.connect().await.unwrap());
    }
    trio.frontlas.has(1..=EDGES).await;
    for edge in &fleet {
        let called = async || edge.call("echo", "").await.ok().map(drop);
        eventually(DEADLINE, "the edge reaches a service", called).await;
    }
    let mut calls = CallsBothWays::from_edges(&fleet, Duration::from_millis(100));
    let fleet = Arc::new(fleet);
    for (number, service) in all.iter().cloned().enumerate() {
        let fleet = fleet.clone();
        calls.spawn(async move |outcome| {
            for edge in fleet.iter().cycle().skip(number * 30) {
                if !outcome.goes_on() {
                    return;
                }
                let call = service.call(edge.id(), "echo", "down").timeout(CallsBothWays::CALL_TIMEOUT);
                outcome.down(call.await);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    calls.go_on(300).await;
    for (gateway, id) in trio.gateways.iter_mut().zip(IDS) {
        gateway.terminate();
        let is_over = async || (!gateway.process().is_running()).then_some(());
        eventually(DRAIN_TIMEOUT, "the gateway exits", is_over).await;
        assert_eq!(gateway.process().exit().await, Some(0));
        for mishap in ["the grace is over", "gave up", "edges that stay", "was not taken"] {
            assert_eq!(gateway.log().find(mishap), None, "{id}");
        }
        gateway.start_again().await;
        calls.go_on(300).await;
    }
    calls.stop().await;
}
