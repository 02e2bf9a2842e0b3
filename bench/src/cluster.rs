//! The directory of a cluster: what frontlas and its Redis take, and what that costs them.
//!
//! ```text
//!   frontiers ── Report, Ping ──▶ frontlas ── scripts ──▶ redis-server
//!   lookups ── GetEdgeByID, Lookup ──▶ │
//! ```
//!
//! Each is a process. The frontiers speak what gateways speak; only their edges are not there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::dialogue::{Churn, Order};
use crate::number::thousands;
use crate::progress::Progress;
use crate::role;
use findings::{Findings, Look, Phase, Work};
pub(crate) use layout::Layout;
use lookups::Asker;

mod census;
mod connection;
mod findings;
mod frontier;
mod frontiers;
mod frontlas;
mod layout;
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Redis,
    /// On that Redis, or with its directory in memory.
    Frontlas {
        redis: Option<SocketAddr>,
    },
    Frontiers {
        frontlas: SocketAddr,
        control_plane: SocketAddr,
        layout: Layout,
    },
    Lookups {
        asker: Asker,
        layout: Layout,
        callers: u32,
    },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Redis => redis::run(console).await,
            Self::Frontlas { redis } => frontlas::run(redis, console).await,
            Self::Frontiers { frontlas, control_plane, layout } => {
                frontiers::run(frontlas, control_plane, layout, console).await
            }
            Self::Lookups { asker, layout, callers } => lookups::run(asker, layout, callers, console).await,
        }
    }

    async fn start(self, name: &'static str) -> Result<Child> {
        Child::start(name, 1, role::Role::Cluster(self)).await
    }
}

/// Starts a frontlas that keeps its directory in memory.
pub(crate) async fn start_frontlas() -> Result<Child> {
    Role::Frontlas { redis: None }.start("frontlas").await
}

/// The processes that are there all the time.
struct Stage {
    redis: Child,
    frontlas: Child,
    frontiers: Child,
}

impl Cluster {
    /// Measures, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        let Self { layout, progress, .. } = self;
        progress.begin(format!("{} edges at {} frontiers", thousands(layout.edges.into()), layout.frontiers));
        let redis = Role::Redis.start("redis-server").await?;
        let address = redis.ready().services.context("redis-server has no port")?;
        let frontlas = Role::Frontlas { redis: Some(address) }.start("frontlas").await?;
        let plane = frontlas.ready().edges.context("frontlas has no frontier plane")?;
        let control_plane = frontlas.ready().services.context("frontlas has no control plane")?;
        let frontiers = Role::Frontiers { frontlas: plane, control_plane, layout: *layout };
        let frontiers = frontiers.start("frontiers").await?;
        let mut stage = Stage { redis, frontlas, frontiers };
        let start = stage.look()?;

        let (client, gateway) = (Asker::Client(control_plane), Asker::Gateway(plane));
        let (never, rate) = (Churn::Never, Churn::PerSecond(self.rate));
        let phases = vec![
            self.tell(&mut stage).await?,
            self.phase("kept alive", self.rest, &mut stage, never, None).await?,
            self.third("GetEdgeByID by gRPC", &mut stage, never, Some(client)).await?,
            self.third("Lookup by a gateway", &mut stage, never, Some(gateway)).await?,
            self.third("come and go, flat out", &mut stage, Churn::FlatOut, None).await?,
            self.third("come and go, at a rate", &mut stage, rate, None).await?,
            self.third("  and GetEdgeByID", &mut stage, rate, Some(client)).await?,
            self.third("  and Lookup", &mut stage, rate, Some(gateway)).await?,
        ];
        progress.show("comparing");
        stage.frontiers.order(Order::Compare).await?;
        stage.frontiers.tally().await?;
        let end = stage.look()?;
        stage.shut_down().await;
        progress.end();
        Findings::new(self, phases, start, end).render(self.json)
    }

    /// Tells frontlas of everyone.
    async fn tell(&self, stage: &mut Stage) -> Result<Phase> {
        self.progress.show("telling of all");
        let (begun, before) = (Instant::now(), stage.look()?);
        stage.frontiers.order(Order::Tell).await?;
        let tally = stage.frontiers.tally().await?;
        Ok(Phase::new("told of all", begun.elapsed(), before, stage.look()?).with(Work::of(&tally), None))
    }

    async fn third(
        &self,
        name: &'static str,
        stage: &mut Stage,
        churn: Churn,
        asker: Option<Asker>,
    ) -> Result<Phase> {
        self.phase(name, self.rest / 3, stage, churn, asker).await
    }

    async fn phase(
        &self,
        name: &'static str,
        time: Duration,
        stage: &mut Stage,
        churn: Churn,
        asker: Option<Asker>,
    ) -> Result<Phase> {
        let mut lookups = match asker {
            None => None,
            Some(asker) => {
                let role = Role::Lookups { asker, layout: self.layout, callers: self.callers };
                Some(role.start("lookups").await?)
            }
        };
        stage.frontiers.order(Order::Churn(churn)).await?;
        self.progress.wait(&format!("{}, warming up", name.trim()), self.warmup).await;
        for child in lookups.iter_mut().chain([&mut stage.frontiers]) {
            child.order(Order::Count).await?;
        }
        let (begun, before) = (Instant::now(), stage.look()?);
        self.progress.wait(name.trim(), time).await;
        let (took, after) = (begun.elapsed(), stage.look()?);
        stage.frontiers.order(Order::Stop).await?;
        let online = Work::of(&stage.frontiers.tally().await?);
        stage.frontiers.order(Order::Churn(Churn::Never)).await?;
        let mut found = None;
        if let Some(mut child) = lookups.take() {
            child.order(Order::Stop).await?;
            found = Work::of(&child.tally().await?);
            child.shut_down().await;
        }
        Ok(Phase::new(name, took, before, after).with(online, found))
    }
}

impl Stage {
    fn look(&mut self) -> Result<Look> {
        // Only to see that they are still there.
        self.frontiers.sample()?;
        Ok(Look { frontlas: self.frontlas.sample()?, redis: self.redis.sample()? })
    }

    async fn shut_down(self) {
        for child in [self.frontiers, self.frontlas, self.redis] {
            child.shut_down().await;
        }
    }
}
