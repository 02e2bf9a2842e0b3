//! Edges by the thousand.

use anyhow::{Result, ensure};
use clap::Args;

use super::run::{OutputArgs, ProcessArgs, seconds};
use crate::connections::Connections;
use crate::network::{Key, Network};
use crate::storm::Storm;

#[derive(Debug, Args)]
pub(crate) struct ConnectionsArgs {
    /// Edges that connect and do nothing; the gateway may open no more files than the system lets it
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    edges: usize,
    /// Seconds over which the gateway's CPU time is counted: at least a heartbeat interval, which is 20 s
    #[arg(long, default_value_t = 20.0, value_name = "S")]
    seconds: f64,
    /// Seconds to settle before memory is looked at, and before CPU time is counted
    #[arg(long, default_value_t = 2.0, value_name = "S")]
    warmup: f64,
    /// What edges speak
    #[arg(long, value_enum, default_value_t, value_name = "NETWORK")]
    network: Network,
    #[command(flatten)]
    processes: ProcessArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StormArgs {
    /// Edges that connect at the same time
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    edges: usize,
    /// Edges that are there before and call a service meanwhile, one call after the other each
    #[arg(long, default_value_t = 0, value_name = "N")]
    callers: usize,
    /// The key of the gateway's certificate, over tls and quic
    #[arg(long, value_enum, default_value_t, value_name = "KEY")]
    key: Key,
    /// Storms, each on a new gateway; figures are medians
    #[arg(long, default_value_t = 1, value_name = "N")]
    rounds: usize,
    /// What edges speak
    #[arg(long, value_enum, default_value_t, value_name = "NETWORK")]
    network: Network,
    #[command(flatten)]
    processes: ProcessArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ConnectionsArgs {
    pub(super) fn into_plan(self) -> Result<Connections> {
        ensure!(self.edges > 0, "--edges must be at least 1");
        let window = seconds("--seconds", self.seconds)?;
        ensure!(!window.is_zero(), "--seconds must be more than 0");
        Ok(Connections {
            network: self.network,
            edges: self.edges,
            window,
            settle: seconds("--warmup", self.warmup)?,
            processes: self.processes.single()?,
            progress: self.output.progress(),
            json: self.output.json,
        })
    }
}

impl StormArgs {
    pub(super) fn into_plan(self) -> Result<Storm> {
        ensure!(self.edges > 0, "--edges must be at least 1");
        ensure!(self.rounds > 0, "--rounds must be at least 1");
        Ok(Storm {
            network: self.network,
            key: self.key,
            edges: self.edges,
            callers: self.callers,
            rounds: self.rounds,
            processes: self.processes.single()?,
            progress: self.output.progress(),
            json: self.output.json,
        })
    }
}
