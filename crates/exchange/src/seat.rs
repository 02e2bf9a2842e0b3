//! Joining: how a peer comes to be reachable, and the guard that ends it.

use crate::registry::Displaced;
use crate::take_over::TakeOver;
use crate::{ClaimError, CloseReason, Exchange, Identity, Peer, RegistrationError, Stage};
use frontier_protocol::Code;
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
            Identity::Edge { id, .. } => {
                exchange.registry().edges.release(*id, peer);
                exchange.registry().edge_methods.forget(peer);
            }
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
    /// Gives its id to an edge, which is not reachable yet. Nothing reaches a predecessor any more: it is closed, and
    /// returned, for the wire to wait until everyone knows that it has left.
    ///
    /// # Errors
    /// [`ClaimError`] if the id is held by a connection that is newer, or may not be displaced by this one.
    pub fn join_edge(self: &Arc<Self>, edge: &Arc<Peer>) -> Result<(Seat, Option<Arc<Peer>>), ClaimError> {
        // Before anything is claimed: whatever comes between, the end of this gives it up.
        let seat = Seat { exchange: self.clone(), peer: edge.clone() };
        let predecessor = match edge.edge_id() {
            Some(id) => self.registry().edges.claim(id, edge).map_err(|(error, holder)| {
                if let ClaimError::Protected(why) = error {
                    self.log_defence(edge, &holder, why);
                }
                error
            })?,
            None => None,
        };
        Ok((seat, self.end_displaced(edge, predecessor)))
    }

    /// Puts a service online with its first methods and topics, all of them or none. If its id was held by another
    /// connection, that one's methods and topics pass to this one in the same instant; it is closed, and returned.
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
                let services = &self.registry().services;
                let claimed = services.claim(*id, service, methods, topics, self.limits());
                if let Err(RegistrationError::Protected(why)) = &claimed
                    && let Some(holder) = services.get(*id)
                {
                    self.log_defence(service, &holder, why);
                }
                claimed.inspect_err(|error| self.count_refused(error))?
            }
            _ => None,
        };
        Ok((seat, self.end_displaced(service, predecessor)))
    }

    /// Closes whose id `new` has taken over. That is the end of a client by whose own proof it was done. One that had
    /// the id without a right to it may come back, and gets another.
    fn end_displaced(&self, new: &Peer, displaced: Option<Displaced>) -> Option<Arc<Peer>> {
        let (old, take_over) = displaced?;
        if !old.outlet().is_closed() {
            self.counters().taken_over(new.is_service());
        }
        match take_over {
            // A client that has come back after its connection was closed displaces nobody.
            _ if old.outlet().is_closed() => {}
            TakeOver::Over => {}
            TakeOver::Equal => {
                self.log_take_over(new, &old, false);
                old.outlet().close(CloseReason::Superseded);
            }
            TakeOver::Stronger => {
                self.log_take_over(new, &old, true);
                let text = "a connection with stronger credentials took over this id".to_owned();
                old.outlet().close(CloseReason::Refused(Code::Disconnected, text));
            }
        }
        Some(old)
    }

    /// Puts a connection with another gateway online, whichever of the two asks.
    pub fn join_gateway(self: &Arc<Self>, gateway: &Arc<Peer>) -> Seat {
        let seat = Seat { exchange: self.clone(), peer: gateway.clone() };
        self.expect_life(gateway);
        gateway.advance(Stage::Online);
        self.registry().gateways.add(gateway);
        if let Some(remote) = self.remote.as_ref().filter(|_| gateway.is_origin_gateway()) {
            remote.met(gateway.name());
        }
        seat
    }
}
