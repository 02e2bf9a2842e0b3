//! The directory of a cluster.

use anyhow::{Result, ensure};
use clap::Args;

use super::run::{OutputArgs, seconds};
use crate::cluster::Cluster;
use crate::layout::Layout;

#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Frontiers that report to frontlas
    #[arg(long, default_value_t = 10, value_name = "N")]
    frontiers: u32,
    /// Edges that are online at any time, over all frontiers
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    edges: u32,
    /// Seconds over which nothing happens but that edges are kept alive: at least a heartbeat interval, which
    /// is 10 s; each of the other measurements counts a third of it
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    seconds: f64,
    /// Seconds before each measurement, which don't count
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    warmup: f64,
    /// Lookups in flight at any time
    #[arg(long, default_value_t = 4, value_name = "N")]
    callers: u32,
    /// Edges that connect again per second while lookups are measured beside that
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    rate: u32,
    #[command(flatten)]
    output: OutputArgs,
}

impl ClusterArgs {
    pub(super) fn into_plan(self) -> Result<Cluster> {
        ensure!((1..=1000).contains(&self.frontiers), "--frontiers must be between 1 and 1000");
        ensure!(self.edges / self.frontiers >= 2, "--edges must be at least 2 for each of the frontiers");
        ensure!(self.edges <= 10_000_000, "--edges must be at most 10,000,000");
        ensure!((1..=256).contains(&self.callers), "--callers must be between 1 and 256");
        ensure!(self.rate > 0, "--rate must be at least 1");
        let rest = seconds("--seconds", self.seconds)?;
        ensure!(!rest.is_zero(), "--seconds must be more than 0");
        Ok(Cluster {
            layout: Layout { frontiers: self.frontiers, edges: self.edges },
            rest,
            warmup: seconds("--warmup", self.warmup)?,
            callers: self.callers,
            rate: self.rate,
            progress: self.output.progress(),
            json: self.output.json,
        })
    }
}
