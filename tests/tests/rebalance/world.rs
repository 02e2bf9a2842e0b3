//! A cluster in this process whose edges are to be rebalanced.

use frontier_sdk::{ClusterService, Edge, Request, Response};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use frontlas::api::ControlPlane;
use frontlas::plane::Plane;
use frontlas::{Change, Changes, Config, Directory, Frontier, Lifetimes, MemoryDirectory, Position};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A cluster whose frontlas runs in this process.
pub(crate) struct World {
    pub(crate) directory: Arc<MemoryDirectory>,
    control: String,
    plane: String,
    _stop: DropGuard,
}

impl World {
    /// With settings as they would be written below `frontier_plane.rebalance`.
    pub(crate) async fn start(rebalance: &str) -> Self {
        frontier_daemon::process::raise_open_files().unwrap();
        let yaml = format!(
            "
control_plane: {{listen: {{addr: '127.0.0.1:0'}}, watch_interval: 20ms}}
frontier_plane: {{listen: {{addr: '127.0.0.1:0'}}, rebalance: {rebalance}}}
"
        );
        let config = Config::parse(&yaml, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        let directory = Arc::new(MemoryDirectory::new(Lifetimes { history: 1_000_000, ..config.lifetimes }));
        let plane = Plane::bind(config.frontier_plane, directory.clone()).unwrap();
        let control = ControlPlane::bind(&config.control_plane, directory.clone()).await.unwrap();
        let (plane_addr, control_addr) = (plane.addr().to_string(), control.addr().to_string());
        let stop = CancellationToken::new();
        tokio::spawn(plane.run(stop.clone()));
        tokio::spawn(control.run(stop.clone(), Duration::ZERO));
        Self { directory, control: control_addr, plane: plane_addr, _stop: stop.drop_guard() }
    }

    /// A gateway of the cluster, under which many edges on a busy machine are no reason to give up anyone.
    pub(crate) fn gateway(&self, id: &str) -> GatewayBuilder {
        Gateway::builder()
            .set("log.level", "info")
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", vec![self.plane.clone()])
            .set("daemon.frontier_id", id)
            .set("daemon.grace", "60s")
            .set("daemon.drain_spread", "4s")
            .set("edgebound.callback_timeout", "30s")
            .set("limits.heartbeat", "60s")
    }

    pub(crate) fn edge(&self) -> frontier_sdk::Builder<Edge> {
        patient(Edge::builder(format!("frontlas://{}", self.control)))
    }

    /// A service at every gateway that echoes.
    pub(crate) async fn service(&self) -> ClusterService {
        let service = ClusterService::builder(format!("http://{}", self.control))
            .name("all")
            .backoff(Duration::from_millis(10), Duration::from_millis(200))
            .call_timeout(DEADLINE)
            .connect_timeout(DEADLINE)
            .register("echo", echo)
            .connect();
        within("the service connects", service).await.unwrap()
    }

    /// Waits until the service is connected to these gateways.
    pub(crate) async fn is_at(&self, service: &ClusterService, expected: &[&str]) {
        let is_so = async || {
            let frontiers = service.frontiers();
            let is_at = |id: &&str| frontiers.iter().any(|it| it.id == *id && it.is_connected);
            expected.iter().all(is_at).then_some(())
        };
        eventually(2 * DEADLINE, "the service is connected", is_so).await;
    }

    pub(crate) async fn frontiers(&self) -> Vec<Frontier> {
        self.directory.frontiers().await.unwrap()
    }

    /// How many edges each gateway has, in the order of their ids.
    pub(crate) async fn loads(&self) -> Vec<u64> {
        self.frontiers().await.iter().map(|frontier| frontier.edge_count).collect()
    }

    /// Waits until there are so many gateways with so many edges in all, and no two of them differ by more than
    /// a tenth of the mean.
    pub(crate) async fn is_even(&self, gateways: usize, edges: u64, deadline: Duration) {
        let is_even = async || {
            let loads = self.loads().await;
            let spread = loads.iter().max()? - loads.iter().min()?;
            let is_all = loads.len() == gateways && loads.iter().sum::<u64>() == edges;
            (is_all && spread * 10 * gateways as u64 <= edges).then_some(())
        };
        let all = async {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                eprintln!("loads: {:?}", self.loads().await);
            }
        };
        tokio::select! {
            () = eventually(deadline, "the loads are even", is_even) => {}
            () = all => {}
        }
    }

    pub(crate) async fn position(&self) -> Position {
        self.directory.position().await.unwrap()
    }

    /// How often an edge has gone from one gateway to another since.
    pub(crate) async fn moves(&self, mut since: Position) -> usize {
        let mut moves = 0;
        loop {
            let Changes::Since(changes) = self.directory.changes(since, 1000).await.unwrap() else {
                panic!("the history is too short");
            };
            let Some(last) = changes.last() else { return moves };
            since.number = last.number;
            let is_move = |change: &Change| matches!(change, Change::EdgeOnline { former: Some(_), .. });
            moves += changes.iter().filter(|it| is_move(&it.change)).count();
        }
    }
}

/// An edge that echoes, and has time.
pub(crate) fn patient(edge: frontier_sdk::Builder<Edge>) -> frontier_sdk::Builder<Edge> {
    edge.backoff(Duration::from_millis(10), Duration::from_millis(500))
        .connect_timeout(4 * DEADLINE)
        .register("echo", echo)
}

pub(crate) async fn echo(request: Request) -> Result<Response, frontier_sdk::HandlerError> {
    Ok(Response::new(request.data))
}
