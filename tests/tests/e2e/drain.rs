//! Gateways that stop while others, or their successors, take over: nobody notices.

use crate::fleet::{Fleet, Post};
use frontier_sdk::{Service, Status};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, Load, Network, echo, eventually};
use std::net::TcpStream;
use std::time::Duration;

/// Within this a gateway with many edges is drained, also on a busy machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A gateway under which a thousand edges on a busy machine are no reason to give up anyone.
fn patient(net: Network) -> GatewayBuilder {
    Gateway::over(net)
        .set("log.level", "info")
        .set("daemon.grace", "50s")
        .set("daemon.drain_spread", "4s")
        .set("edgebound.callback_timeout", "30s")
        .set("limits.heartbeat", "60s")
}

/// One that takes the place of another.
fn successor(builder: GatewayBuilder, of: &Gateway) -> GatewayBuilder {
    builder
        .set("edgebound.listen.addr", of.edges().to_string())
        .set("servicebound.listen.addr", of.services().to_string())
}

/// Waits until nobody listens any more where the gateway did. Over QUIC that shows only with the end of
/// the last connection.
async fn stops_listening(gateway: &Gateway) {
    if gateway.network() == Network::Quic {
        return;
    }
    for addr in [gateway.edges(), gateway.services()] {
        eventually(DEADLINE, "the port is free", async || TcpStream::connect(addr).err()).await;
    }
}

/// Waits for the end of a gateway that drains, which must not have cut anyone off.
async fn drained(gateway: &mut Gateway) {
    eventually(DRAIN_TIMEOUT, "the gateway exits", async || (!gateway.process().is_running()).then_some(()))
        .await;
    assert_eq!(gateway.process().exit().await, Some(0));
    for mishap in ["the grace is over", "gave up", "edges that stay", "was not taken"] {
        assert_eq!(gateway.log().find(mishap), None);
    }
}

pub(crate) async fn a_thousand_edges_with_calls_both_ways_go_to_another_gateway_without_a_failed_call(
    net: Network,
) {
    let new = patient(net).start().await;
    // The edges know of the old gateway only.
    let mut old = patient(net).set("edgebound.alternatives", vec![new.edge_url()]).start().await;
    let posts = [Post::at(&old).await, Post::at(&new).await];
    let fleet = Fleet::connect(&old, 1000).await;
    let load = fleet.calls(&posts);
    load.go_on(1000).await;
    old.terminate();
    drained(&mut old).await;
    load.go_on(1000).await;
    load.stop().await;
    let [before, after] = &posts;
    assert_eq!((before.came(), before.left(), before.here()), (1000, 1000, 0));
    assert_eq!((after.came(), after.left(), after.here()), (1000, 0, 1000));
    assert!(fleet.edges().iter().all(|edge| edge.status().get() == Status::Connected));
    fleet.answers(after).await;
}

/// As with a process that is started on the same ports before the old one has ended.
pub(crate) async fn a_successor_on_the_same_ports_takes_over_without_a_failed_call(net: Network) {
    const EDGES: usize = 200;
    let mut old = patient(net).start().await;
    // One service, connected to one gateway at a time, and late: edges are at the successor before it.
    let late = Duration::from_secs(4);
    let posts = [Post::of(old.service("s").backoff(late, late)).await];
    let fleet = Fleet::connect(&old, EDGES).await;
    let load = fleet.calls(&posts);
    load.go_on(500).await;
    for _ in 0..2 {
        old.terminate();
        stops_listening(&old).await;
        let new = successor(patient(net), &old).start().await;
        drained(&mut old).await;
        load.go_on(500).await;
        old = new;
    }
    load.stop().await;
    fleet.answers(&posts[0]).await;
    assert_eq!(posts[0].left(), 2 * EDGES);
    // Of edges that are at the successor before the service nobody is told there.
    assert!((EDGES..=3 * EDGES).contains(&posts[0].came()), "{} came", posts[0].came());
}

pub(crate) async fn where_there_is_nowhere_to_go_calls_are_carried_until_the_grace_is_over(net: Network) {
    let mut old = patient(net).set("daemon.grace", "3s").set("daemon.drain_spread", "1s").start().await;
    let service = old.service("s").connect().await.expect("a service");
    echo(&service, "echo").await.expect("a registration");
    let edges = [old.edge().connect().await.expect("an edge"), old.edge().connect().await.expect("an edge")];
    let load = Load::start(&edges, "echo");
    load.go_on(100).await;
    old.terminate();
    stops_listening(&old).await;
    eventually(DEADLINE, "edges are told", async || old.log().find("sending edges away")).await;
    load.go_on(100).await;
    assert!(old.process().is_running());
    eventually(DEADLINE, "the grace ends", async || old.log().find("the grace is over")).await;
    assert_eq!(old.process().exit().await, Some(0));
    let _new = successor(patient(net), &old).start().await;
    load.go_on(100).await;
    let tally = load.stop().await;
    // Cut off is only what was in flight in that moment, and what the edges ask before the service is back: on a
    // busy machine that takes longer than a call may.
    let expected = ["disconnected", "method not found", "service not online", "deadline exceeded"];
    let strange = tally.failed.keys().find(|error| !expected.iter().any(|text| error.contains(text)));
    assert_eq!(strange, None, "{:?}", tally.failed);
}

pub(crate) async fn nobody_waits_for_idle_edges_that_have_nowhere_to_go(net: Network) {
    let mut gateway = Gateway::over(net).set("daemon.grace", "1h").start().await;
    let _service: Service = gateway.service("s").connect().await.expect("a service");
    let edge = gateway.edge().connect().await.expect("an edge");
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    gateway.log().find("edges that stay").expect("it says why");
    assert_eq!(edge.status().get(), Status::Reconnecting);
}

/// Docker and Kubernetes send SIGTERM, and SIGKILL when the time is over.
pub(crate) async fn it_ends_within_its_grace_and_before_it_would_be_killed_without_a_failed_call(
    net: Network,
) {
    const GRACE: Duration = Duration::from_secs(8);
    let new = patient(net).start().await;
    let mut old = Gateway::over(net)
        .set("log.level", "info")
        .set("daemon.grace", "8s")
        .set("edgebound.alternatives", vec![new.edge_url()])
        .start()
        .await;
    let posts = [Post::at(&old).await, Post::at(&new).await];
    let fleet = Fleet::connect(&old, 150).await;
    let load = fleet.calls(&posts);
    load.go_on(300).await;
    old.terminate();
    let exited = tokio::time::timeout(GRACE, old.process().exit()).await;
    assert_eq!(exited.expect("it ends before it would be killed"), Some(0));
    load.go_on(300).await;
    load.stop().await;
    fleet.answers(&posts[1]).await;
}
