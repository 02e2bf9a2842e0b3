//! `frontier-demo`: a gateway, a service and a few edges in one process, and what goes on between them; or a
//! whole cluster, or work sessions.
//!
//! A program of its own, so that the gateway links neither frontlas nor what that needs.

mod activity;
mod backend;
mod cluster;
mod gateway;
mod parts;
mod report;
mod sessions;
mod single;

use anyhow::{Context as _, Result};
use clap::Parser;
use frontier_daemon::process::Exit;
use frontier_daemon::shutdown::Signals;
use std::process::ExitCode;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The gateways' own allocator, so that the figures are theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Starts a gateway on free ports with a service and a few edges, and shows what goes on between them.
#[derive(Clone, Copy, Debug, Parser)]
#[command(version)]
struct Options {
    /// How many edges connect.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    edges: u16,
    /// One round of everything, then exit: 0 if all of it went well. With --cluster, another one after the
    /// loss of a gateway.
    #[arg(long)]
    once: bool,
    /// A cluster: frontlas, which keeps its directory in memory, and two gateways.
    #[arg(long)]
    cluster: bool,
    /// Work sessions: a broker, hosts that come and go, and a client that has them estimate π.
    #[arg(long, conflicts_with_all = ["cluster", "edges"])]
    sessions: bool,
}

fn main() -> ExitCode {
    let exit = match Options::try_parse() {
        Ok(options) => show(options),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // The help and the version were asked for.
            if error.use_stderr() { Exit::Usage } else { Exit::Ok }
        }
    };
    exit.into()
}

fn show(options: Options) -> Exit {
    let shown = Runtime::new().context("can't start worker threads").and_then(|it| it.block_on(run(options)));
    match shown {
        Ok(true) => Exit::Ok,
        Ok(false) => {
            eprintln!("frontier-demo: not everything went well: see what has failed, and why, above");
            Exit::StartFailure
        }
        Err(error) => {
            eprintln!("frontier-demo: {error:#}");
            Exit::StartFailure
        }
    }
}

/// Runs until a signal, or for one round. Whether everything went well.
async fn run(options: Options) -> Result<bool> {
    let stop = CancellationToken::new();
    let mut signals = Signals::listen().context("can't listen for signals")?;
    let on_signal = stop.clone();
    tokio::spawn(async move {
        signals.recv().await;
        on_signal.cancel();
    });
    match options {
        Options { cluster: true, .. } => cluster::run(options, stop).await,
        Options { sessions: true, .. } => sessions::run(options, stop).await,
        _ => single::run(options, stop).await,
    }
}
