//! Client and service on `async-nats`, as users of NATS write them.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use async_nats::{Client, ConnectOptions};

pub(super) mod client;
pub(super) mod service;

/// Connects, with the library's defaults.
async fn connect(server: SocketAddr) -> Result<Client> {
    let options = ConnectOptions::new().name("frontier-bench");
    options.connect(server.to_string()).await.context("connecting to nats-server")
}
