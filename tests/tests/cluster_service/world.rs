//! A frontlas whose directory says what a test wants, and gateways that it names.

use frontier_sdk::{Builder, ClusterService, Edge, EdgeId, Request, Response};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use frontlas::api::ControlPlane;
use frontlas::{
    Config, Directory, Event, Lease, Lifetimes, MemoryDirectory, NewFrontier, PlaneAccess, Presence,
    Timestamp,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A cluster: one frontlas, whose directory says what the test wants.
pub(crate) struct World {
    pub(crate) directory: Arc<MemoryDirectory>,
    listen: String,
    settings: String,
    pub(crate) addr: SocketAddr,
    running: Option<(CancellationToken, JoinHandle<()>)>,
}

/// A gateway of the cluster, and the right to report for it.
pub(crate) struct Frontier {
    pub(crate) gateway: Gateway,
    pub(crate) lease: Lease,
}

impl World {
    /// Changes are seen at once.
    pub(crate) async fn new() -> Self {
        Self::with("watch_interval: 10ms").await
    }

    /// With settings as they would be written in a file below `control_plane`.
    pub(crate) async fn with(settings: &str) -> Self {
        Self::listening("", settings).await
    }

    /// With settings below `control_plane.listen` as well.
    pub(crate) async fn listening(listen: &str, settings: &str) -> Self {
        let lifetimes = Lifetimes { alive: Duration::from_secs(600), ..Lifetimes::default() };
        let mut world = Self {
            directory: Arc::new(MemoryDirectory::new(lifetimes)),
            listen: listen.to_owned(),
            settings: settings.to_owned(),
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            running: None,
        };
        world.open().await;
        world
    }

    /// Frontlas answers, at the same address as before.
    pub(crate) async fn open(&mut self) {
        let Self { listen, addr, settings, .. } = self;
        let yaml = format!("control_plane: {{listen: {{addr: '{addr}', {listen}}}, {settings}}}");
        let config = Config::parse(&yaml, &|_| None).expect("the settings of a test are right");
        let plane = ControlPlane::bind(&config.control_plane, self.directory.clone());
        let plane = plane.await.unwrap_or_else(|error| panic!("{error}"));
        let access = PlaneAccess::load(&config.access).expect("the files of a test are right");
        let plane = plane.with_access(access);
        self.addr = plane.addr();
        let stop = CancellationToken::new();
        let running = tokio::spawn(plane.run(stop.clone(), Duration::ZERO));
        self.running = Some((stop, running));
    }

    /// Frontlas is away.
    pub(crate) async fn close(&mut self) {
        let Some((stop, running)) = self.running.take() else { return };
        stop.cancel();
        within("frontlas stops", running).await.expect("it stops in good order");
    }

    /// A gateway starts and joins.
    pub(crate) async fn frontier(&self, id: &str) -> Frontier {
        self.frontier_of(id, Gateway::builder()).await
    }

    pub(crate) async fn frontier_of(&self, id: &str, gateway: GatewayBuilder) -> Frontier {
        let gateway = gateway.start().await;
        let lease = self.join(id, gateway.service_url(), gateway.edge_url()).await;
        Frontier { gateway, lease }
    }

    pub(crate) async fn join(&self, id: &str, services: String, edges: String) -> Lease {
        let frontier =
            NewFrontier { id: id.to_owned(), advertised_sb_addr: services, advertised_eb_addr: edges };
        self.directory.join(&frontier, None).await.expect("a frontier may join")
    }

    pub(crate) async fn leave(&self, frontier: &Frontier) {
        self.directory.leave(&frontier.lease).await.expect("a frontier may leave");
    }

    /// The directory hears that the edge is there now.
    pub(crate) async fn told(&self, edge: EdgeId, lease: &Lease) {
        let now = self.directory.time().await.expect("there is a time");
        // Two reports within a microsecond would be of one age.
        let before = self.directory.edges_by_id(&[edge.0]).await.expect("it answers");
        let stamp = before[0].as_ref().map_or(now, |before| Timestamp(now.0.max(before.stamp.0 + 1)));
        let event = Event::Online(Presence::edge(edge.0, "192.0.2.1:7", stamp));
        self.directory.apply(lease, &[event]).await.expect("an edge may connect");
    }

    /// The directory hears that the edge has left there.
    pub(crate) async fn left(&self, edge: EdgeId, lease: &Lease) {
        let known = self.directory.edges_by_id(&[edge.0]).await.expect("it answers");
        let stamp = known[0].as_ref().map_or(Timestamp(0), |known| known.stamp);
        let event = Presence::edge(edge.0, "", stamp).offline();
        self.directory.apply(lease, &[event]).await.expect("an edge may leave");
    }

    /// An edge connects to a gateway, answers `who` with the gateway's name, and the directory knows.
    pub(crate) async fn edge(&self, id: u64, frontier: &Frontier) -> Edge {
        let edge = named(frontier.gateway.edge(), id, frontier.lease.frontier()).await;
        self.told(edge.id(), &frontier.lease).await;
        edge
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// A service of the cluster, to be connected.
    pub(crate) fn service(&self) -> Builder<ClusterService> {
        ClusterService::builder(self.url())
            .name("cluster")
            .backoff(Duration::from_millis(10), Duration::from_millis(200))
            .call_timeout(DEADLINE)
    }

    pub(crate) async fn connect(&self) -> ClusterService {
        within("the service connects", self.service().connect()).await.expect("it connects")
    }
}

/// Connects an edge that answers `who` with its name.
pub(crate) async fn named(edge: Builder<Edge>, id: u64, name: &str) -> Edge {
    let name = name.to_owned();
    let edge = edge.id(EdgeId(id)).register("who", move |_: Request| {
        let name = name.clone();
        async move { Ok(Response::new(name)) }
    });
    within("an edge connects", edge.connect()).await.expect("it connects")
}

/// Calls `who`.
pub(crate) async fn who(service: &ClusterService, edge: EdgeId) -> Result<String, frontier_sdk::Error> {
    let answer = within("an answer", service.call(edge, "who", "")).await;
    answer.map(|answer| String::from_utf8_lossy(&answer.data).into_owned())
}

/// Waits until the service is connected to these gateways and knows no others.
pub(crate) async fn knows(service: &ClusterService, expected: &[&str]) {
    let is_so = async || {
        let frontiers = service.frontiers();
        let ids: Vec<_> = frontiers.iter().map(|frontier| frontier.id.as_str()).collect();
        (ids == expected && frontiers.iter().all(|frontier| frontier.is_connected)).then_some(())
    };
    eventually(DEADLINE, &format!("it is connected to {expected:?}"), is_so).await;
}
