//! The command line.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::job::Job;
use crate::system::System;
use crate::work::{Bulk, Operation, Work};
use calls::{CallArgs, Direction, SceneArgs, ShareArgs};
use cluster::ClusterArgs;
use connections::{ConnectionsArgs, StormArgs};
use frontier_config::ByteSize;
use run::{RunArgs, VsArgs};
use scale::ScaleArgs;
use sessions::SessionsArgs;

mod calls;
mod cluster;
mod connections;
mod run;
mod scale;
mod sessions;
#[cfg(test)]
mod tests;

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
    /// Calls through Frontier, from edges to a service
    Rpc {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        direction: Direction,
        #[command(flatten)]
        scene: SceneArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Acked messages through Frontier, from edges to a service
    Publish {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        direction: Direction,
        #[command(flatten)]
        scene: SceneArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// The throughput of streams through Frontier, all on one edge
    Stream {
        /// Streams that are written to at the same time
        #[arg(long, default_value_t = 1, value_name = "N")]
        streams: usize,
        /// Bytes of one write
        #[arg(long, default_value = "64KiB", value_name = "BYTES")]
        writes: ByteSize,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Streams through Frontier that are opened, carry a byte each way, and are closed
    Open {
        #[command(flatten)]
        share: ShareArgs,
        #[command(flatten)]
        direction: Direction,
        #[command(flatten)]
        scene: SceneArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// What edges cost the gateway that are connected and do nothing
    Connections(ConnectionsArgs),
    /// How fast edges get in that all connect at the same time
    Storm(StormArgs),
    /// What the directory of a cluster takes: frontlas and redis-server, which has to be on the PATH
    ///
    /// Simulated frontiers tell one frontlas of edges that exist on paper only. Measured are: what it costs to
    /// keep them alive, how many can come and go per second, and how fast they are found meanwhile.
    Cluster(ClusterArgs),
    /// Work sessions: requests of clients that a broker has hosts compute, with everything on this machine
    ///
    /// Measured are calls a second from a client's request to its response, the first response of a client of a session
    /// that is warm, and what a call costs each process; or, with --queue, what requests cost that wait.
    Sessions(SessionsArgs),
    /// Small calls next to a stalled stream and large messages on the same connection, and without them
    Mixed {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// The same calls on 1, 2, 4 cores and so on, to which all processes are kept together
    Scale(ScaleArgs),
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
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// A relay of bare frames, without a mux and without a protocol: the limit for calls through a gateway
    Relay {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Request-reply through nats-server, which has to be on the PATH, with its users' client library
    Nats {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// The same with nats-server 2.15, which the go on the PATH builds as a module the first time
    NatsCurrent {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        vs: VsArgs,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Request-reply through the nats-server on the PATH with a lean client of our own, so that the server is measured and not its client
    NatsLean {
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        vs: VsArgs,
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

impl Command {
    /// Checks the arguments.
    pub(crate) fn into_job(self) -> Result<Job> {
        let plan = match self {
            Self::Rpc { calls, direction, scene, vs, run } => {
                let calls = scene.apply(direction.apply(calls.into_calls()?))?;
                run.into_plan(System::Frontier, vs, Work::Calls(calls))
            }
            Self::Publish { calls, direction, scene, vs, run } => {
                let mut calls = scene.apply(direction.apply(calls.into_calls()?))?;
                calls.operation = Operation::Message;
                run.into_plan(System::Frontier, vs, Work::Calls(calls))
            }
            Self::Stream { streams, writes, vs, run } => {
                run.into_plan(System::Frontier, vs, Work::Bulk(Bulk::new(streams, writes)?))
            }
            Self::Open { share, direction, scene, vs, run } => {
                let mut calls = scene.apply(direction.apply(share.into_calls(ByteSize::bytes(1))?))?;
                calls.operation = Operation::Stream;
                run.into_plan(System::Frontier, vs, Work::Calls(calls))
            }
            Self::Mixed { calls, run } => {
                let mut calls = calls.into_calls()?;
                calls.scene.disturbed = true;
                run.into_plan(System::Frontier, VsArgs::alone(), Work::Calls(calls))
            }
            Self::Proxy { calls, bulk: true, writes, vs, run } => {
                let bulk = Bulk::new(calls.into_calls()?.callers, writes)?;
                run.into_plan(System::Proxy, vs, Work::Bulk(bulk))
            }
            Self::Proxy { calls, vs, run, .. } => run.into_plan(System::Proxy, vs, calls.into_work()?),
            Self::Relay { calls, vs, run } => run.into_plan(System::Relay, vs, calls.into_work()?),
            Self::Nats { calls, vs, run } => run.into_plan(System::Nats, vs, calls.into_work()?),
            Self::NatsCurrent { calls, vs, run } => {
                run.into_plan(System::NatsCurrent, vs, calls.into_work()?)
            }
            Self::NatsLean { calls, vs, run } => run.into_plan(System::NatsLean, vs, calls.into_work()?),
            Self::Scale(scale) => return Ok(Job::Scale(scale.into_plan()?)),
            Self::Connections(connections) => return Ok(Job::Connections(connections.into_plan()?)),
            Self::Storm(storm) => return Ok(Job::Storm(storm.into_plan()?)),
            Self::Cluster(cluster) => return Ok(Job::Cluster(cluster.into_plan()?)),
            Self::Sessions(sessions) => return Ok(Job::Sessions(sessions.into_plan()?)),
            Self::Role { .. } => unreachable!("main runs roles without a plan"),
        };
        Ok(Job::Compare(plan?))
    }
}
