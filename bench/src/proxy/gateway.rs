//! The proxy's process.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

use crate::console::Console;
use crate::dialogue::Ready;
use crate::loopback::{accept, dial, listen};

pub(super) async fn run(service: SocketAddr, console: &mut Console) -> Result<()> {
    let (listener, address) = listen().await?;
    console.ready(Ready { edges: Some(address), ..Ready::default() })?;
    tokio::select! {
        result = serve(listener, service) => result,
        () = console.closed() => Ok(()),
    }
}

async fn serve(listener: TcpListener, service: SocketAddr) -> Result<()> {
    loop {
        // A connection that fails is noticed at its ends, by those who count.
        tokio::spawn(join(accept(&listener).await?, service));
    }
}

async fn join(mut client: TcpStream, service: SocketAddr) -> Result<()> {
    let mut service = dial(service).await?;
    copy_bidirectional_with_sizes(&mut client, &mut service, BUFFER, BUFFER).await?;
    Ok(())
}

/// For each direction of each connection: one write of the bulk work fits in.
const BUFFER: usize = 64 << 10;
