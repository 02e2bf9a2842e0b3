//! Questions for edges that are not here.

use super::forward::{Entered, Handed, Held, strike};
use super::parcel::{Address, Parcel};
use super::route::{Route, offline};
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Form, Question, Ticket};
use crate::forwarding::{Forwarding, Found, Guest, Parked, Seeker};
use crate::peer::{Identity, Peer, Wakes};
use frontier_protocol::{
    Code, Custom, EdgeId, Frame, ParseError, RemoteCaller, Returned, split_remote_caller,
};
use frontier_transport::Priority;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

impl Exchange {
    /// What reaches edges at other gateways, if this one is to.
    pub(crate) fn forwarding(&self) -> Option<&Arc<Forwarding>> {
        self.forwarding.get()
    }

    /// From here on edges at other gateways can be reached. Holds for good.
    pub(crate) fn set_forwarding(&self, forwarding: Arc<Forwarding>) {
        // It is set once, before there is anybody.
        let _ = self.forwarding.set(forwarding);
    }

    /// The service in whose name the gateway `forwarder` asks.
    pub(super) fn guest(forwarder: &Peer, caller: &[u8]) -> Result<Arc<Guest>, Failure> {
        match &forwarder.identity {
            Identity::Forwarder { callers, .. } => callers.get(caller),
            _ => Err(Failure::plain(Code::Protocol)),
        }
    }

    /// The edge that a parcel is for is not here: a service's is looked for elsewhere, another gateway gets its
    /// own back.
    pub(super) fn away(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        edge: EdgeId,
        wakes: &mut Wakes,
    ) -> Result<Result<(), Failure>, Breach> {
        match (parcel.to, self.forwarding()) {
            (Address::Forwarded { caller, returns: true, .. }, _) => {
                let (timeout_ms, name, payload) = (parcel.timeout_ms(), parcel.name, parcel.payload);
                let custom = Custom::forwarded(parcel.custom, caller, edge);
                let returned = Returned { timeout_ms, name, custom, payload };
                // It fails if the link is closed: then nobody waits any more.
                let _ = wakes.push(&asker.link, Priority::Answer, |out| returned.encode(parcel.id, out));
                Ok(Ok(()))
            }
            (Address::Edge(_), Some(forwarding)) => self.park(forwarding, asker, parcel, edge),
            _ => Ok(Err(offline(edge))),
        }
    }

    /// A parcel waits until its edge is found.
    fn park(
        &self,
        forwarding: &Arc<Forwarding>,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        edge: EdgeId,
    ) -> Result<Result<(), Failure>, Breach> {
        let room = match forwarding.room(parcel.size()) {
            Ok(room) => room,
            Err(failure) => return Ok(Err(failure)),
        };
        let ticket = if parcel.answered {
            match self.enter(asker, parcel, forwarding.lobby(), None)? {
                Ok(Entered::Yes(ticket)) => Some(ticket),
                // The lobby is never closed.
                Ok(Entered::Answered | Entered::TargetGone) => return Ok(Ok(())),
                Err(failure) => return Ok(Err(failure)),
            }
        } else {
            None
        };
        forwarding.seek(edge, Seeker::Question(Box::new(parked(asker, &parcel, ticket, None, room))));
        Ok(Ok(()))
    }

    /// It is known where the edge of a parcel is, or that it is nowhere.
    pub(crate) fn unpark(
        &self,
        forwarding: &Forwarding,
        edge: EdgeId,
        parked: &Parked,
        found: Result<Found, Failure>,
        wakes: &mut Wakes,
    ) {
        let Parked { asker, ticket, id, form, name, custom, payload, deadline, returned_by, .. } = parked;
        let held: Option<Held<'_>> = match ticket {
            None => None,
            // Else somebody has told the asker already, or it has cancelled.
            Some(ticket) => match forwarding.lobby().calls.lock().settle(*ticket) {
                Some(_) => Some((&**forwarding.lobby(), *ticket)),
                None => return,
            },
        };
        let parcel = Parcel {
            form: *form,
            answered: held.is_some(),
            id: *id,
            to: Address::Edge(edge),
            name,
            custom,
            payload,
            now: Instant::now(),
            deadline: *deadline,
        };
        let failure = match self.route_found(asker, &parcel, edge, found, returned_by.is_none()) {
            Err(failure) => strike(asker, *id, held).then_some(failure),
            Ok(route) => match self.hand_over(asker, parcel, &route, held, wakes) {
                Ok(Handed::TargetGone) => Some(Failure::new(Code::Disconnected, lost(&route.target))),
                Ok(Handed::Failed(failure)) => Some(failure),
                // Only a new question can break the rules, and this one had its place in the tables.
                Ok(Handed::Done) | Err(_) => None,
            },
        };
        if let Some(failure) = failure
            && parcel.answered
        {
            self.reply_failure(asker, *id, *form, &failure, wakes);
        }
    }

    /// The route to an edge that was looked for. If it has come here meanwhile, that counts.
    fn route_found<'p>(
        &self,
        asker: &Peer,
        parcel: &Parcel<'p>,
        edge: EdgeId,
        found: Result<Found, Failure>,
        returns: bool,
    ) -> Result<Route<'p>, Failure> {
        if let Some(target) = self.route_to_edge(asker, edge, &Default::default())? {
            return Ok(Route::edge(target, parcel.custom));
        }
        match found? {
            Found::Here => Err(offline(edge)),
            Found::At(holder) => Ok(Route::holder(holder, asker, parcel.custom, edge, returns)),
        }
    }

    /// Another gateway gives a question back: the edge is not there. It is looked for once more.
    pub(super) fn on_returned(
        &self,
        from: &Arc<Peer>,
        frame: &Frame,
        wakes: &mut Wakes,
    ) -> Result<(), Breach> {
        let returned = Returned::parse(frame)?;
        let forwarded = Custom::split_tail(returned.custom.body());
        let forwarded = forwarded.and_then(|(rest, edge)| Some((split_remote_caller(rest)?, edge)));
        let Some(((custom, caller), edge)) = forwarded else {
            return Err(ParseError::Invalid { kind: frame.kind, field: "custom header" }.into());
        };
        let Some(forwarding) = self.forwarding() else { return Ok(()) };
        forwarding.forget(edge, from);
        let (name, payload, now) = (returned.name, returned.payload, Instant::now());
        if frame.id == 0 {
            let caller = RemoteCaller::parse(caller);
            let Some(asker) = caller.and_then(|caller| self.registry.services.get(caller.id)) else {
                return Ok(());
            };
            let (form, deadline) = (Form::Message, self.deadline(returned.timeout_ms, now));
            let to = Address::Edge(edge);
            let parcel = Parcel { form, answered: false, id: 0, to, name, custom, payload, now, deadline };
            if let Ok(room) = forwarding.room(parcel.size()) {
                let parked = parked(&asker, &parcel, None, Some(from.clone()), room);
                forwarding.seek(edge, Seeker::Question(Box::new(parked)));
            }
            return Ok(());
        }
        let ticket = Ticket(frame.id);
        let settled = from.calls.lock().settle(ticket);
        let Some(Question { asker: Asker::Peer(asker, id), form, deadline }) = settled else {
            return Ok(());
        };
        let to = Address::Edge(edge);
        let parcel = Parcel { form, answered: true, id, to, name, custom, payload, now, deadline };
        let room = forwarding.room(parcel.size());
        let entered = match &room {
            // Only a question of its own breaks the rules of the asker, and this one has its place.
            Ok(_) => self.enter(&asker, parcel, forwarding.lobby(), Some((from, ticket)))?,
            Err(failure) if asker.calls.lock().strike(id, from, ticket) => Err(failure.clone()),
            Err(_) => Ok(Entered::Answered),
        };
        match (entered, room) {
            (Ok(Entered::Yes(ticket)), Ok(room)) => {
                let parked = parked(&asker, &parcel, Some(ticket), Some(from.clone()), room);
                forwarding.seek(edge, Seeker::Question(Box::new(parked)));
            }
            (Err(failure), _) => self.reply_failure(&asker, id, form, &failure, wakes),
            (Ok(_), _) => {}
        }
        Ok(())
    }
}

fn parked(
    asker: &Arc<Peer>,
    parcel: &Parcel<'_>,
    ticket: Option<Ticket>,
    returned_by: Option<Arc<Peer>>,
    room: OwnedSemaphorePermit,
) -> Parked {
    Parked {
        asker: asker.clone(),
        ticket,
        id: parcel.id,
        form: parcel.form,
        name: parcel.name.into(),
        custom: parcel.custom.into(),
        payload: parcel.payload.into(),
        deadline: parcel.deadline,
        returned_by,
        _room: room,
    }
}

/// What those are told whose question was with `peer` when its connection ended.
pub(super) fn lost(peer: &Peer) -> String {
    match &peer.identity {
        Identity::Edge { id, .. } => format!("the connection to edge {id} was lost"),
        Identity::Service { name, .. } => format!("the connection to the service {name:?} was lost"),
        Identity::Forwarder { id, .. } | Identity::Holder { id } => {
            format!("the connection to frontier {id} was lost")
        }
        Identity::Lobby => "the gateway stopped looking for the edge".to_owned(),
    }
}
