//! All gateways are restarted, one after the other.

use crate::fleet::Fleet;
use crate::world::{World, patient};
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{DEADLINE, Gateway, eventually};
use std::time::Duration;

const EDGES: u64 = 3000;

/// Within this a gateway with a third of the edges is drained, also on a busy machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(70);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_with_three_thousand_edges_fails_no_call_and_leaves_the_loads_even() {
    let world = World::start("{interval: 1s, rate: 200, settle: 2s}").await;
    let ids = ["f1", "f2", "f3"];
    let mut gateways = Vec::new();
    for id in ids {
        gateways.push(world.gateway(id).start().await);
    }
    let service = world.service().await;
    world.is_at(&service, &ids).await;
    let urls: Vec<String> = gateways.iter().map(Gateway::edge_url).collect();
    let edge = |number: u64| {
        // Each has another one that it knows first.
        let nth = usize::try_from(number % 3).unwrap();
        let [first, second, third] = [0, 1, 2].map(|turn| urls[(nth + turn) % 3].clone());
        patient(Edge::builder(first).url(second).url(third)).id(EdgeId(1 + number))
    };
    let fleet = Fleet::connect(EDGES, edge).await;
    world.is_even(3, EDGES, 2 * DEADLINE).await;
    let calls = fleet.calls(&service, Duration::from_secs(12));
    calls.go_on(500).await;
    for (gateway, id) in gateways.iter_mut().zip(ids) {
        gateway.terminate();
        let is_over = async || (!gateway.process().is_running()).then_some(());
        eventually(DRAIN_TIMEOUT, "the gateway exits", is_over).await;
        assert_eq!(gateway.process().exit().await, Some(0));
        for mishap in ["the grace is over", "gave up", "edges that stay", "was not taken"] {
            assert_eq!(gateway.log().find(mishap), None, "{id}");
        }
        gateway.start_again().await;
        world.is_at(&service, &ids).await;
        calls.go_on(300).await;
        eprintln!("{id} is there again: {:?}", world.loads().await);
    }
    world.is_even(3, EDGES, 6 * DEADLINE).await;
    calls.go_on(300).await;
    calls.stop().await;
    assert_eq!(fleet.ids(), (1..=EDGES).collect::<Vec<_>>());
}
