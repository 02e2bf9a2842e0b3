//! A store of each kind, frontiers that tests drive, and lookups that check one another.

use frontier_test_redis::{Cluster, Sentinels, Server};
use frontlas::{
    Bounds, Directory, Event, HostPort, Lease, Lifetimes, MemoryDirectory, NewFrontier, Presence,
    RedisConfig, RedisDirectory, RedisMode, Timestamp, Verdict,
};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Within this everything happens that is not about time itself.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Standalone,
    Sentinel,
    Cluster,
}

enum Store {
    Memory,
    Standalone(Server),
    Sentinel(Sentinels),
    Cluster(Cluster),
}

/// A store, and what a test does with it.
#[derive(Clone)]
pub(crate) struct World {
    store: Arc<Store>,
    memory: Arc<MemoryDirectory>,
    clock: Arc<AtomicU64>,
    lifetimes: Lifetimes,
    bounds: Bounds,
}

impl World {
    pub(crate) fn start(kind: Kind) -> Self {
        let store = Arc::new(match kind {
            Kind::Memory => Store::Memory,
            Kind::Standalone => Store::Standalone(Server::start()),
            Kind::Sentinel => Store::Sentinel(Sentinels::start()),
            Kind::Cluster => Store::Cluster(Cluster::start()),
        });
        Self::on(store, Lifetimes::default(), Bounds::default())
    }

    fn on(store: Arc<Store>, lifetimes: Lifetimes, bounds: Bounds) -> Self {
        let clock = Arc::new(AtomicU64::new(1_700_000_000_000_000));
        let ticking = clock.clone();
        let memory =
            MemoryDirectory::with_clock(lifetimes, move || Timestamp(ticking.fetch_add(1, Ordering::SeqCst)));
        Self { store, memory: Arc::new(memory.bounded(bounds)), clock, lifetimes, bounds }
    }

    /// The same store, emptied.
    pub(crate) fn anew(self) -> Self {
        self.flush();
        Self::on(self.store.clone(), Lifetimes::default(), Bounds::default())
    }

    /// The same store where each frontier may have so much.
    pub(crate) fn bounded(self, bounds: Bounds) -> Self {
        Self::on(self.store.clone(), self.lifetimes, bounds)
    }

    /// The same store with other lifetimes.
    pub(crate) fn with(self, lifetimes: Lifetimes) -> Self {
        Self::on(self.store.clone(), lifetimes, self.bounds)
    }

    /// The same store where things live for so long.
    pub(crate) fn living(self, alive: Duration) -> Self {
        self.with(Lifetimes { alive, ..Lifetimes::default() })
    }

    pub(crate) fn is_memory(&self) -> bool {
        matches!(*self.store, Store::Memory)
    }

    /// Another replica on this store.
    pub(crate) fn replica(&self) -> Arc<dyn Directory> {
        let port = |addr: SocketAddr| HostPort::new(addr.ip().to_string(), addr.port());
        let ports = |addrs: Vec<SocketAddr>| addrs.into_iter().map(port).collect();
        let mode = match &*self.store {
            Store::Memory => return self.memory.clone(),
            Store::Standalone(server) => RedisMode::Standalone { addr: port(server.addr()), db: 0 },
            Store::Sentinel(sentinels) => RedisMode::Sentinel {
                addrs: ports(sentinels.addrs()),
                master_name: Sentinels::MASTER.into(),
                db: 0,
                username: None,
                password: None,
            },
            Store::Cluster(cluster) => RedisMode::Cluster { addrs: ports(cluster.addrs()) },
        };
        Arc::new(RedisDirectory::new(RedisConfig::new(mode), self.lifetimes).bounded(self.bounds))
    }

    /// Empties the store.
    pub(crate) fn flush(&self) {
        match &*self.store {
            Store::Memory => self.memory.clear(),
            Store::Standalone(server) => assert_eq!(server.cli(&["FLUSHALL"]), "OK"),
            Store::Sentinel(sentinels) => sentinels.flush(),
            Store::Cluster(cluster) => cluster.flush(),
        }
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        if self.is_memory() {
            self.clock.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
        } else {
            tokio::time::sleep(time).await;
        }
    }

    /// Looks again and again, as time passes.
    pub(crate) async fn eventually<T>(&self, what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(output) = condition().await {
                return output;
            }
            assert!(Instant::now() < end, "{what}: not within {DEADLINE:?}");
            self.pass(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn frontier(id: &str) -> NewFrontier {
    NewFrontier {
        id: id.into(),
        advertised_sb_addr: format!("{id}.example:30011"),
        advertised_eb_addr: format!("{id}.example:30012"),
    }
}

/// A frontier as a test drives it: joined, with connections.
pub(crate) struct Node {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) lease: Lease,
}

impl Node {
    /// A new process with this id.
    pub(crate) async fn join(directory: &Arc<dyn Directory>, id: &str) -> Self {
        let lease = directory.join(&frontier(id), None).await.unwrap();
        Self { directory: directory.clone(), lease }
    }

    pub(crate) async fn apply(&self, events: &[Event]) -> Vec<Verdict> {
        self.directory.apply(&self.lease, events).await.unwrap()
    }

    /// Reports a connection that is made now.
    pub(crate) async fn connect(&self, edge_id: u64) -> Presence {
        let presence = Presence::edge(edge_id, "198.51.100.7:4000", self.now().await);
        assert_eq!(self.online(&presence).await, Verdict::Applied);
        presence
    }

    pub(crate) async fn online(&self, presence: &Presence) -> Verdict {
        self.apply(&[Event::Online(presence.clone())]).await.remove(0)
    }

    pub(crate) async fn offline(&self, presence: &Presence) -> Verdict {
        self.apply(&[presence.offline()]).await.remove(0)
    }

    /// Compares with a snapshot, in chunks of two.
    pub(crate) async fn resync(&self, present: &[Presence]) -> Vec<Verdict> {
        self.directory.resync_begin(&self.lease).await.unwrap();
        let mut verdicts = Vec::new();
        for chunk in present.chunks(2) {
            verdicts.extend(self.directory.resync_chunk(&self.lease, chunk).await.unwrap());
        }
        self.directory.resync_end(&self.lease).await.unwrap();
        verdicts
    }

    pub(crate) async fn now(&self) -> Timestamp {
        self.directory.time().await.unwrap()
    }
}

/// Where the directory says an edge is, by each way of asking, which must agree.
pub(crate) async fn place(directory: &Arc<dyn Directory>, edge_id: u64) -> Option<String> {
    let by_edge = directory.frontiers_by_edge(&[edge_id]).await.unwrap().remove(0).map(|it| it.id);
    let record = directory.edges_by_id(&[edge_id]).await.unwrap().remove(0).map(|it| it.frontier_id);
    let listed = directory.edges(edge_id, 1).await.unwrap().items;
    let listed = listed.into_iter().find(|it| it.id == edge_id).map(|it| it.frontier_id);
    assert_eq!((&by_edge, &by_edge), (&record, &listed), "edge {edge_id}");
    by_edge
}

/// The names of each frontier's services.
pub(crate) async fn names(directory: &Arc<dyn Directory>) -> Vec<(String, Vec<String>)> {
    directory.frontiers().await.unwrap().into_iter().map(|it| (it.id, it.service_names)).collect()
}

/// The counts of each frontier that lives, by id; they must agree with what is listed.
pub(crate) async fn counts(directory: &Arc<dyn Directory>) -> Vec<(String, u64, u64)> {
    let counts: Vec<_> = directory.frontiers().await.unwrap();
    let counts: Vec<_> = counts.into_iter().map(|it| (it.id, it.edge_count, it.service_count)).collect();
    let edges = directory.edges(0, 1000).await.unwrap().items;
    let services = directory.services(0, 1000).await.unwrap().items;
    for (id, edge_count, service_count) in &counts {
        assert_eq!(edges.iter().filter(|it| it.frontier_id == *id).count() as u64, *edge_count, "{id}");
        assert_eq!(services.iter().filter(|it| it.frontier_id == *id).count() as u64, *service_count, "{id}");
    }
    for (id, names) in names(directory).await {
        let here = services.iter().filter(|it| it.frontier_id == id).map(|it| &it.service);
        assert_eq!(names.iter().collect::<BTreeSet<_>>(), here.collect(), "{id}");
        assert!(names.is_sorted(), "{id}: {names:?}");
    }
    assert_eq!(directory.count(frontlas::Kind::Edge).await.unwrap(), edges.len() as u64);
    assert_eq!(directory.count(frontlas::Kind::Service).await.unwrap(), services.len() as u64);
    counts
}
