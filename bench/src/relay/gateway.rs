//! The relay's process.

use std::sync::Arc;
use std::task::Waker;

use anyhow::{Result, bail};
use bytes::{Buf, BytesMut};
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::frame;
use crate::console::Console;
use crate::dialogue::Ready;
use crate::loopback::{accept, listen};
use crate::wire::{Connection, Outbox, Peer};

/// All edges, by their number.
type Edges = Arc<RwLock<Vec<Arc<Outbox>>>>;

pub(super) async fn run(console: &mut Console) -> Result<()> {
    let (for_edges, edges) = listen().await?;
    let (for_services, services) = listen().await?;
    console.ready(Ready { edges: Some(edges), services: Some(services), measured: None })?;
    tokio::select! {
        result = serve(for_edges, for_services) => result,
        () = console.closed() => Ok(()),
    }
}

async fn serve(for_edges: TcpListener, for_services: TcpListener) -> Result<()> {
    let edges = Edges::default();
    let mut connections = JoinSet::new();

    let service = Arc::new(Outbox::default());
    let stream = accept(&for_services).await?;
    let peer = ServicePeer { edges: edges.clone(), wakers: Vec::new() };
    connections.spawn(Connection::new(stream, service.clone(), peer).run());

    loop {
        let stream = accept(&for_edges).await?;
        let outbox = Arc::new(Outbox::default());
        let number = u32::try_from(edges.read().len())?;
        edges.write().push(outbox.clone());
        connections
            .spawn(Connection::new(stream, outbox, EdgePeer { number, service: service.clone() }).run());
    }
}

/// Sends what an edge says to the service.
#[derive(Debug)]
struct EdgePeer {
    number: u32,
    service: Arc<Outbox>,
}

impl Peer for EdgePeer {
    fn receive(&mut self, inbox: &mut BytesMut, _: &mut Vec<u8>) -> Result<()> {
        let (mut rest, mut waker) = (&inbox[..], None);
        while let Some((frame, behind)) = frame::split(rest)? {
            waker = self.service.push([&frame.header(self.number)?, frame.payload]).or(waker);
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

/// Sends what the service says to the edge that it names.
#[derive(Debug)]
struct ServicePeer {
    edges: Edges,
    wakers: Vec<Waker>,
}

impl Peer for ServicePeer {
    fn receive(&mut self, inbox: &mut BytesMut, _: &mut Vec<u8>) -> Result<()> {
        let mut rest = &inbox[..];
        let edges = self.edges.read();
        while let Some((frame, behind)) = frame::split(rest)? {
            let number = frame.address.edge;
            let Some(edge) = usize::try_from(number).ok().and_then(|n| edges.get(n)) else {
                bail!("an answer for edge {number}, which does not exist");
            };
            self.wakers.extend(edge.push([&frame.header(number)?, frame.payload]));
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        self.wakers.drain(..).for_each(Waker::wake);
        Ok(())
    }
}
