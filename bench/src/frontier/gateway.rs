//! The gateway's process.

use std::net::{Ipv4Addr, SocketAddr};

use ::frontier::config::Listen;
use ::frontier::{Config, Gateway};
use anyhow::{Context, Result, bail};
use tokio_util::sync::CancellationToken;

use super::Network;
use crate::console::Console;
use crate::dialogue::Ready;

/// Runs the gateway as the daemon does, but for its ports and for a drain at the end, which nobody waits for.
pub(super) async fn run(network: Network, console: &mut Console) -> Result<()> {
    let mut config = Config::parse("", &|_| None).context("the gateway's defaults")?;
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.edgebound.listeners = vec![Listen::tcp(anywhere)];
    config.servicebound.listeners = vec![Listen::tcp(anywhere)];
    let gateway = Gateway::bind(&config)?;
    console.ready(Ready {
        edges: Some(gateway.edgebound()),
        services: Some(gateway.servicebound()),
        measured: None,
    })?;
    // In a task of its own, as the daemon runs it.
    let mut serving = tokio::spawn(gateway.run(CancellationToken::new()));
    tokio::select! {
        ended = &mut serving => bail!("the gateway ended: {ended:?}"),
        () = console.closed() => Ok(()),
    }
}
