//! A control plane over a directory with something in it.

use crate::switch::Switch;
use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontlas::api::ControlPlane;
use frontlas::{
    Config, Directory, Event, Lease, Lifetimes, MemoryDirectory, NewFrontier, Presence, Timestamp,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::{Channel, Endpoint};

/// How long anything in a test may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// A control plane; it ends when this is dropped.
pub(crate) struct World {
    pub(crate) directory: Arc<Switch>,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) running: tokio::task::JoinHandle<()>,
    _stop: DropGuard,
}

/// The settings, as they would be written in a file below `control_plane`.
pub(crate) fn config(control_plane: &str) -> Config {
    let listen = "listen: {addr: '127.0.0.1:0'}, watch_interval: 10ms";
    let yaml = format!("control_plane: {{{listen}, {control_plane}}}");
    Config::parse(&yaml, &|_| None).expect("the settings of a test are right")
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    pub(crate) async fn with(control_plane: &str) -> Self {
        Self::build(config(control_plane), Lifetimes::default(), |plane| plane).await
    }

    pub(crate) async fn build(
        config: Config,
        lifetimes: Lifetimes,
        finish: impl FnOnce(ControlPlane) -> ControlPlane,
    ) -> Self {
        let directory = Arc::new(Switch::new(MemoryDirectory::new(lifetimes)));
        let plane = ControlPlane::bind(&config.control_plane, directory.clone()).await;
        let plane = finish(plane.unwrap_or_else(|error| panic!("{error}")));
        let (addr, stop) = (plane.addr(), CancellationToken::new());
        let running = tokio::spawn(plane.run(stop.clone(), Duration::from_secs(5)));
        Self { directory, addr, stop: stop.clone(), running, _stop: stop.drop_guard() }
    }

    /// A frontier joins.
    pub(crate) async fn frontier(&self, id: &str) -> Lease {
        let frontier = NewFrontier {
            id: id.to_owned(),
            advertised_sb_addr: format!("{id}:30011"),
            advertised_eb_addr: format!("{id}:30012"),
        };
        self.directory.inner.join(&frontier, None).await.expect("a frontier may join")
    }

    /// Edges connect to the frontier of the lease.
    pub(crate) async fn edges(&self, lease: &Lease, ids: impl IntoIterator<Item = u64>) {
        let now = self.directory.inner.time().await.expect("there is a time");
        let online = |id| Event::Online(Presence::edge(id, format!("192.0.2.1:{}", id % 60_000), now));
        let events: Vec<_> = ids.into_iter().map(online).collect();
        self.directory.inner.apply(lease, &events).await.expect("edges may connect");
    }

    /// A service connects to the frontier of the lease.
    pub(crate) async fn service(&self, lease: &Lease, id: u64, name: &str) {
        let now = self.directory.inner.time().await.expect("there is a time");
        let event = Event::Online(Presence::service(id, name, "198.51.100.1:7", now));
        self.directory.inner.apply(lease, &[event]).await.expect("a service may connect");
    }

    /// An edge leaves.
    pub(crate) async fn edge_leaves(&self, lease: &Lease, id: u64) {
        let edge = self.directory.inner.edges_by_id(&[id]).await.expect("it answers");
        let stamp = edge[0].as_ref().map_or(Timestamp(0), |edge| edge.stamp);
        let event = Presence::edge(id, "", stamp).offline();
        self.directory.inner.apply(lease, &[event]).await.expect("an edge may leave");
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.addr)).expect("it is an address");
        within("a connection", endpoint.connect()).await.expect("it listens")
    }

    pub(crate) async fn client(&self) -> ClusterServiceClient<Channel> {
        ClusterServiceClient::new(self.channel().await)
    }
}
