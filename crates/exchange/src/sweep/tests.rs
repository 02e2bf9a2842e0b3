//! That no slice of a sweep is long, and that all of them together see everyone.

use super::*;
use crate::Latch;
use crate::testing::{self, TestPeer};
use frontier_protocol::{Code, EdgeId};
use std::time::Duration;

/// Slices of a whole sweep: how many peers each has looked at.
fn slices(exchange: &Exchange) -> Vec<usize> {
    let (mut place, mut slices) = (Place::Edges(0), Vec::new());
    while !matches!(place, Place::Done) {
        let (next, looked_at) =
            exchange.sweep_slice(place, Some(exchange.millis()), &mut Outboxes::default());
        place = next;
        slices.push(looked_at);
    }
    slices
}

fn edges(exchange: &Arc<Exchange>, ids: std::ops::Range<u64>) -> Vec<TestPeer> {
    ids.map(|id| TestPeer::edge(exchange, id)).collect()
}

#[test]
fn a_slice_looks_at_a_few_hundred_peers_at_most_and_the_slices_at_each_once() {
    let exchange = testing::exchange();
    let _edges = edges(&exchange, 0..3000);
    let _services: Vec<TestPeer> = (0..700).map(|id| TestPeer::service(&exchange, id, &[], &[])).collect();
    let _gateways: Vec<TestPeer> = (0..300).map(|_| TestPeer::origin_gateway(&exchange)).collect();
    let slices = slices(&exchange);
    assert_eq!(slices.iter().sum::<usize>(), 4000);
    // One peer more or less in a shard is chance: some ten stand in each at most, at so few edges.
    assert!(slices.iter().all(|looked_at| *looked_at < PEERS_PER_SLICE + 32), "{slices:?}");
}

#[tokio::test]
async fn others_have_their_turn_between_the_slices() {
    let exchange = testing::exchange();
    let _edges = edges(&exchange, 0..3000);
    let swept = Arc::new(Latch::default());
    let other = tokio::spawn({
        let swept = swept.clone();
        async move {
            let mut turns = 0;
            while !swept.is_set() {
                turns += 1;
                tokio::task::yield_now().await;
            }
            turns
        }
    });
    exchange.sweep().await;
    swept.set();
    assert!(other.await.unwrap() >= 3000 / (PEERS_PER_SLICE + 32));
}

#[tokio::test]
async fn whoever_visits_all_edges_lets_others_have_their_turn() {
    let exchange = testing::exchange();
    let _edges = edges(&exchange, 0..3000);
    let turns = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let other = tokio::spawn({
        let turns = turns.clone();
        async move {
            loop {
                turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    let mut visited = std::collections::BTreeSet::new();
    exchange.for_each_edge_in_slices(|edge| assert!(visited.insert(edge.number()))).await;
    other.abort();
    assert_eq!(visited.len(), 3000);
    assert!(turns.load(std::sync::atomic::Ordering::Relaxed) >= 3000 / (PEERS_PER_SLICE + 64));
}

/// It stands in the registry until services have heard of its end, and sweeps come by meanwhile.
#[test]
fn a_silent_connection_is_logged_once() {
    let exchange = testing::exchange();
    let silent = TestPeer::edge(&exchange, 1);
    silent.peer.hear(0);
    let mut lines = Vec::new();
    let start = Instant::now();
    for seconds in 0..=300 {
        let sweep = exchange.sweep_at(start + Duration::from_secs(seconds), seconds * 1000);
        lines.extend(testing::log::logged(|| testing::run(sweep)));
    }
    assert_eq!(silent.outlet.close_reason(), Some(CloseReason::Silent));
    let said = lines.iter().filter(|line| line.contains("closing a connection")).count();
    assert_eq!(said, 1, "{lines:?}");
}

#[test]
fn a_peer_that_comes_or_goes_between_two_slices_harms_nobody() {
    let exchange = testing::exchange();
    let mut services: Vec<TestPeer> =
        (0..600).map(|id| TestPeer::service(&exchange, id, &["m"], &[])).collect();
    let (place, _) =
        exchange.sweep_slice(Place::Services(None), Some(exchange.millis()), &mut Outboxes::default());
    services.drain(100..400);
    services.push(TestPeer::service(&exchange, 1000, &[], &[]));
    let (_, looked_at) = exchange.sweep_slice(place, Some(exchange.millis()), &mut Outboxes::default());
    assert_eq!(looked_at, 201);
    assert!(services.iter().all(|service| service.outlet.close_reason().is_none()));
}

/// Takes a minute where tests are not optimised, and its figures mean something where they are.
#[test]
#[ignore = "a million peers, and a bound in time: cargo test --release -p frontier-exchange -- --ignored million"]
fn a_slice_over_a_million_idle_peers_takes_less_than_a_millisecond() {
    const EDGES: u64 = 1_000_000;
    let exchange = testing::exchange();
    let edges = edges(&exchange, 1..EDGES + 1);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let overdue = |id| crate::Envelope {
        // Overdue by the time that it is looked at, and not yet as it is entered.
        deadline: Instant::now() + Duration::from_millis(500),
        ..testing::call(id, testing::to_edge(id))
    };
    (1..=500).for_each(|id| service.send(overdue(id * 2000)));
    std::thread::sleep(Duration::from_millis(500));
    let (mut place, mut times) = (Place::Edges(0), Vec::new());
    while !matches!(place, Place::Done) {
        let start = Instant::now();
        place = exchange.sweep_slice(place, Some(exchange.millis()), &mut Outboxes::default()).0;
        times.push(start.elapsed());
    }
    for _ in 0..=500 / PEERS_PER_SLICE {
        let start = Instant::now();
        exchange.expire_slice(PEERS_PER_SLICE);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let (all, longest): (Duration, _) = (times.iter().sum(), times[times.len() - 1]);
    println!(
        "{} slices in {all:?}: median {:?}, 99.9 % {:?}, longest {longest:?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 999 / 1000]
    );
    // A slice that the system interrupts is not the exchange's.
    assert!(times[times.len() * 999 / 1000] < Duration::from_millis(1));
    let late = service.codes();
    assert!(late.len() == 500 && late.iter().all(|(_, code)| *code == Code::Deadline), "{late:?}");
    assert!(exchange.edge(EdgeId(EDGES)).is_some());
    drop(edges);
}
