//! Replicas at once: what must be so at the end, whatever came first.

use crate::random::FRONTIERS;
use crate::view::View;
use crate::world::{Node, World, counts};
use frontlas::{Directory, Event, Presence, Timestamp, Verdict};
use rand::{Rng, RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) async fn replicas_at_once_end_with_the_latest_connections(world: World) {
    const EDGES: u64 = 40;
    let seed = rand::random::<u64>();
    eprintln!("seed {seed}");
    let directory = world.replica();
    let mut view = View::new(&directory).await;
    let mut tasks = Vec::new();
    for (nth, id) in FRONTIERS.into_iter().enumerate() {
        let replica = world.replica();
        let rng = rand::rngs::SmallRng::seed_from_u64(seed + nth as u64);
        tasks.push(tokio::spawn(report_at_random(replica, id, rng, EDGES)));
    }
    let mut latest: BTreeMap<u64, (Timestamp, &str, bool)> = BTreeMap::new();
    let mut nodes = Vec::new();
    for (task, id) in tasks.into_iter().zip(FRONTIERS) {
        let (node, connections) = task.await.unwrap();
        for (edge, (stamp, connected)) in connections {
            let this = (stamp, id, connected);
            let it = latest.entry(edge).or_insert(this);
            *it = (*it).max(this);
        }
        nodes.push(node);
    }
    let expected: BTreeMap<u64, (String, Timestamp)> = latest
        .into_iter()
        .filter(|(_, (.., connected))| *connected)
        .map(|(edge, (stamp, id, _))| (edge, (id.to_owned(), stamp)))
        .collect();
    let listed = directory.edges(0, 1000).await.unwrap().items;
    let listed: BTreeMap<_, _> = listed.into_iter().map(|it| (it.id, (it.frontier_id, it.stamp))).collect();
    assert_eq!(listed, expected);
    counts(&directory).await;
    view.follow().await;
    assert_eq!(view.edges, expected);
    for node in nodes {
        directory.refresh(&node.lease).await.unwrap();
    }
}

/// A frontier that reports connections which come and go: its last one of each edge, and whether that lasts.
async fn report_at_random(
    directory: Arc<dyn Directory>,
    id: &'static str,
    mut rng: impl Rng,
    edges: u64,
) -> (Node, BTreeMap<u64, (Timestamp, bool)>) {
    let node = Node::join(&directory, id).await;
    let mut last: BTreeMap<u64, (Presence, bool)> = BTreeMap::new();
    for _ in 0..60 {
        let mut now = node.now().await;
        let mut batch = Vec::new();
        for _ in 0..rng.random_range(1..8) {
            let edge = rng.random_range(0..edges);
            now.0 += 1;
            match last.get_mut(&edge) {
                Some((presence, connected)) if *connected => {
                    batch.push(presence.offline());
                    *connected = false;
                }
                _ => {
                    // Reported somewhat late, so that frontiers overtake each other.
                    let presence = Presence::edge(edge, "", Timestamp(now.0 - rng.random_range(0..3000)));
                    if last.get(&edge).is_some_and(|(old, _)| old.stamp >= presence.stamp) {
                        continue;
                    }
                    batch.push(Event::Online(presence.clone()));
                    last.insert(edge, (presence, true));
                }
            }
        }
        for verdict in node.apply(&batch).await {
            assert_ne!(verdict, Verdict::Refused);
        }
        if rng.random_range(0..10) == 0 {
            directory.refresh(&node.lease).await.unwrap();
        }
        if rng.random_range(0..20) == 0 {
            let present: Vec<_> =
                last.values().filter(|(_, connected)| *connected).map(|it| it.0.clone()).collect();
            node.resync(&present).await;
        }
    }
    (
        node,
        last.into_iter().map(|(edge, (presence, connected))| (edge, (presence.stamp, connected))).collect(),
    )
}
