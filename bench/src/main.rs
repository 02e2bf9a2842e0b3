//! `frontier-bench`: what a connection gateway costs, next to the least that any gateway can cost.
//!
//! Every measurement runs its gateway, its service and its clients as separate processes over loopback, warms
//! up, counts for a while, and reports rates, latencies, and the CPU time and memory of the gateway's
//! process. Systems that are compared run in the same sitting, in turn, because absolute figures move from
//! run to run and ratios much less.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::cli::{Cli, Command};

mod child;
mod cli;
mod cluster;
mod comparison;
mod connections;
mod console;
mod cores;
mod dialogue;
mod drive;
mod frontier;
mod job;
mod layout;
mod loopback;
mod measurement;
mod meter;
mod nats;
mod network;
mod number;
mod outcome;
mod plan;
mod process;
mod procfs;
mod progress;
mod proxy;
mod relay;
mod report;
mod rig;
mod role;
mod scale;
mod sessions;
mod storm;
mod system;
mod table;
mod tally;
mod wire;
mod work;

/// The daemon's allocator, since the gateway's role runs in this binary; the baselines have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Role { spec } => process::main(&spec),
        command => match measure(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("frontier-bench: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Does what is asked, and prints what it found; an interrupt ends it, and with it every process that it
/// started.
fn measure(command: Command) -> Result<()> {
    let job = command.into_job()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            text = job.run() => stdout().lock().write_all(text?.as_bytes()).context("printing the result"),
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}
