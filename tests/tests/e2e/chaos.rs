//! Failures under load: every caller gets an answer or an error within its deadline, and everything
//! works again.

use frontier_sdk::{Edge, Service};
use frontier_tests::{DEADLINE, Gateway, Load, Network, StallProxy, echo, eventually, within};
use std::time::Duration;

/// How many answers show that things go on.
const MORE_CALLS: u64 = 200;

/// A hang that is shorter than the deadline of any call.
const HANG_TIME: Duration = Duration::from_millis(500);

/// Two services behind one network each, and four edges behind another.
struct Site {
    edge_network: StallProxy,
    service_network: StallProxy,
    _services: Vec<Service>,
    edges: Vec<Edge>,
}

impl Site {
    async fn new(gateway: &Gateway) -> Self {
        let edge_network = StallProxy::to_edges(gateway).await;
        let service_network = StallProxy::to_services(gateway).await;
        let mut services = Vec::new();
        for service in [service_network.service("s"), gateway.service("s")] {
            let service = service.connect().await.expect("a service");
            echo(&service, "echo").await.expect("a registration");
            services.push(service);
        }
        let mut edges = Vec::new();
        for number in 0..4 {
            let edge = if number % 2 == 0 { edge_network.edge() } else { gateway.edge() };
            edges.push(edge.connect().await.expect("an edge"));
        }
        Self { edge_network, service_network, _services: services, edges }
    }
}

pub(crate) async fn edges_that_are_cut_off(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    for _ in 0..5 {
        load.go_on(MORE_CALLS).await;
        site.edge_network.cut();
    }
    load.go_on(MORE_CALLS).await;
    load.stop().await;
}

pub(crate) async fn services_that_are_cut_off(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    for _ in 0..5 {
        load.go_on(MORE_CALLS).await;
        site.service_network.cut();
    }
    load.go_on(MORE_CALLS).await;
    load.stop().await;
}

pub(crate) async fn edges_in_a_blackhole(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    load.go_on(MORE_CALLS).await;
    site.edge_network.blackhole();
    // The others go on.
    load.go_on(MORE_CALLS).await;
    let lost: Vec<_> = site.edges.iter().step_by(2).map(Edge::status).collect();
    for mut status in lost {
        within("the edge notices", status.changed()).await;
    }
    site.edge_network.heal();
    load.go_on(MORE_CALLS).await;
    all_work(&site).await;
    load.stop().await;
}

pub(crate) async fn services_in_a_blackhole(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    load.go_on(MORE_CALLS).await;
    site.service_network.blackhole();
    // Calls to it fail with their deadlines, until it is noticed; then the other one gets them all.
    eventually(DEADLINE, "it is noticed", async || gateway.log().find("no sign of life")).await;
    load.go_on(MORE_CALLS).await;
    all_work(&site).await;
    site.service_network.heal();
    load.go_on(MORE_CALLS).await;
    load.stop().await;
}

/// CONF-020
pub(crate) async fn a_gateway_that_is_killed_and_started_again(net: Network) {
    let mut gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    for _ in 0..3 {
        load.go_on(MORE_CALLS).await;
        gateway.restart().await;
    }
    load.go_on(MORE_CALLS).await;
    all_work(&site).await;
    load.stop().await;
}

pub(crate) async fn a_gateway_that_hangs_for_a_while(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    load.go_on(MORE_CALLS).await;
    let lost: Vec<_> = site.edges.iter().map(Edge::status).collect();
    gateway.freeze();
    for mut status in lost {
        within("the edge notices", status.changed()).await;
    }
    gateway.thaw();
    load.go_on(MORE_CALLS).await;
    all_work(&site).await;
    let tally = load.stop().await;
    assert!(tally.failures() > 0, "calls in flight must have failed");
}

/// Shorter than anyone's patience: nothing but time is lost.
pub(crate) async fn a_short_hang_is_waited_out(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let site = Site::new(&gateway).await;
    let load = Load::start(&site.edges, "echo");
    load.go_on(MORE_CALLS).await;
    gateway.freeze();
    tokio::time::sleep(HANG_TIME).await;
    gateway.thaw();
    load.go_on(MORE_CALLS).await;
    let tally = load.stop().await;
    assert_eq!(tally.failures(), 0, "{:?}", tally.failed);
}

/// Each edge gets answers by itself.
async fn all_work(site: &Site) {
    for edge in &site.edges {
        eventually(DEADLINE, "each edge works", async || {
            edge.call("echo", "x").timeout(Duration::from_secs(1)).await.ok()
        })
        .await;
    }
}
