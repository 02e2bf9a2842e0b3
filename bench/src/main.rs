//! `frontier-bench`: what a connection gateway costs, next to the least that any gateway can cost.
//!
//! Every measurement runs its gateway, its service and its clients as separate processes over loopback, warms
//! up, counts for a while, and reports rates, latencies, and the CPU time and memory of the gateway's
//! process. Systems that are compared run in the same sitting, in turn, because absolute figures move from
//! run to run and ratios much less.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;

use crate::cli::{Cli, Command};

mod bytesize;
mod child;
mod cli;
mod comparison;
mod console;
mod dialogue;
mod drive;
mod loopback;
mod measurement;
mod meter;
mod nats;
mod outcome;
mod plan;
mod procfs;
mod progress;
mod proxy;
mod relay;
mod report;
mod rig;
mod role;
mod system;
mod table;
mod tally;
mod wire;
mod work;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Role { spec } => role::main(&spec),
        command => match measure(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("frontier-bench: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Runs the plan, and prints what it found; an interrupt ends it, and with it every process that it started.
fn measure(command: Command) -> Result<()> {
    let plan = command.into_plan()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            comparison = plan.run() => report::print(&comparison?, plan.json),
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}
