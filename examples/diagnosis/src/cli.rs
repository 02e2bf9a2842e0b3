//! The command line.

use crate::fault::Fault;
use crate::streams::{KEPT_READINGS, KEPT_RESULTS};
use crate::{frames, health, produce, watch, worker};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Diagnoses readings of motors from a stream of Redis.
#[derive(Parser)]
#[command(name = "diagnosis")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Diagnoses readings that the gateway brings, and writes the results to their stream.
    Worker(Worker),
    /// Gives results to the gateway's bridge, for pages.
    Frames(Frames),
    /// Sums up the faults of each vehicle.
    Health(Redis),
    /// Writes made-up readings of vehicles.
    Produce(Produce),
    /// Is a page, and says how long results took to come to it.
    Watch(Watch),
}

#[derive(Args)]
pub(crate) struct Redis {
    /// Where the streams are.
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    pub(crate) redis: String,
}

#[derive(Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) store: Redis,
    /// Where services connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30011")]
    pub(crate) gateway: String,
    /// What it diagnoses; everything unless this is said.
    #[arg(long, value_name = "FAULT", value_delimiter = ',', value_enum)]
    pub(crate) faults: Vec<Fault>,
    /// About how many results are kept in their stream.
    #[arg(long, default_value_t = KEPT_RESULTS)]
    pub(crate) keep: usize,
    /// How long each diagnosis takes longer, to see a backlog.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub(crate) delay: u64,
}

#[derive(Args)]
pub(crate) struct Frames {
    #[command(flatten)]
    pub(crate) store: Redis,
    /// Where edges connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30012")]
    pub(crate) gateway: String,
    /// Under which name it remembers what it has shown: another one for each gateway.
    #[arg(long, default_value = "frontend")]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct Produce {
    #[command(flatten)]
    pub(crate) store: Redis,
    /// How many vehicles there are.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) vehicles: u32,
    /// Readings a second, of all of them.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: u32,
    /// How many readings; without end unless this is said.
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// About how many readings are kept in their stream: more than may wait there, or what waits longest is lost.
    #[arg(long, default_value_t = KEPT_READINGS)]
    pub(crate) keep: usize,
    /// Rows of a reading.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rows: u32,
}

#[derive(Args)]
pub(crate) struct Watch {
    /// Where pages connect to.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8000/ws/frontend")]
    pub(crate) page: String,
    /// After how many results it ends; never unless this is said.
    #[arg(long)]
    pub(crate) count: Option<u64>,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn start(options: Options) -> Result<()> {
    match options.command {
        Command::Worker(options) => worker::run(options).await,
        Command::Frames(options) => frames::run(options).await,
        Command::Health(options) => health::run(options).await,
        Command::Produce(options) => produce::run(options).await,
        Command::Watch(options) => watch::run(options).await,
    }
}
