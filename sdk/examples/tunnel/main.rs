//! TCP connections through a gateway: each is a stream. What speaks TCP needs no change.
//!
//! ```text
//!   ssh ──TCP──▶ tunnel listen ──▶ gateway ──▶ tunnel expose ──TCP──▶ sshd
//!                 (a service)                    (an edge)
//! ```
//!
//! ```sh
//! cargo run -p frontier-sdk --example tunnel -- expose --name lab --target 127.0.0.1:22
//! cargo run -p frontier-sdk --example tunnel -- listen --edge lab --addr 127.0.0.1:2222
//! ssh -p 2222 127.0.0.1
//! ```
//!
//! The other way round, from an edge to what is beside a service:
//!
//! ```sh
//! cargo run -p frontier-sdk --example tunnel -- expose --as service --name db --target 127.0.0.1:5432
//! cargo run -p frontier-sdk --example tunnel -- listen --service db --addr 127.0.0.1:5432
//! ```
//!
//! A gateway without `auth` asks nobody for credentials: whoever reaches the services' port may open a stream to any
//! edge, and whoever reaches the edges' port may take the name of another edge. SSH notices the latter by the host
//! key; plain HTTP does not. `--ca`, `--cert`, `--token-file` and so on are for gateways that do ask.
//!
//! A connection whose TCP side has vanished without a word is noticed after twice `--keepalive`; one that only stands
//! there may be given a limit, with `--idle-timeout`. Without either it would hold a stream for ever, of which the
//! gateway allows `limits.streams_per_connection`.

#[path = "../access/options.rs"]
mod access;
mod expose;
mod join;
mod listen;
mod liveness;
mod name;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::IsTerminal;

/// Where each side connects to unless told otherwise.
const EDGES: &str = "tcp://127.0.0.1:30012";
const SERVICES: &str = "tcp://127.0.0.1:30011";

/// TCP connections through a gateway.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connect what comes through the gateway to a TCP address.
    Expose(expose::Options),
    /// Listen on a TCP address, and send what comes through the gateway.
    Listen(listen::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(is_terminal).init();
    match Cli::parse().command {
        Command::Expose(options) => expose::run(options).await,
        Command::Listen(options) => listen::run(options).await,
    }
}
