//! Connections of the SDK, with the tool's options.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use frontier_sdk::{Builder, ClientTls, Edge, EdgeId, QuicClient, Service};

use crate::network::Address;
use crate::process;

/// What edges call, and what they publish to.
pub(super) const METHOD: &str = "echo";
pub(super) const TOPIC: &str = "telemetry";
/// The service that streams are opened to.
pub(super) const SERVICE: &str = "bench";

/// Connects an edge whose id the gateway chooses.
pub(super) async fn edge(gateway: Address) -> Result<Edge> {
    options(Edge::builder(gateway.to_string())).connect().await.context("connecting an edge")
}

/// Connects an edge that shares its UDP sockets with others: a process has not so many ports.
pub(super) async fn sharing_edge(gateway: Address, sockets: Arc<QuicClient>) -> Result<Edge> {
    let builder = Edge::builder(gateway.to_string()).quic(sockets);
    options(builder).connect().await.context("connecting an edge")
}

/// Connects an edge that services know by its number.
pub(super) async fn numbered_edge(gateway: Address, number: usize) -> Result<Edge> {
    let id = edge_id(number)?;
    let edge = options(Edge::builder(gateway.to_string())).id(id).connect().await;
    let edge = edge.context("connecting an edge")?;
    anyhow::ensure!(edge.id() == id, "the gateway calls edge {id} {}", edge.id());
    Ok(edge)
}

pub(super) async fn service(gateway: Address) -> Result<Service> {
    let builder = Service::builder(gateway.to_string()).name(SERVICE).topics([TOPIC]);
    options(builder).connect().await.context("connecting a service")
}

pub(super) fn edge_id(number: usize) -> Result<EdgeId> {
    Ok(EdgeId(FIRST_ID + u64::try_from(number)?))
}

/// Why a connection that should stay is gone.
pub(super) fn lost(closed: &frontier_sdk::Closed) -> Error {
    anyhow!("a connection was closed: {closed}")
}

/// A connection that is lost ends the measurement. How much is in flight is the user's choice, so the client
/// takes all of it.
fn options<P>(builder: Builder<P>) -> Builder<P> {
    builder
        // The gateway made its certificate a moment ago, and nobody but us knows its port.
        .tls(ClientTls::new().danger_accept_any_certificate())
        .reconnect(false)
        .spin(process::spin())
        .connect_timeout(Duration::from_secs(60))
        .max_handlers(MAX_IN_FLIGHT)
        .receive_queue(MAX_IN_FLIGHT)
}

const MAX_IN_FLIGHT: usize = 1 << 16;
/// Above the ids that a gateway is likely to give to edges that ask for none.
const FIRST_ID: u64 = 1 << 62;
