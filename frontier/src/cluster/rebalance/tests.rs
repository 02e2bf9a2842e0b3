//! Which edges are asked to move, how many, and to where.

use super::*;
use crate::testing::{self, Parked};
use frontier_protocol::{Code, Frame, GoAway, Kind, Other, Plan};

const URLS: [&str; 2] = ["tcp://b:1", "tcp://c:1"];

fn tell(state: &ClusterState, keep: u64, wants: [u64; 2]) {
    let other = |place: usize| Other {
        want: wants[place],
        edges: 0,
        frontier: "x",
        edgebound: URLS[place],
        servicebound: "",
    };
    let plan = Plan { keep, rate: 100_000, others: vec![other(0), other(1)] };
    state.gateways.update(&plan);
}

async fn edges(exchange: &Arc<Exchange>, count: u64) -> Vec<Parked> {
    let mut all = Vec::new();
    for id in 1..=count {
        all.push(Parked::edge(exchange, id).await);
    }
    all
}

/// Where each of those that were asked was asked to go.
fn asked(edges: &mut [Parked]) -> Vec<String> {
    let to = |frame: &Frame| {
        assert_eq!(frame.kind, Kind::GoAway);
        let notice = GoAway::parse(frame).unwrap();
        assert!(notice.stays && notice.code == Code::Draining && notice.alternatives.len() == 1);
        notice.alternatives[0].to_owned()
    };
    edges.iter_mut().flat_map(|edge| edge.close().iter().map(to).collect::<Vec<_>>()).collect()
}

/// Waits until so many were asked, and then some.
async fn settles(edges: &[Parked], expected: usize) {
    let count = || edges.iter().filter(|edge| edge.peer.was_asked_to_move()).count();
    let waits = async {
        while count() < expected {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    testing::soon(waits).await;
    assert_eq!(count(), expected);
}

#[tokio::test]
async fn those_that_are_too_many_are_asked_once_each() {
    let (exchange, state) = (testing::exchange(), Arc::<ClusterState>::default());
    let mut edges = edges(&exchange, 20).await;
    let running = tokio::spawn(run(exchange.clone(), state.clone()));
    tokio::task::yield_now().await;
    for _ in 0..3 {
        // The counts that this was made from are old: it says the same again.
        tell(&state, 14, [4, 2]);
        settles(&edges, 6).await;
    }
    tell(&state, 14, [0, 0]);
    state.gateways.pause();
    settles(&edges, 6).await;
    let mut to = asked(&mut edges);
    to.sort();
    assert_eq!(to, [&[URLS[0]; 4][..], &[URLS[1]; 2]].concat());
    running.abort();
}

#[tokio::test]
async fn no_more_are_asked_than_the_others_want_and_none_while_the_gateway_drains() {
    let (exchange, state) = (testing::exchange(), Arc::<ClusterState>::default());
    let edges = edges(&exchange, 20).await;
    let running = tokio::spawn(run(exchange.clone(), state.clone()));
    tokio::task::yield_now().await;
    tell(&state, 0, [2, 1]);
    settles(&edges, 3).await;
    tell(&state, 30, [2, 1]);
    tell(&state, u64::MAX, [2, 1]);
    settles(&edges, 3).await;
    state.draining.set();
    tell(&state, 0, [2, 1]);
    testing::soon(running).await.unwrap();
    settles(&edges, 3).await;
}

#[tokio::test]
async fn the_idle_go_first_and_who_has_a_stream_never() {
    let exchange = testing::exchange();
    let edges = edges(&exchange, 6).await;
    let busy = &edges[0].peer;
    // Something waits for it.
    let _ = busy.outlet().cancel(frontier_exchange::CorrelationId(1)).unwrap();
    let gone = &edges[1].peer;
    gone.advance(Stage::Leaving);
    let assignment = Assignment { keep: 0, rate: 100, others: Vec::new() };
    for _ in 0..20 {
        let chosen = choose(&exchange, &assignment, 100);
        assert_eq!(chosen.len(), 5);
        assert!(Arc::ptr_eq(&chosen[4], busy) && chosen.iter().all(|edge| !Arc::ptr_eq(edge, gone)));
        let some = choose(&exchange, &assignment, 3);
        assert!(some.len() == 3 && some.iter().all(|edge| !Arc::ptr_eq(edge, busy)));
    }
    edges[2].peer.note_asked_to_move(exchange.clock());
    assert_eq!(choose(&exchange, &assignment, 100).len(), 4);
    assert_eq!(choose(&exchange, &Assignment { keep: 3, ..assignment.clone() }, 100).len(), 1);
    assert_eq!(choose(&exchange, &Assignment { keep: 4, ..assignment }, 100).len(), 0, "it counts as gone");
}
