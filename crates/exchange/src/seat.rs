//! Joining: how a peer comes to be reachable, and the guard that ends it.

use crate::{Exchange, Identity, Peer, RegistrationError, Stage, Superseded};
use std::sync::Arc;

/// A peer that has joined. However its wire ends, and be it by a panic, the end of this takes the peer out, fails what
/// is in flight on it, and lets a successor go on.
#[derive(Debug)]
pub struct Seat {
    exchange: Arc<Exchange>,
    peer: Arc<Peer>,
}

impl Seat {
    /// The peer.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Makes an edge reachable. `false` if another connection has taken over its id, or it has left.
    pub fn publish(&self) -> bool {
        match self.peer.edge_id() {
            Some(id) => self.exchange.registry().edges.publish(id, &self.peer),
            None => self.peer.is_online(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Self { exchange, peer } = self;
        match peer.identity() {
            Identity::Edge { id, .. } => exchange.registry().edges.release(*id, peer),
            Identity::Service { .. } => exchange.registry().services.release(peer),
            _ => {
                peer.advance(Stage::Gone);
                exchange.registry().gateways.remove(peer);
                exchange.registry().elsewhere.forget(peer);
            }
        }
        exchange.retire(peer, &[]);
        peer.departed().set();
    }
}

impl Exchange {
    /// Gives its id to an edge, which is not reachable yet. Nothing reaches a predecessor any more: it is returned, for
    /// the wire to close it and to wait until everyone knows that it has left.
    ///
    /// # Errors
    /// [`Superseded`] if a connection that is newer holds the id.
    pub fn join_edge(self: &Arc<Self>, edge: &Arc<Peer>) -> Result<(Seat, Option<Arc<Peer>>), Superseded> {
        // Before anything is claimed: whatever comes between, the end of this gives it up.
        let seat = Seat { exchange: self.clone(), peer: edge.clone() };
        let predecessor = match edge.edge_id() {
            Some(id) => self.registry().edges.claim(id, edge)?,
            None => None,
        };
        Ok((seat, predecessor))
    }

    /// Puts a service online with its first methods and topics, all of them or none. If its id was held by another
    /// connection, that one's methods and topics pass to this one in the same instant; it is returned, to be closed.
    ///
    /// # Errors
    /// [`RegistrationError`]; the service is not online then.
    pub fn join_service(
        self: &Arc<Self>,
        service: &Arc<Peer>,
        methods: &[&str],
        topics: &[&str],
    ) -> Result<(Seat, Option<Arc<Peer>>), RegistrationError> {
        let seat = Seat { exchange: self.clone(), peer: service.clone() };
        let predecessor = match service.identity() {
            Identity::Service { id, .. } => {
                self.registry().services.claim(*id, service, methods, topics, self.limits())?
            }
            _ => None,
        };
        Ok((seat, predecessor))
    }

    /// Puts a connection with another gateway online, whichever of the two asks.
    pub fn join_gateway(self: &Arc<Self>, gateway: &Arc<Peer>) -> Seat {
        let seat = Seat { exchange: self.clone(), peer: gateway.clone() };
        gateway.hear(self.clock());
        gateway.advance(Stage::Online);
        self.registry().gateways.add(gateway);
        if let Some(remote) = self.remote.as_ref().filter(|_| gateway.is_origin_gateway()) {
            remote.met(gateway.name());
        }
        seat
    }
}
