//! The process of frontlas.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use frontlas::{Config, Node};
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::dialogue::Ready;

/// Runs frontlas as the daemon does, with the defaults but for its ports.
pub(super) async fn run(redis: Option<SocketAddr>, console: &mut Console) -> Result<()> {
    let listen = "listen: {addr: 127.0.0.1:0}";
    let store = match redis {
        Some(addr) => format!("redis: {{standalone: {{addr: '{addr}'}}}}"),
        None => "directory: {store: memory}".to_owned(),
    };
    let yaml = format!("control_plane: {{{listen}}}\nfrontier_plane: {{{listen}}}\n{store}\n");
    let config = Config::parse(&yaml, &|_| None).context("the configuration of frontlas")?;
    let node = Node::bind(&config).await.context("starting frontlas")?;
    console.ready(Ready {
        edges: Some(node.frontier_plane_addr()),
        services: Some(node.control_plane_addr()),
        measured: None,
    })?;
    // In a task of its own, as the daemon runs it.
    let mut serving = tokio::spawn(node.run(CancellationToken::new()));
    tokio::select! {
        ended = &mut serving => bail!("frontlas ended: {ended:?}"),
        () = console.closed() => Ok(()),
    }
}
