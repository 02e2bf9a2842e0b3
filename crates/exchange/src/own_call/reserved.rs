//! Calls that another gateway makes for itself: it asks what services here are told of its edges.

use super::{OwnCall, OwnReply};
use crate::balance::{Chooser, Tried};
use crate::counters::Part;
use crate::envelope::{CorrelationId, Outcome};
use crate::failure::Rejected;
use crate::forward::Entered;
use crate::lobby::Room;
use crate::shares::Asker;
use crate::{Destination, Envelope, Exchange, Failure, Peer, RemoteEdge, RequestKind, Violation};
use frontier_protocol::{Code, is_reserved};
use std::sync::Arc;
use std::time::Instant;

/// A call of a reserved method that another gateway makes for itself, with a place among those who wait. The wire carries
/// it to its end with [`Exchange::on_reserved_call`], in a task of its own.
#[derive(Debug)]
pub struct ReservedCall {
    origin: Arc<Peer>,
    /// The origin's id for it.
    id: u64,
    correlation: CorrelationId,
    method: Box<str>,
    custom: Box<[u8]>,
    payload: Box<[u8]>,
    edge: RemoteEdge,
    returns: bool,
    deadline: Instant,
    _room: Room,
}

impl Envelope<'_> {
    /// Whether another gateway calls a reserved method with it.
    #[must_use]
    pub fn is_reserved_call(&self) -> bool {
        matches!(self.to, Destination::LocalName { .. })
            && self.kind == RequestKind::Call
            && is_reserved(self.name)
    }
}

impl Exchange {
    /// Enters such a call. `None` if it has been answered already, since there is no room for it or it is late.
    ///
    /// # Errors
    /// [`Violation`] if the peer must not send that.
    pub fn enter_reserved_call(
        self: &Arc<Self>,
        origin: &Arc<Peer>,
        envelope: Envelope<'_>,
    ) -> Result<Option<ReservedCall>, Violation> {
        let Envelope { id, kind, name, custom, payload, deadline, .. } = envelope;
        let Destination::LocalName { edge, returns } = envelope.to else {
            return Err(Violation::new("only a frontier calls a reserved method"));
        };
        let direction = origin.direction();
        self.counters().begun(kind.into(), direction);
        self.counters().passed(kind.into(), direction, Part::Request, payload.len() as u64);
        let own = self.own_calls.peer();
        let entered = || -> Result<_, Rejected> {
            self.check_payload(payload.len() as u64)?;
            if let Some(text) = edge.unreadable {
                return Err(Failure::new(Code::Protocol, text).into());
            }
            let room = self.lobby.room(Asker::edge_behind(origin, edge.id), envelope.size())?;
            match self.enter(origin, &envelope, own, None, Instant::now())? {
                Entered::Yes(correlation) => Ok(Some((correlation, room))),
                // The gateway itself is never gone.
                Entered::Answered | Entered::TargetGone => Ok(None),
            }
        };
        match entered() {
            Ok(None) => Ok(None),
            Ok(Some((correlation, room))) => {
                // What an unknown gateway says of credentials is worth nothing.
                let custom = if edge.is_verified { custom } else { b"" };
                Ok(Some(ReservedCall {
                    origin: origin.clone(),
                    id,
                    correlation,
                    method: name.into(),
                    custom: custom.into(),
                    payload: payload.into(),
                    edge: edge.clone(),
                    returns,
                    deadline,
                    _room: room,
                }))
            }
            Err(rejected) => {
                self.reply_failure(origin, id, kind, &rejected.failure()?, &mut self.batch());
                Ok(None)
            }
        }
    }

    /// Has a service here answer the call of another gateway; if that is lost meanwhile, the next. Where none is left the
    /// other gateway gets it back.
    ///
    /// # Cancel safety
    /// Cancel safe: the call fails at its deadline.
    pub async fn on_reserved_call(self: &Arc<Self>, call: ReservedCall) {
        let ReservedCall {
            origin, id, correlation, method, custom, payload, edge, returns, deadline, ..
        } = &call;
        let own = OwnCall { kind: RequestKind::Call, method, custom, payload, may_repeat: false };
        let chooser = Chooser { id: edge.id, ip: edge.address, affinity: None };
        let mut tried = Tried::new();
        let called = self.call_here(own, chooser, *deadline, &mut tried);
        let mut cancelled = self.own_calls.cancelled(*correlation);
        let reply = tokio::select! {
            reply = called => reply,
            () = cancelled.wait() => return,
        };
        let peer = self.own_calls.peer();
        // Else it was cancelled, or is overdue, and the origin has been told.
        let Some(request) = peer.pending.lock().complete(*correlation) else { return };
        let mut batch = self.batch();
        let failure =
            Failure::new(Code::MethodNotFound, format!("no service has registered the method {method:?}"));
        match reply {
            Some(OwnReply { code, detail, payload, .. }) => {
                let outcome = Outcome { code, detail, custom: b"", payload: &payload };
                self.answer(request, peer, *correlation, None, outcome, &mut batch);
            }
            None if origin.pending.lock().untrack(*id, peer, *correlation) => {
                let to = Destination::LocalName { edge, returns: *returns };
                let (kind, wants_reply) = (RequestKind::Call, true);
                let envelope = Envelope {
                    kind,
                    id: *id,
                    wants_reply,
                    to,
                    name: method,
                    custom: b"",
                    trace: b"",
                    payload: b"",
                    deadline: *deadline,
                };
                match self.no_taker(origin, envelope, failure, &mut batch) {
                    Ok(_) => self.counters().ended(kind.into(), origin.direction(), Code::ServiceNotOnline),
                    Err(rejected) => {
                        let failure = rejected.failure().unwrap_or_else(|_| Failure::plain(Code::Internal));
                        self.reply_failure(origin, *id, kind, &failure, &mut batch);
                    }
                }
            }
            None => {}
        }
    }
}
