use crate::{CloseReason, Endpoint, Link, LinkConfig};
use std::io;
use thiserror::Error;
use tokio::net::TcpStream;

/// Why an endpoint could not be reached.
#[derive(Debug, Error)]
pub enum DialError {
    /// No connection.
    #[error("could not connect to {endpoint}")]
    Connect {
        /// Where to.
        endpoint: Endpoint,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection was lost before the link stood.
    #[error(transparent)]
    Link(#[from] CloseReason),
}

/// Connects to `endpoint` and opens the lane. The caller sets the deadline.
///
/// # Errors
/// [`DialError`] if the endpoint can't be reached.
///
/// # Cancel safety
/// Cancel safe: the connection is dropped.
pub async fn dial(endpoint: &Endpoint, config: LinkConfig) -> Result<Link, DialError> {
    let connected = TcpStream::connect(endpoint.host_port()).await;
    let io = connected.map_err(|source| DialError::Connect { endpoint: endpoint.clone(), source })?;
    io.set_nodelay(true).map_err(|source| DialError::Connect { endpoint: endpoint.clone(), source })?;
    Ok(Link::dial(io, config).await?)
}
