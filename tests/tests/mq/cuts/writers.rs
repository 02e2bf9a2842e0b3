//! Edges that publish without a pause, and keep what they were told.

use super::TOPIC;
use super::model::{End, Published, Sent, payload};
use crate::world::edge;
use frontier_sdk::Edge;
use frontier_tests::{Gateway, eventually};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many there are.
const EDGES: u64 = 4;

/// Messages of one edge that are in flight at once.
const WINDOW: usize = 8;

/// How long an edge waits for an ack. Longer than the gateway's patience with a broker.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Between messages, so that what has to be read at the end stays within bounds.
const PAUSE: Duration = Duration::from_millis(5);

/// Edges that publish.
pub(super) struct Writers {
    tasks: JoinSet<(u64, Vec<Sent>)>,
    shared: Arc<Shared>,
}

/// What publishers and the test tell each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    pub(super) acked: AtomicUsize,
    /// How often the gateway was killed.
    pub(super) epoch: AtomicU64,
    deaths: Mutex<Vec<Instant>>,
    took: Mutex<Vec<Duration>>,
}

impl Shared {
    /// An answer took so long.
    pub(super) fn took(&self, time: Duration) {
        self.took.lock().unwrap().push(time);
    }
}

impl Writers {
    /// They publish to the gateway, for this part of a run.
    pub(super) async fn start(gateway: &Gateway, part: u64) -> Self {
        let (mut tasks, shared) = (JoinSet::new(), Arc::<Shared>::default());
        for id in 1..=EDGES {
            let edge = Arc::new(edge(gateway, id).await);
            tasks.spawn(write(edge, part, id, shared.clone()));
        }
        Self::of(tasks, shared)
    }

    /// These, each of which gives what it has sent.
    pub(super) fn of(tasks: JoinSet<(u64, Vec<Sent>)>, shared: Arc<Shared>) -> Self {
        Self { tasks, shared }
    }

    /// Waits until so many more have been acked.
    pub(super) async fn progress(&self, count: usize, when: &str) {
        let from = self.shared.acked.load(SeqCst);
        let enough = async || (self.shared.acked.load(SeqCst) >= from + count).then_some(());
        eventually(super::RECOVERY, &format!("messages are acked {when}"), enough).await;
    }

    /// The broker is killed now.
    pub(super) fn broker_dies(&self) {
        self.shared.deaths.lock().unwrap().push(Instant::now());
    }

    /// The gateway is killed now.
    pub(super) fn gateway_dies(&self) {
        self.shared.epoch.fetch_add(1, SeqCst);
    }

    /// Ends it.
    pub(super) async fn stop(mut self) -> Published {
        self.shared.stop.store(true, SeqCst);
        let mut published = Published::default();
        while let Some(ended) = self.tasks.join_next().await {
            let (edge, sent) = ended.unwrap();
            published.edges.insert(edge, sent);
        }
        published.deaths = std::mem::take(&mut *self.shared.deaths.lock().unwrap());
        published.took = std::mem::take(&mut *self.shared.took.lock().unwrap());
        published.took.sort_unstable();
        published
    }
}

async fn write(edge: Arc<Edge>, part: u64, id: u64, shared: Arc<Shared>) -> (u64, Vec<Sent>) {
    let (mut next, mut flying, mut all) = (0, FuturesUnordered::new(), Vec::new());
    loop {
        while flying.len() < WINDOW && !shared.stop.load(SeqCst) {
            let mut publish = Box::pin(publish(edge.clone(), part, id, next, shared.clone()));
            next += 1;
            // It goes out here, and so in order.
            match futures_util::poll!(&mut publish) {
                std::task::Poll::Ready(sent) => all.push(sent),
                std::task::Poll::Pending => flying.push(publish),
            }
        }
        let Some(sent) = flying.next().await else { break };
        // A broker that is away refuses at once.
        let pause = if matches!(sent.end, End::Acked) { PAUSE } else { 4 * PAUSE };
        all.push(sent);
        tokio::time::sleep(pause).await;
    }
    (id, all)
}

async fn publish(edge: Arc<Edge>, part: u64, id: u64, number: u64, shared: Arc<Shared>) -> Sent {
    let (published, from) = (Instant::now(), shared.epoch.load(SeqCst));
    let told = edge.publish(TOPIC, payload(part, id, number)).timeout(TIMEOUT).await;
    let end = End::of(told);
    if matches!(end, End::Acked) {
        shared.acked.fetch_add(1, SeqCst);
    }
    Sent { number, end, published, ended: Instant::now(), epochs: (from, shared.epoch.load(SeqCst)) }
}
