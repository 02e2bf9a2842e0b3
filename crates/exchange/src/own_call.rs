//! Calls of the gateway itself, which to itself is a peer like any other.

mod operator;
mod peer;
mod reserved;

pub(crate) use peer::OwnCalls;
pub use peer::OwnReply;
pub use reserved::ReservedCall;

use crate::balance::{Chooser, Tried};
use crate::counters::{Direction, Part, Traffic};
use crate::forward::Entered;
use crate::outgoing::Sender;
use crate::outlet::QueueError;
use crate::remote_edge::LocalEdge;
use crate::route::Route;
use crate::{Destination, Envelope, Exchange, Failure, Peer, RequestKind, Stage};
use frontier_protocol::{Code, EdgeId, Offered};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// A call of the gateway itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnCall<'a> {
    /// A call, or a message that is acked.
    pub(crate) kind: RequestKind,
    /// The method, or the topic.
    pub(crate) method: &'a str,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// Whether it does no harm to ask again where it is not known whether it was done.
    pub(crate) may_repeat: bool,
}

/// What became of a call of the gateway to one peer.
#[derive(Debug)]
enum Called {
    Replied(OwnReply),
    /// The peer is gone, or has nobody to answer: another may be asked.
    NotThere,
    /// The connection to the other gateway was lost, and whether the call was done there is not known.
    Unknown,
}

impl Exchange {
    /// The gateway itself calls one of the services that registered the method, chosen for the edge `id`, which is at
    /// `ip` if it has an address: one here, or else one at another gateway. If that is lost meanwhile, the next. `None`
    /// if no service has registered the method, or none is left.
    pub(crate) async fn call_service(
        &self,
        call: OwnCall<'_>,
        id: EdgeId,
        ip: Option<IpAddr>,
        timeout: Duration,
    ) -> Option<OwnReply> {
        let deadline = Instant::now() + timeout;
        let edge = Chooser { id, ip, affinity: None };
        let mut tried = Tried::new();
        if let Some(reply) = self.call_here(call, edge, deadline, &mut tried).await {
            return Some(reply);
        }
        loop {
            let target = self.elsewhere(edge, Offered::Method, call.method, &tried)?;
            let authorization = self.own_calls.peer().authorization();
            let asker = LocalEdge { id, address: ip, authorization };
            let from = Sender::ByName { edge: asker, returns: true };
            match self.call_peer(&target, from, call, deadline).await {
                Called::Replied(reply) => return Some(reply),
                Called::Unknown if !call.may_repeat => {
                    return Some(OwnReply::uncertain(Failure::new(Code::Disconnected, target.lost())));
                }
                Called::NotThere | Called::Unknown => tried.push(target),
            }
        }
    }

    /// Calls one service here after the other until one replies. `None` if none is left.
    async fn call_here(
        &self,
        call: OwnCall<'_>,
        edge: Chooser<'_>,
        deadline: Instant,
        tried: &mut Tried,
    ) -> Option<OwnReply> {
        loop {
            let target = {
                let routes = self.registry().services.routes();
                self.balancer.choose(routes.method(call.method)?, edge, tried)?.clone()
            };
            match self.call_peer(&target, Sender::Unnamed, call, deadline).await {
                Called::Replied(reply) => return Some(reply),
                // A service that is gone does nothing any more.
                Called::NotThere | Called::Unknown => tried.push(target),
            }
        }
    }

    async fn call_peer(
        &self,
        target: &Arc<Peer>,
        from: Sender<'_>,
        call: OwnCall<'_>,
        deadline: Instant,
    ) -> Called {
        // Closed never, so this fails never; a timeout is told as any other.
        let Ok(Ok(_permit)) = timeout_at(deadline.into(), self.own_calls.permit(target)).await else {
            let reply = OwnReply::error(Code::Deadline, "too many edges come and go at once");
            return Called::Replied(OwnReply { is_uncertain: false, ..reply });
        };
        let (id, replied) = self.own_calls.expect_reply();
        let mut in_flight = InFlight { exchange: self, id, ends_with: Code::Cancelled };
        let traffic = Traffic::from(call.kind);
        self.counters().begun(traffic, Direction::Own);
        let OwnCall { kind, method, custom, payload, .. } = call;
        self.counters().passed(traffic, Direction::Own, Part::Request, payload.len() as u64);
        let to = Destination::Name;
        let envelope =
            Envelope { kind, id, wants_reply: true, to, name: method, custom, trace: b"", payload, deadline };
        // The gateway's own calls are bounded by their permits.
        let entered = match self.enter(self.own_calls.peer(), &envelope, target, None, Instant::now()) {
            Ok(Entered::Yes(correlation)) => Ok(correlation),
            Ok(Entered::TargetGone) => {
                self.counters().ended(traffic, Direction::Own, Code::Disconnected);
                return Called::NotThere;
            }
            // Whoever looks for deadlines was faster, and has counted it.
            Ok(Entered::Answered) => return Called::failed(Failure::plain(Code::Deadline)),
            Err(rejected) => Err(rejected.failure().unwrap_or_else(|_| Failure::plain(Code::Internal))),
        };
        let correlation = match entered {
            Ok(correlation) => correlation,
            Err(failure) => {
                self.counters().ended(traffic, Direction::Own, failure.code);
                return Called::failed(failure);
            }
        };
        let route = Route { target: target.clone(), from };
        loop {
            let mut batch = self.batch();
            let outgoing = envelope.outgoing(Some(correlation), &route, batch.now());
            let queued = batch.queued(target, target.outlet().request(&outgoing));
            drop(batch);
            match queued {
                Ok(()) => break,
                Err(QueueError::Full) => {
                    // Closed meanwhile: the next round tells.
                    if timeout_at(deadline.into(), target.outlet().writable()).await.is_err() {
                        return in_flight
                            .end(Code::Deadline, &format!("{} does not read fast enough", who(target)));
                    }
                }
                Err(error @ (QueueError::Closed(_) | QueueError::Sealed)) => {
                    in_flight.ends_with = error.code();
                    return Called::NotThere;
                }
                Err(error) => return in_flight.end(error.code(), &error.to_string()),
            }
        }
        match timeout_at(deadline.into(), replied).await {
            // What a service replies is its reply, whatever its code; only where its connection ended it was lost.
            Ok(Ok(Some(reply))) if reply.code == Code::Disconnected && target.stage() == Stage::Gone => {
                if target.is_owner_gateway() {
                    Called::Unknown
                } else {
                    Called::NotThere
                }
            }
            Ok(Ok(Some(reply))) => Called::Replied(reply),
            Ok(Ok(None)) => {
                self.counters().ended(traffic, Direction::Own, Code::ServiceNotOnline);
                Called::NotThere
            }
            Ok(Err(_)) => in_flight.end(Code::Internal, "the call was dropped"),
            Err(_) => in_flight.end(Code::Deadline, &format!("{} did not answer in time", who(target))),
        }
    }
}

/// What is called, for whoever is told what became of it.
fn who(target: &Peer) -> &'static str {
    if target.edge_id().is_some() { "the edge" } else { "the service" }
}

impl Called {
    fn failed(failure: Failure) -> Self {
        Self::Replied(OwnReply::failure(failure))
    }
}

/// A call of the gateway, which is taken back when nobody waits for it any more.
struct InFlight<'a> {
    exchange: &'a Exchange,
    id: u64,
    /// What it counts as, if it has not ended when this is dropped.
    ends_with: Code,
}

impl InFlight<'_> {
    /// It ends with this error.
    fn end(&mut self, code: Code, text: &str) -> Called {
        self.ends_with = code;
        Called::Replied(OwnReply::error(code, text))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let own_calls = &self.exchange.own_calls;
        own_calls.forget(self.id);
        self.exchange.give_up(own_calls.peer(), self.id, self.ends_with, &mut self.exchange.batch());
    }
}
