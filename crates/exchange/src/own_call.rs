//! Calls of the gateway itself, which to itself is a peer like any other.

mod peer;

pub(crate) use peer::OwnCalls;
pub use peer::OwnReply;

use crate::balance::{Chooser, Tried};
use crate::counters::{Direction, Traffic};
use crate::forward::Entered;
use crate::outgoing::Sender;
use crate::outlet::QueueError;
use crate::route::Route;
use crate::{Destination, Envelope, Exchange, Failure, Peer, RequestKind};
use frontier_protocol::{Code, EdgeId};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// A call of the gateway itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl Exchange {
    /// The gateway itself calls one of the services that registered the method, chosen for the edge `id`, which is at
    /// `ip` if it has an address; if that service is lost meanwhile, the next. `None` if no service has registered the
    /// method, or none is left.
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
        loop {
            let target = {
                let routes = self.registry().services.routes();
                self.balancer.choose(routes.method(call.method)?, edge, &tried)?.clone()
            };
            // Closed never, so this fails never; a timeout is told as any other.
            let Ok(Ok(_permit)) = timeout_at(deadline.into(), self.own_calls.permit(&target)).await else {
                return Some(OwnReply::error(Code::Deadline, "too many edges come and go at once"));
            };
            let reply = self.call_peer(&target, call, deadline).await;
            match reply.code {
                Code::Disconnected | Code::Draining => tried.push(target),
                _ => return Some(reply),
            }
        }
    }

    async fn call_peer(&self, target: &Arc<Peer>, call: OwnCall<'_>, deadline: Instant) -> OwnReply {
        let (id, replied) = self.own_calls.expect_reply();
        let mut in_flight = InFlight { exchange: self, id, ends_with: Code::Cancelled };
        self.counters().begun(Traffic::Call, Direction::Own);
        let OwnCall { method, custom, payload } = call;
        let (kind, to) = (RequestKind::Call, Destination::Name);
        let envelope = Envelope { kind, id, wants_reply: true, to, name: method, custom, payload, deadline };
        // The gateway's own calls are bounded by their permits.
        let entered = match self.enter(self.own_calls.peer(), &envelope, target, None, Instant::now()) {
            Ok(Entered::Yes(correlation)) => Ok(correlation),
            Ok(Entered::TargetGone) => Err(Failure::new(Code::Disconnected, "the service is gone")),
            // The sweep was faster, and has counted it.
            Ok(Entered::Answered) => return OwnReply::failure(Failure::plain(Code::Deadline)),
            Err(rejected) => Err(rejected.failure().unwrap_or_else(|_| Failure::plain(Code::Internal))),
        };
        let correlation = match entered {
            Ok(correlation) => correlation,
            Err(failure) => {
                self.counters().ended(Traffic::Call, Direction::Own, failure.code);
                return OwnReply::failure(failure);
            }
        };
        let route = Route { target: target.clone(), from: Sender::Unnamed };
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
                        return in_flight.end(Code::Deadline, "the service does not read fast enough");
                    }
                }
                Err(error) => return in_flight.end(error.code(), &error.to_string()),
            }
        }
        match timeout_at(deadline.into(), replied).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => in_flight.end(Code::Internal, "the call was dropped"),
            Err(_) => in_flight.end(Code::Deadline, "the service did not answer in time"),
        }
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
    fn end(&mut self, code: Code, text: &str) -> OwnReply {
        self.ends_with = code;
        OwnReply::error(code, text)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let own_calls = &self.exchange.own_calls;
        own_calls.forget(self.id);
        self.exchange.give_up(own_calls.peer(), self.id, self.ends_with, &mut self.exchange.batch());
    }
}
