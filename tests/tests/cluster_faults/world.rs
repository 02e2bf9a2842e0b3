//! A whole cluster: gateways, replicas of frontlas, and the directory behind them.

use crate::replica::{Directory, Replica};
use frontier_sdk::{Builder, ClusterService, Edge, EdgeId, HandlerError, Request, Response};
use frontier_tests::{Frontlas, FrontlasBuilder, Gateway, GatewayBuilder, eventually};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Replicas of frontlas.
const REPLICAS: usize = 2;

/// Within this a directory is right again, once it can be.
pub(crate) const CONVERGENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How soon lost connections are made anew.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Where each edge is, by its id.
pub(crate) type Places = BTreeMap<u64, String>;

/// One scenario at a time: each takes a whole machine.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A cluster on a directory that the test has.
pub(crate) struct World {
    pub(crate) frontlas: Vec<Frontlas>,
    pub(crate) gateways: Vec<(String, Gateway)>,
}

impl World {
    /// Starts two replicas that are configured by `directory`, and gateways `f0`, `f1`, ….
    pub(crate) async fn start(
        directory: impl Fn(FrontlasBuilder) -> FrontlasBuilder,
        gateways: usize,
    ) -> Self {
        let mut world = Self { frontlas: Vec::new(), gateways: Vec::new() };
        for _ in 0..REPLICAS {
            world.frontlas.push(directory(Frontlas::builder()).start().await);
        }
        for number in 0..gateways {
            world.join(&format!("f{number}")).await;
        }
        world
    }

    /// Starts another gateway, at addresses of its own.
    pub(crate) async fn join(&mut self, id: &str) {
        self.join_with(id, |gateway| gateway).await;
    }

    /// The same, with more settings.
    pub(crate) async fn join_with(
        &mut self,
        id: &str,
        settings: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
    ) {
        let planes: Vec<String> = self.frontlas.iter().map(|it| it.plane().to_string()).collect();
        let gateway = Gateway::builder()
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", planes)
            .set("daemon.frontier_id", id)
            // Thousands of edges on a busy machine are no reason to give up any of them.
            .set("limits.heartbeat", "60s")
            .set("log.level", "info");
        self.gateways.push((id.to_owned(), settings(gateway).start().await));
    }

    /// An edge that finds its gateway through frontlas and answers `echo`.
    pub(crate) fn edge(&self, id: u64) -> Builder<Edge> {
        let urls: Vec<String> =
            self.frontlas.iter().map(|it| format!("frontlas://{}", it.control())).collect();
        let edge = Edge::builder(&*urls[0]).backoff(BACKOFF.0, BACKOFF.1).id(EdgeId(id));
        urls[1..].iter().fold(edge, |edge, url| edge.url(url)).register("echo", echo)
    }

    /// A service of the whole cluster that answers `echo`.
    pub(crate) fn service(&self) -> Builder<ClusterService> {
        let urls: Vec<String> = self.frontlas.iter().map(|it| format!("http://{}", it.control())).collect();
        let service = ClusterService::builder(&*urls[0]).name("all").backoff(BACKOFF.0, BACKOFF.1);
        urls[1..].iter().fold(service, |service, url| service.url(url)).register("echo", echo)
    }

    pub(crate) fn replicas(&self) -> Vec<Replica> {
        self.frontlas.iter().map(Replica::of).collect()
    }

    pub(crate) fn gateway(&self, id: &str) -> &Gateway {
        &self.gateways.iter().find(|(name, _)| name == id).expect("there is such a gateway").1
    }

    /// Waits until the service is connected to exactly these gateways.
    pub(crate) async fn is_connected(&self, service: &ClusterService, expected: &[&str]) {
        let is_so = async || {
            let frontiers = service.frontiers();
            let ids: Vec<_> = frontiers.iter().map(|it| it.id.as_str()).collect();
            (ids == expected && frontiers.iter().all(|it| it.is_connected)).then_some(())
        };
        eventually(CONVERGENCE_TIMEOUT, &format!("the service is connected to {expected:?}"), is_so).await;
    }

    /// Waits until every replica tells of these gateways, each with `services` services, and of exactly
    /// these edges; and every count is true.
    pub(crate) async fn tells(
        &self,
        gateways: &[&str],
        services: u64,
        edges: impl Fn(&Directory) -> Result<(), String>,
    ) {
        for (number, mut replica) in self.replicas().into_iter().enumerate() {
            let mut last = String::new();
            let check = async || {
                let checked = match replica.all().await {
                    Ok(all) => all.check(gateways, services).and_then(|()| edges(&all)),
                    Err(status) => Err(status.to_string()),
                };
                match checked {
                    Ok(()) => Some(()),
                    Err(wrong) => {
                        if wrong != last {
                            eprintln!("replica {number}: {wrong}");
                            last = wrong;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        None
                    }
                }
            };
            eventually(CONVERGENCE_TIMEOUT, "the directory is right", check).await;
        }
    }
}

impl Directory {
    /// Where the edges are.
    pub(crate) fn places(&self) -> Places {
        self.edges.iter().map(|edge| (edge.edge_id, edge.frontier_id.clone())).collect()
    }

    /// What is wrong in it, but for where edges are.
    fn check(&self, gateways: &[&str], services: u64) -> Result<(), String> {
        let ids: Vec<&str> = self.frontiers.iter().map(|frontier| frontier.frontier_id.as_str()).collect();
        if ids != gateways {
            return Err(format!("it knows the gateways {ids:?}"));
        }
        let places = self.places();
        for frontier in &self.frontiers {
            let id = &frontier.frontier_id;
            let edges = places.values().filter(|place| *place == id).count() as u64;
            if (frontier.edge_count, frontier.service_count) != (edges, services) {
                let (counted, found) = (frontier.edge_count, frontier.service_count);
                return Err(format!(
                    "{id} counts {counted} edges where {edges} are listed, and {found} services"
                ));
            }
            let listed = self.services.iter().filter(|service| service.frontier_id == *id).count() as u64;
            if listed != services {
                return Err(format!("{listed} services of {id} are listed"));
            }
        }
        let all = (self.edges.len() as u64, gateways.len() as u64 * services);
        if places.len() != self.edges.len() || (self.edge_count, self.service_count) != all {
            let counts = (self.edge_count, self.service_count);
            return Err(format!("(edges, services) are counted as {counts:?}, and are {all:?}"));
        }
        Ok(())
    }
}

pub(crate) async fn echo(request: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(request.data))
}
