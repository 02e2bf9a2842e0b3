//! The broker's process.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use frontier_broker::{Broker, Config};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::dialogue::Ready;
use crate::network::Address;

/// Where it keeps sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    Memory,
    Disk(PathBuf),
    Redis(SocketAddr),
}

/// What a broker is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BrokerRole {
    /// Where it listens; `None`: where the system says.
    pub(crate) at: Option<SocketAddr>,
    pub(crate) gateway: Address,
    pub(crate) store: Kept,
    /// How many sessions there are, and clients.
    pub(crate) sessions: usize,
    /// How many requests and responses there are at most.
    pub(crate) messages: u64,
}

/// Runs the broker as the daemon does, with the defaults but for its ports, and for bounds that what is measured would meet.
pub(super) async fn run(role: &BrokerRole, console: &mut Console) -> Result<()> {
    let yaml = yaml(role)?;
    let config = Config::parse(&yaml, &|_| None).context("the configuration of the broker")?;
    let broker = Broker::bind(&config).context("starting the broker")?;
    console.ready(Ready { edges: None, services: Some(broker.addr()), measured: None })?;
    // In a task of its own, as the daemon runs it.
    let mut serving = tokio::spawn(broker.run(CancellationToken::new()));
    tokio::select! {
        ended = &mut serving => bail!("the broker ended: {ended:?}"),
        () = console.closed() => Ok(()),
    }
}

fn yaml(role: &BrokerRole) -> Result<String> {
    let BrokerRole { at, gateway, store, sessions, messages } = role;
    let mut yaml = format!("gateway: {{urls: ['{gateway}']}}\n");
    let at = at.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    // Each session and client has a connection and a stream of its own.
    let (many, throttle) = (1000 + 2 * sessions, 409_600.max(2 * messages));
    writeln!(
        yaml,
        "sessions: {{listen: {{addr: '{at}'}}, sessions: {many}, watchers: {many}, connections: {many}, handshakes: {many}, \
         handshakes_per_address: {many}, storage_size: 16GiB, throttle_start: {throttle}}}"
    )?;
    match store {
        Kept::Memory => {}
        Kept::Disk(path) => writeln!(yaml, "store: {{path: {path:?}}}")?,
        Kept::Redis(addr) => writeln!(yaml, "store: {{redis: {{standalone: {{addr: '{addr}'}}}}}}")?,
    }
    Ok(yaml)
}
