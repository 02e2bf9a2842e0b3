//! Files over streams: whole, checked, or not at all.
//!
//! ```sh
//! cargo run -p frontier-sdk --example file -- serve --dir /srv/files
//! cargo run -p frontier-sdk --example file -- send report.pdf
//! cargo run -p frontier-sdk --example file -- receive report.pdf --into downloads
//! ```
//!
//! `serve` is a service with a directory; `send` and `receive` are edges. What goes over a stream:
//!
//! ```text
//!   edge                                   service
//!    │── message "put" or "get": the name ──▶│     its answer says whether that can be done
//!
//!   sender                                 receiver
//!    │── message "size" ────────────────────▶│
//!    │── the bytes, raw ────────────────────▶│     into a file with a temporary name
//!    │── message "checksum" ────────────────▶│     compared; the file gets its name
//!    │◀─ its answer: kept, or why not ───────│
//! ```
//!
//! Messages and raw bytes on a stream keep their order, so nothing has to be said about where the bytes
//! end and the checksum begins.

#[path = "../access/options.rs"]
mod access;
#[path = "../access/log.rs"]
mod log;
mod partial;
mod serve;
mod transfer;

use access::Access;
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use frontier_sdk::{Edge, Stream};
use std::path::{Path, PathBuf};

/// Files over streams.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keep files in a directory, and give them out.
    Serve(serve::Options),
    /// Send a file to a service.
    Send(Send),
    /// Receive a file from a service.
    Receive(Receive),
}

#[derive(Args)]
struct Send {
    /// The file.
    path: PathBuf,
    /// The name of the service.
    #[arg(long, value_name = "NAME", default_value = "files")]
    to: String,
    #[command(flatten)]
    gateway: Gateway,
}

#[derive(Args)]
struct Receive {
    /// The name of the file.
    name: String,
    /// The directory that it goes to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The name of the service.
    #[arg(long, value_name = "NAME", default_value = "files")]
    from: String,
    #[command(flatten)]
    gateway: Gateway,
}

#[derive(Args)]
struct Gateway {
    /// Where edges connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30012")]
    gateway: String,
    #[command(flatten)]
    access: Access,
}

#[tokio::main]
async fn main() -> Result<()> {
    log::to_stderr();
    match Cli::parse().command {
        Command::Serve(options) => serve::run(options).await,
        Command::Send(options) => send(options).await,
        Command::Receive(options) => receive(options).await,
    }
}

async fn send(options: Send) -> Result<()> {
    let name = options.path.file_name().and_then(|name| name.to_str());
    let name = name.context("the path has no name that can be sent")?;
    let edge = options.gateway.connect().await?;
    let mut stream = open(&edge, &options.to, "put", name).await?;
    let sent = transfer::send(&mut stream, &options.path).await?;
    println!("sent {name}: {sent}; the receiver has verified it");
    Ok(edge.close().await?)
}

async fn receive(options: Receive) -> Result<()> {
    let path = target(&options.into, &options.name)?;
    let edge = options.gateway.connect().await?;
    let mut stream = open(&edge, &options.from, "get", &options.name).await?;
    let received = transfer::receive(&mut stream, &path).await?;
    println!("received {}: {received}; verified", path.display());
    Ok(edge.close().await?)
}

/// A stream on which the service has agreed to what is wanted.
async fn open(edge: &Edge, service: &str, wish: &str, name: &str) -> Result<Stream> {
    let stream = edge.open_stream(service).await.context("no stream")?;
    let agreed = stream.publish(wish, name.to_owned()).await;
    agreed.with_context(|| format!("{service} says no"))?;
    Ok(stream)
}

/// Where a file of that name goes. The name comes from the other end: it must not lead anywhere else.
fn target(dir: &Path, name: &str) -> Result<PathBuf> {
    let plain = Path::new(name).file_name().is_some_and(|plain| plain == name) && !name.starts_with('.');
    anyhow::ensure!(plain, "{name:?} is no plain file name");
    Ok(dir.join(name))
}

impl Gateway {
    /// An edge that does not connect again: a stream that was lost is not made anew, so there is nothing
    /// to go on with.
    async fn connect(&self) -> Result<Edge> {
        Ok(self.access.apply(Edge::builder(&self.gateway)).reconnect(false).connect().await?)
    }
}
