//! A frontlas in this process, and gateways that are members of its cluster.

use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use frontlas::plane::{Plane, PlaneConfig};
use frontlas::{Directory, Frontier, Kind, Lifetimes, MemoryDirectory};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A frontlas in this process.
pub(crate) struct Frontlas {
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) addr: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Frontlas {
    /// With this time to live.
    pub(crate) fn start(alive: Duration) -> Self {
        let lifetimes = Lifetimes { alive, edge_meta: alive, service_meta: alive, ..Lifetimes::default() };
        Self::on((std::net::Ipv4Addr::LOCALHOST, 0).into(), Arc::new(MemoryDirectory::new(lifetimes)))
    }

    /// One whose frontiers live for as long as the test does: nothing goes by itself.
    pub(crate) fn patient() -> Self {
        Self::start(Duration::from_secs(3600))
    }

    pub(crate) fn on(addr: SocketAddr, directory: Arc<MemoryDirectory>) -> Self {
        let config = PlaneConfig::local(addr);
        let plane = Plane::bind(config, directory.clone()).expect("the port is free");
        let (addr, stop) = (plane.addr(), CancellationToken::new());
        let running = tokio::spawn(plane.run(stop.clone()));
        Self { directory, addr, stop, running }
    }

    /// Ends it, and starts another one at the same address that knows nothing.
    pub(crate) async fn restart_empty(self) -> Self {
        self.directory.clear();
        let Self { directory, addr, stop, running } = self;
        stop.cancel();
        within("frontlas stops", running).await.expect("it does not panic");
        Self::on(addr, directory)
    }

    /// A gateway that is part of the cluster, through `addrs`.
    pub(crate) fn gateway(&self, id: &str) -> GatewayBuilder {
        member(id, &[self.addr])
    }

    pub(crate) async fn frontier(&self, id: &str) -> Option<Frontier> {
        self.directory.frontiers_by_id(&[id.to_owned()]).await.expect("it answers").pop().expect("one answer")
    }

    /// Waits until the frontier is there.
    pub(crate) async fn knows(&self, id: &str) -> Frontier {
        eventually(DEADLINE, "the frontier is known", async || self.frontier(id).await).await
    }

    /// Where the edge is.
    pub(crate) async fn edge(&self, id: u64) -> Option<String> {
        let edge = self.directory.edges_by_id(&[id]).await.expect("it answers").pop().expect("one answer");
        edge.map(|edge| edge.frontier_id)
    }

    /// Waits until the edge is there.
    pub(crate) async fn finds(&self, id: u64, frontier: &str) {
        let is_there = async || (self.edge(id).await.as_deref() == Some(frontier)).then_some(());
        eventually(DEADLINE, "the edge is found", is_there).await;
    }

    /// Waits until exactly these edges are known, and counted.
    pub(crate) async fn has(&self, expected: impl IntoIterator<Item = u64>) {
        let expected: BTreeSet<u64> = expected.into_iter().collect();
        let has = async || {
            let page = self.directory.edges(0, 1000).await.expect("it answers");
            let known: BTreeSet<u64> = page.items.iter().map(|edge| edge.id).collect();
            let count = self.directory.count(Kind::Edge).await.expect("it answers");
            (known == expected && count == expected.len() as u64).then_some(())
        };
        eventually(DEADLINE, "the edges are known", has).await;
    }
}

/// A gateway that is part of a cluster whose frontlas are at `frontlas`.
pub(crate) fn member(id: &str, frontlas: &[SocketAddr]) -> GatewayBuilder {
    let addrs: Vec<String> = frontlas.iter().map(ToString::to_string).collect();
    Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", addrs)
        .set("daemon.frontier_id", id)
}
