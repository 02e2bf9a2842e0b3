//! The command line.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::bytesize::ByteSize;
use crate::measurement::Timing;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::rig::Processes;
use crate::system::System;
use crate::work::{Bulk, Calls, Work};

/// Measures Frontier next to the least that any gateway can cost, and next to its peers.
///
/// Gateway, service and clients run as separate processes over loopback. Absolute figures move from run to
/// run; put what you compare into one run with --vs, and read the ratios.
#[derive(Debug, Parser)]
#[command(name = "frontier-bench", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A raw two-hop byte proxy over TCP: the cost of copying alone
    ///
    /// Each caller has a TCP connection of its own; the proxy opens one to the service for it, and copies
    /// bytes both ways. With --bulk the callers only write, and the service only reads.
    Proxy {
        #[command(flatten)]
        calls: CallArgs,
        /// One-way throughput instead of messages that go there and back
        #[arg(long, conflicts_with_all = ["edges", "size"])]
        bulk: bool,
        /// Bytes of one write, with --bulk
        #[arg(long, default_value = "64KiB", requires = "bulk", value_name = "BYTES")]
        writes: ByteSize,
        #[command(flatten)]
        run: RunArgs,
    },
    /// A relay of bare frames, without a mux and without a protocol: the limit for calls through a gateway
    Relay {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Request-reply through nats-server, which has to be on the PATH
    ///
    /// The client is a lean one of our own, so that the server is measured and not its client.
    Nats {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// One process of a measurement
    #[command(hide = true)]
    Role {
        /// What it is, in JSON
        spec: String,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CallArgs {
    /// Calls that are in flight at any time
    #[arg(long, default_value_t = 1, value_name = "N")]
    callers: usize,
    /// Connections that the callers share
    #[arg(long, default_value_t = 1, value_name = "N")]
    edges: usize,
    /// Bytes of one payload
    #[arg(long, default_value = "64", value_name = "BYTES")]
    size: ByteSize,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Seconds that count
    #[arg(long, default_value_t = 4.0, value_name = "S")]
    seconds: f64,
    /// Seconds before that, which don't
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    warmup: f64,
    /// Systems to run in the same sitting, and to compare with
    #[arg(long, value_delimiter = ',', value_name = "SYSTEM,…")]
    vs: Vec<System>,
    /// Times that each system runs, in turn; figures and ratios are medians
    #[arg(long, default_value_t = 1, value_name = "N")]
    rounds: usize,
    /// Threads of each service and client process
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Threads of the gateway process [default: 1; for nats, as many as it likes]
    #[arg(long, value_name = "N")]
    gateway_threads: Option<usize>,
    /// Processes that the callers are spread over
    #[arg(long, default_value_t = 1, value_name = "N")]
    client_processes: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Show progress on stderr even where it is no terminal
    #[arg(long)]
    progress: bool,
}

impl Command {
    /// Checks the arguments.
    pub(crate) fn into_plan(self) -> Result<Plan> {
        match self {
            Self::Proxy { calls, bulk: true, writes, run } => {
                run.into_plan(System::Proxy, Work::Bulk(Bulk::new(calls.callers, writes)?))
            }
            Self::Proxy { calls, run, .. } => run.into_plan(System::Proxy, calls.into_work()?),
            Self::Relay { calls, run } => run.into_plan(System::Relay, calls.into_work()?),
            Self::Nats { calls, run } => run.into_plan(System::Nats, calls.into_work()?),
            Self::Role { .. } => unreachable!("main runs roles without a plan"),
        }
    }
}

impl CallArgs {
    fn into_work(self) -> Result<Work> {
        Ok(Work::Calls(Calls::new(self.callers, self.edges, self.size)?))
    }
}

impl RunArgs {
    fn into_plan(self, first: System, work: Work) -> Result<Plan> {
        for (name, value) in [
            ("--rounds", self.rounds),
            ("--threads", self.threads),
            ("--gateway-threads", self.gateway_threads.unwrap_or(1)),
            ("--client-processes", self.client_processes),
        ] {
            ensure!(value > 0, "{name} must be at least 1");
        }
        let counted = seconds("--seconds", self.seconds)?;
        ensure!(!counted.is_zero(), "--seconds must be more than 0");
        let mut systems = vec![first];
        for system in self.vs {
            if !systems.contains(&system) {
                systems.push(system);
            }
        }
        for system in &systems {
            ensure!(system.supports(&work), "{system} has nothing to compare with {work}");
        }
        Ok(Plan {
            systems,
            work,
            rounds: self.rounds,
            timing: Timing { warmup: seconds("--warmup", self.warmup)?, counted },
            processes: Processes {
                threads: self.threads,
                gateway_threads: self.gateway_threads,
                clients: self.client_processes,
            },
            progress: Progress::new(self.progress),
            json: self.json,
        })
    }
}

fn seconds(name: &str, value: f64) -> Result<Duration> {
    let limit = 86_400.0;
    ensure!((0.0..=limit).contains(&value), "{name} must be between 0 and {limit}");
    Ok(Duration::from_secs_f64(value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn plan(line: &str) -> Result<Plan> {
        Cli::try_parse_from(line.split(' '))?.command.into_plan()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_system_is_compared_once() {
        let plan = plan("frontier-bench relay --callers 64 --edges 10 --vs proxy,nats,relay,proxy").unwrap();
        assert_eq!(plan.systems, [System::Relay, System::Proxy, System::Nats]);
    }

    #[test]
    fn mistakes_are_refused() {
        for line in [
            "frontier-bench relay --callers 0",
            "frontier-bench relay --edges 0",
            "frontier-bench relay --seconds 0",
            "frontier-bench relay --seconds NaN",
            "frontier-bench relay --rounds 0",
            "frontier-bench relay --vs abacus",
            "frontier-bench proxy --bulk --vs nats",
            "frontier-bench proxy --writes 1KiB",
        ] {
            assert!(plan(line).is_err(), "{line}");
        }
    }
}
