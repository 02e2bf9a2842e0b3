//! Edges that publish without a pause while something happens to the broker.

use crate::world::edge;
use frontier_sdk::{Code, Edge};
use frontier_tests::Gateway;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Messages of one edge that are in flight at once.
const WINDOW: usize = 16;

/// The messages of an edge by their numbers, each with the code where it failed.
type Results = Vec<(u64, Option<Code>)>;

/// Edges that publish.
pub(crate) struct Load {
    tasks: JoinSet<(u64, Results)>,
    acked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// What became of all messages, by edge.
pub(crate) struct Published(BTreeMap<u64, Results>);

impl Load {
    /// As many edges publish under `topic` what names the edge and numbers the messages: `<edge> <number>`.
    pub(crate) async fn start(gateway: &Gateway, topic: &'static str, edges: u64) -> Self {
        let (acked, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut tasks = JoinSet::new();
        for id in 1..=edges {
            let edge = Arc::new(edge(gateway, id).await);
            tasks.spawn(publish(edge, id, topic, acked.clone(), stop.clone()));
        }
        Self { tasks, acked, stop }
    }

    /// Waits until so many more messages have been acked.
    pub(crate) async fn acked(&self, count: usize) {
        let from = self.acked.load(Ordering::SeqCst);
        let enough = async || (self.acked.load(Ordering::SeqCst) >= from + count).then_some(());
        frontier_tests::eventually(2 * frontier_tests::DEADLINE, "messages are acked", enough).await;
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Published {
        self.stop.store(true, Ordering::SeqCst);
        let mut published = BTreeMap::new();
        while let Some(ended) = self.tasks.join_next().await {
            let (edge, messages) = ended.unwrap();
            published.insert(edge, messages);
        }
        Published(published)
    }
}

async fn publish(
    edge: Arc<Edge>,
    id: u64,
    topic: &'static str,
    acked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> (u64, Results) {
    let (mut next, mut flying, mut results) = (0, JoinSet::new(), Vec::new());
    while !stop.load(Ordering::SeqCst) || !flying.is_empty() {
        while flying.len() < WINDOW && !stop.load(Ordering::SeqCst) {
            let (edge, number, acked) = (edge.clone(), next, acked.clone());
            next += 1;
            flying.spawn(async move {
                let published = edge.publish(topic, format!("{id} {number}")).await;
                if published.is_ok() {
                    acked.fetch_add(1, Ordering::SeqCst);
                }
                (number, published.err().map(|error| error.code()))
            });
        }
        if let Some(ended) = flying.join_next().await {
            let (number, code) = ended.unwrap();
            results.push((number, code));
            if code.is_some() {
                // A broker that is away refuses at once.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
    results.sort_unstable_by_key(|(number, _)| *number);
    (id, results)
}

impl Published {
    /// The codes of those that failed.
    pub(crate) fn codes(&self) -> BTreeSet<String> {
        let codes = self.0.values().flatten().filter_map(|(_, code)| *code);
        codes.map(|code| code.to_string()).collect()
    }

    /// How many were acked.
    pub(crate) fn acked(&self) -> usize {
        self.0.values().flatten().filter(|(_, code)| code.is_none()).count()
    }

    /// Compares with what arrived, in its order: nothing that was acked is missing. How many came more than once.
    pub(crate) fn check(&self, arrived: &[Vec<u8>]) -> usize {
        let mut seen = BTreeMap::<(u64, u64), usize>::new();
        for payload in arrived {
            let text = std::str::from_utf8(payload).unwrap();
            let (edge, number) = text.split_once(' ').unwrap();
            *seen.entry((edge.parse().unwrap(), number.parse().unwrap())).or_default() += 1;
        }
        for (edge, messages) in &self.0 {
            let acked = messages.iter().filter(|(_, code)| code.is_none());
            let missing: Vec<u64> = acked
                .map(|(number, _)| *number)
                .filter(|number| !seen.contains_key(&(*edge, *number)))
                .collect();
            assert!(missing.is_empty(), "edge {edge}: acked and not there: {missing:?}");
        }
        seen.values().map(|count| count - 1).sum()
    }
}

/// The messages of one edge, of which several are in flight at once, need not be called in order by its tasks: this
/// publishes one after the other.
pub(crate) async fn in_order(edge: &Edge, topic: &str, count: u32) {
    for number in 0..count {
        edge.publish(topic, format!("{number}")).await.unwrap();
    }
}
