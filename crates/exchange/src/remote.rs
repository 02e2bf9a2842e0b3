//! Requests for edges that are not here.
//!
//! ```text
//!   service ─▶ an owner that is known, whose link stands ─▶ owner gateway ─▶ edge
//!      │
//!      └─▶ lobby: waits ─▶ RemoteEdges looks for the edge ─▶ on its way
//!                               ▲
//!         owner gateway ─ Returned: the edge is not there ─┘ once
//! ```
//!
//! Those of edges for services that are elsewhere are in `remote_names`.
//!
//! This gateway is the *origin* of its services' requests, and the *owner* of the edges that are connected to it.
//! What an origin sends here is answered here or not at all, so a request makes one hop and never a circle.

mod lookup;
mod unacked;

pub use lookup::{Found, Lookup, RemoteEdges};

use lookup::{Parked, Waiting};
pub(crate) use unacked::Unacked;

use crate::envelope::{CorrelationId, Destination, Envelope, RequestKind};
use crate::failure::Rejected;
use crate::forward::{Delivery, Entered, Forwarded, Held, untrack};
use crate::lobby::Room;
use crate::outgoing::Sender;
use crate::pending::PendingRequest;
use crate::route::Route;
use crate::shares::Asker;
use crate::{Batch, Exchange, Failure, Peer, Returned, Violation};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use tokio::sync::oneshot;

impl Lookup {
    /// It is known where the edge is, or that it is nowhere.
    pub fn resolve(
        self,
        exchange: &Arc<Exchange>,
        edge: EdgeId,
        found: Result<Found, Failure>,
        batch: &mut Batch<'_>,
    ) {
        match self.0 {
            Waiting::Task { reply, .. } => {
                // Who no longer waits need not hear of it.
                let _ = reply.send(found);
            }
            Waiting::Request(parked) => {
                let found = found.and_then(|found| found.unless(parked.returned_by.as_ref(), edge));
                exchange.unpark(edge, &parked, found, batch);
            }
        }
    }
}

impl Exchange {
    /// The edge that a request is for is not here: a service's is looked for elsewhere, another gateway gets its own
    /// back.
    pub(crate) fn not_here(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        edge: EdgeId,
        batch: &mut Batch<'_>,
    ) -> Result<Forwarded, Rejected> {
        match (envelope.to, &self.remote) {
            (Destination::LocalEdge { caller, returns: true, .. }, _) => {
                let correlation = envelope.wants_reply.then_some(CorrelationId(envelope.id));
                let route = Route { target: requester.clone(), from: Sender::Unnamed };
                let outgoing = envelope.outgoing(correlation, &route, batch.now());
                // It fails if the connection is closed: then nobody waits any more.
                let _ = batch.queued(requester, requester.outlet().give_back(&outgoing, edge, Some(caller)));
                Ok(Forwarded::GivenBack)
            }
            (Destination::Edge(_), Some(_)) => {
                self.park(requester, envelope, edge, batch).map(|()| Forwarded::Yes)
            }
            _ => Err(Failure::edge_not_online(edge).into()),
        }
    }

    /// A request waits until its edge is found.
    fn park(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        edge: EdgeId,
        batch: &mut Batch<'_>,
    ) -> Result<(), Rejected> {
        let room = self.lobby.room(Asker::of(requester), envelope.size())?;
        let correlation = if envelope.wants_reply {
            match self.enter(requester, &envelope, self.lobby.peer(), None, batch.now())? {
                Entered::Yes(correlation) => Some(correlation),
                // The lobby is never closed.
                Entered::Answered | Entered::TargetGone => return Ok(()),
            }
        } else {
            None
        };
        self.look_up(edge, Waiting::Request(parked(requester, &envelope, correlation, None, room)));
        Ok(())
    }

    fn look_up(self: &Arc<Self>, edge: EdgeId, waiting: Waiting) {
        if let Some(remote) = &self.remote {
            remote.look_up(self, edge, Lookup(waiting));
        }
    }

    /// It is known where the edge of a request is, or that it is nowhere.
    fn unpark(
        self: &Arc<Self>,
        edge: EdgeId,
        parked: &Parked,
        found: Result<Found, Failure>,
        batch: &mut Batch<'_>,
    ) {
        let Parked {
            requester,
            correlation,
            id,
            kind,
            name,
            custom,
            trace,
            payload,
            deadline,
            returned_by,
            ..
        } = parked;
        let lobby = self.lobby.peer();
        let held: Option<Held<'_>> = match correlation {
            None => None,
            // Else somebody has told the requester already, or it has cancelled.
            Some(correlation) => match lobby.pending.lock().complete(*correlation) {
                Some(request) => Some(Held { at: lobby, correlation: *correlation, begun: request.begun }),
                None => return,
            },
        };
        let envelope = Envelope {
            kind: *kind,
            id: *id,
            wants_reply: held.is_some(),
            to: Destination::Edge(edge),
            name,
            custom,
            trace,
            payload,
            deadline: *deadline,
        };
        let failure = match self.route_found(requester, edge, found, returned_by.is_none()) {
            Err(failure) => untrack(requester, *id, held).then_some(failure),
            Ok(route) => match self.deliver(requester, envelope, &route, held, batch) {
                Ok(Delivery::TargetGone) => Some(Failure::new(Code::Disconnected, route.target.lost())),
                Ok(Delivery::Done) => None,
                // Only a new request can break the rules, and this one had its place in the tables.
                Err(rejected) => rejected.failure().ok(),
            },
        };
        if let Some(failure) = failure
            && envelope.wants_reply
        {
            self.reply_failure(requester, *id, *kind, &failure, batch);
        }
    }

    /// The route to an edge that was looked for. If it has come here meanwhile, that counts.
    fn route_found<'p>(
        &self,
        requester: &'p Peer,
        edge: EdgeId,
        found: Result<Found, Failure>,
        returns: bool,
    ) -> Result<Route<'p>, Failure> {
        if let Some(target) = self.route_to_edge(requester, edge, &Default::default())? {
            return Ok(Route::edge(target));
        }
        match found? {
            Found::Here => Err(Failure::edge_not_online(edge)),
            Found::At(owner) => Ok(Route::owner(owner, requester, edge, returns)),
        }
    }

    /// Another gateway gives a request back: the edge is not there. It is looked for once more, if that gateway had it: a
    /// gateway speaks for no service here of itself.
    pub(crate) fn on_returned(
        self: &Arc<Self>,
        from: &Arc<Peer>,
        returned: Returned<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        if returned.by_name {
            return self.on_returned_by_name(from, &returned, batch);
        }
        let Some(remote) = &self.remote else { return Ok(()) };
        let Returned { correlation, edge, service, name, custom, trace, payload, timeout_ms, .. } = returned;
        remote.forget(edge, from);
        let to = Destination::Edge(edge);
        let Some(correlation) = correlation else {
            let sent = service.filter(|id| self.unacked.take(from, edge, *id));
            let Some(requester) = sent.and_then(|id| self.registry().services.get(id)) else {
                self.log_unasked(from, edge);
                return Ok(());
            };
            let deadline = self.deadline(timeout_ms, batch.now());
            let kind = RequestKind::Message;
            let envelope =
                Envelope { kind, id: 0, wants_reply: false, to, name, custom, trace, payload, deadline };
            if let Ok(room) = self.lobby.room(Asker::of(&requester), envelope.size()) {
                let parked = parked(&requester, &envelope, None, Some(from.clone()), room);
                self.look_up(edge, Waiting::Request(parked));
            }
            return Ok(());
        };
        let Some(request) = from.pending.lock().complete(correlation) else { return Ok(()) };
        if !request.requester.is_service() {
            return Err(self.returned_otherwise(request, from, correlation, batch));
        }
        let asked = (request.edge == Some(edge)).then_some(request.requester.number());
        let PendingRequest { requester, id, kind, deadline, begun, .. } = request;
        let envelope = Envelope { kind, id, wants_reply: true, to, name, custom, trace, payload, deadline };
        let held = Held { at: from, correlation, begun };
        if asked.is_none() || asked != service.map(|id| id.0) {
            self.log_unasked(from, edge);
            if untrack(&requester, id, Some(held)) {
                self.reply_failure(&requester, id, kind, &Failure::edge_not_online(edge), batch);
            }
            return Ok(());
        }
        let room = match self.lobby.room(Asker::of(&requester), envelope.size()) {
            Ok(room) => room,
            Err(failure) => {
                if untrack(&requester, id, Some(held)) {
                    self.reply_failure(&requester, id, kind, &failure, batch);
                }
                return Ok(());
            }
        };
        match self.enter(&requester, &envelope, self.lobby.peer(), Some(held), batch.now()) {
            Ok(Entered::Yes(correlation)) => {
                let parked = parked(&requester, &envelope, Some(correlation), Some(from.clone()), room);
                self.look_up(edge, Waiting::Request(parked));
            }
            Ok(Entered::Answered | Entered::TargetGone) => {}
            // Only a request of its own breaks the rules of the requester, and this one has its place.
            Err(rejected) => {
                let failure = rejected.failure()?;
                self.reply_failure(&requester, id, kind, &failure, batch);
            }
        }
        Ok(())
    }

    /// Where the edge is that `asker` looks for, with a link to it, but not at `avoid`, where it was found not to be.
    ///
    /// # Errors
    /// If it is nowhere, or that can't be found out, or it can't be reached there.
    pub(crate) async fn find(
        self: &Arc<Self>,
        asker: Asker,
        edge: EdgeId,
        avoid: Option<&Arc<Peer>>,
    ) -> Result<Found, Failure> {
        let Some(remote) = &self.remote else { return Err(Failure::edge_not_online(edge)) };
        if avoid.is_none()
            && let Some(owner) = remote.known(edge, self.clock())
        {
            return Ok(Found::At(owner));
        }
        let room = self.lobby.room(asker, 0)?;
        let (reply, found) = oneshot::channel();
        self.look_up(edge, Waiting::Task { reply, _room: room });
        let found = found.await.unwrap_or_else(|_| Err(Failure::plain(Code::Internal)))?;
        found.unless(avoid, edge)
    }

    /// The edge is not at `owner`.
    pub(crate) fn forget_owner(&self, edge: EdgeId, owner: &Arc<Peer>) {
        if let Some(remote) = &self.remote {
            remote.forget(edge, owner);
        }
    }
}

impl Envelope<'_> {
    /// Bytes that it holds.
    pub(crate) fn size(&self) -> usize {
        self.name.len() + self.custom.len() + self.trace.len() + self.payload.len()
    }
}

fn parked(
    requester: &Arc<Peer>,
    envelope: &Envelope<'_>,
    correlation: Option<CorrelationId>,
    returned_by: Option<Arc<Peer>>,
    room: Room,
) -> Box<Parked> {
    Box::new(Parked {
        requester: requester.clone(),
        correlation,
        id: envelope.id,
        kind: envelope.kind,
        name: envelope.name.into(),
        custom: envelope.custom.into(),
        trace: envelope.trace.into(),
        payload: envelope.payload.into(),
        deadline: envelope.deadline,
        returned_by,
        _room: room,
    })
}
