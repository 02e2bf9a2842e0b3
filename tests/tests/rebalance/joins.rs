//! A gateway joins, and gets its share.

use crate::fleet::Fleet;
use crate::world::World;
use frontier_sdk::EdgeId;
use frontier_tests::DEADLINE;
use std::time::Duration;

const EDGES: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_joins_gets_its_share_without_a_failed_call_and_then_there_is_peace() {
    let world = World::start("{interval: 1s, rate: 100, settle: 2s}").await;
    let _first = world.gateway("f1").start().await;
    let _second = world.gateway("f2").start().await;
    let service = world.service().await;
    world.is_at(&service, &["f1", "f2"]).await;
    let fleet = Fleet::connect(EDGES, |number| world.edge().id(EdgeId(1 + number))).await;
    let calls = fleet.calls(&service, Duration::from_secs(2));
    world.is_even(2, EDGES, 2 * DEADLINE).await;
    calls.go_on(100).await;

    let before = world.position().await;
    let third = world.gateway("f3").start().await;
    world.is_even(3, EDGES, 4 * DEADLINE).await;
    third.log().line("connected to frontlas").await;
    // Some more may be on their way.
    calls.go_on(300).await;
    let settled = world.moves(before).await;
    let least = usize::try_from(EDGES / 3).unwrap();
    assert!((least * 9 / 10..=least * 12 / 10).contains(&settled), "{settled} moves, not {least}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(world.moves(before).await, settled, "edges go to and fro");
    world.is_even(3, EDGES, DEADLINE).await;
    calls.stop().await;
    assert_eq!(fleet.ids(), (1..=EDGES).collect::<Vec<_>>());
    fleet.answers(&service).await;
}
