//! The directory of a cluster: what frontlas and its Redis take, and what that costs them.
//!
//! ```text
//!   frontiers ── Report, Ping ──▶ frontlas ── scripts ──▶ redis-server
//!   lookups ── GetEdgeByID, Lookup ──▶ │
//! ```
//!
//! Each is a process. The frontiers speak what gateways speak; only their edges are not there.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::child::Child;
use crate::console::Console;
use crate::dialogue::{Churn, Order};
use crate::layout::Layout;
use crate::number::thousands;
use crate::progress::Progress;
use crate::role::{ClusterRole, LookupClient, Threads};
use findings::{Findings, Phase, Samples, Work};

mod connection;
mod control_plane;
mod findings;
mod frontier;
mod frontiers;
mod frontlas;
mod lookups;
mod pace;
mod redis;

/// A measurement of the directory.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) layout: Layout,
    /// How long edges are kept alive and nothing else happens.
    pub(crate) rest: Duration,
    /// How long each measurement is under way before it counts.
    pub(crate) warmup: Duration,
    /// Lookups in flight.
    pub(crate) callers: u32,
    /// Edges that come and go per second while lookups are measured beside that.
    pub(crate) rate: u32,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

pub(crate) async fn play(role: ClusterRole, console: &mut Console) -> Result<()> {
    match role {
        ClusterRole::Redis { synced } => redis::run(synced.as_deref(), console).await,
        ClusterRole::Frontlas { redis } => frontlas::run(redis, console).await,
        ClusterRole::Frontiers { frontlas, control_plane, layout } => {
            frontiers::run(frontlas, control_plane, layout, console).await
        }
        ClusterRole::Lookups { client, layout, callers } => {
            lookups::run(client, layout, callers, console).await
        }
    }
}

/// Each has one thread.
async fn start(name: &'static str, role: ClusterRole) -> Result<Child> {
    Child::start(name, Threads::ONE, role).await
}

/// Starts a frontlas that keeps its directory in memory.
pub(crate) async fn start_frontlas() -> Result<Child> {
    start("frontlas", ClusterRole::Frontlas { redis: None }).await
}

/// Starts a `redis-server` alone, which keeps everything on disk in this folder, if there is one.
pub(crate) async fn start_redis(synced: Option<&Path>) -> Result<Child> {
    start("redis-server", ClusterRole::Redis { synced: synced.map(Path::to_path_buf) }).await
}

/// The processes that are there all the time.
struct ClusterProcesses {
    redis: Child,
    frontlas: Child,
    frontiers: Child,
}

impl Cluster {
    /// Measures, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        let Self { layout, progress, .. } = self;
        progress.begin(format!("{} edges at {} frontiers", thousands(layout.edges.into()), layout.frontiers));
        let redis = start("redis-server", ClusterRole::Redis { synced: None }).await?;
        let address = redis.ready().services.context("redis-server has no port")?;
        let frontlas = start("frontlas", ClusterRole::Frontlas { redis: Some(address) }).await?;
        let plane = frontlas.ready().edges.context("frontlas has no frontier plane")?;
        let control_plane = frontlas.ready().services.context("frontlas has no control plane")?;
        let frontiers = ClusterRole::Frontiers { frontlas: plane, control_plane, layout: *layout };
        let frontiers = start("frontiers", frontiers).await?;
        let mut processes = ClusterProcesses { redis, frontlas, frontiers };
        let start = processes.sample()?;

        let (client, gateway) = (LookupClient::Grpc(control_plane), LookupClient::Gateway(plane));
        let (never, rate) = (Churn::Never, Churn::PerSecond(self.rate));
        let phases = vec![
            self.report_all(&mut processes).await?,
            self.phase("kept alive", self.rest, &mut processes, never, None).await?,
            self.short_phase("GetEdgeByID by gRPC", &mut processes, never, Some(client)).await?,
            self.short_phase("Lookup by a gateway", &mut processes, never, Some(gateway)).await?,
            self.short_phase("come and go, flat out", &mut processes, Churn::FlatOut, None).await?,
            self.short_phase("come and go, at a rate", &mut processes, rate, None).await?,
            self.short_phase("  and GetEdgeByID", &mut processes, rate, Some(client)).await?,
            self.short_phase("  and Lookup", &mut processes, rate, Some(gateway)).await?,
        ];
        progress.show("comparing");
        processes.frontiers.order(Order::Compare).await?;
        processes.frontiers.tally().await?;
        let end = processes.sample()?;
        processes.shut_down().await;
        progress.end();
        Findings::new(*layout, self.callers, phases, start, end).render(self.json)
    }

    /// Reports everyone to frontlas.
    async fn report_all(&self, processes: &mut ClusterProcesses) -> Result<Phase> {
        self.progress.show("telling of all");
        let (begun, before) = (Instant::now(), processes.sample()?);
        processes.frontiers.order(Order::ReportAll).await?;
        let tally = processes.frontiers.tally().await?;
        Ok(Phase::new("told of all", begun.elapsed(), before, processes.sample()?)
            .with(Work::of(&tally), None))
    }

    /// A third as long as the time at rest.
    async fn short_phase(
        &self,
        name: &'static str,
        processes: &mut ClusterProcesses,
        churn: Churn,
        client: Option<LookupClient>,
    ) -> Result<Phase> {
        self.phase(name, self.rest / 3, processes, churn, client).await
    }

    async fn phase(
        &self,
        name: &'static str,
        time: Duration,
        processes: &mut ClusterProcesses,
        churn: Churn,
        client: Option<LookupClient>,
    ) -> Result<Phase> {
        let mut lookups = match client {
            None => None,
            Some(client) => {
                let (layout, callers) = (self.layout, self.callers);
                let role = ClusterRole::Lookups { client, layout, callers };
                Some(start("lookups", role).await?)
            }
        };
        processes.frontiers.order(Order::Churn(churn)).await?;
        self.progress.wait(&format!("{}, warming up", name.trim()), self.warmup).await;
        for child in lookups.iter_mut().chain([&mut processes.frontiers]) {
            child.order(Order::Count).await?;
        }
        let (begun, before) = (Instant::now(), processes.sample()?);
        self.progress.wait(name.trim(), time).await;
        let (took, after) = (begun.elapsed(), processes.sample()?);
        processes.frontiers.order(Order::Stop).await?;
        let online = Work::of(&processes.frontiers.tally().await?);
        processes.frontiers.order(Order::Churn(Churn::Never)).await?;
        let mut found = None;
        if let Some(mut child) = lookups.take() {
            child.order(Order::Stop).await?;
            found = Work::of(&child.tally().await?);
            child.shut_down().await;
        }
        Ok(Phase::new(name, took, before, after).with(online, found))
    }
}

impl ClusterProcesses {
    fn sample(&mut self) -> Result<Samples> {
        // Only to see that they are still there.
        self.frontiers.sample()?;
        Ok(Samples { frontlas: self.frontlas.sample()?, redis: self.redis.sample()? })
    }

    async fn shut_down(self) {
        for child in [self.frontiers, self.frontlas, self.redis] {
            child.shut_down().await;
        }
    }
}
