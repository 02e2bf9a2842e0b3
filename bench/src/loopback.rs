//! TCP on this machine.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};

/// Listens on a free port.
pub(crate) async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on a free port")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Accepts a connection that sends small writes at once.
pub(crate) async fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (stream, _) = listener.accept().await.context("accepting a connection")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Opens a connection that sends small writes at once.
pub(crate) async fn dial(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
