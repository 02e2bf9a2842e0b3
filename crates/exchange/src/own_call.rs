//! Calls of the gateway itself: to itself it is a peer like any other, whose outlet gives replies to the tasks that wait
//! for them.

use crate::balance::{Chooser, Tried};
use crate::counters::{Direction, Traffic};
use crate::forward::Entered;
use crate::outgoing::{Outgoing, Sender};
use crate::outlet::{CloseReason, Outlet, QueueError, Queued};
use crate::route::Route;
use crate::{
    CorrelationId, Destination, Envelope, Exchange, Failure, Identity, Outcome, Peer, RequestKind, Stage,
};
use ahash::AHashMap;
use frontier_protocol::{Code, EdgeId, Epoch};
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout_at;

/// How many calls the gateway itself has in flight at once; more wait for their turn.
const MAX_IN_FLIGHT: usize = 4096;

/// A call of the gateway itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// A reply to the gateway itself.
#[derive(Clone, Debug)]
pub struct OwnReply {
    /// `Ok`, or the kind of error.
    pub code: Code,
    /// What the code leaves open, as it stands on the wire.
    pub detail: u32,
    /// The payload, or the error's text.
    pub payload: Vec<u8>,
}

impl OwnReply {
    pub(crate) fn error(code: Code, text: &str) -> Self {
        Self { code, detail: 0, payload: text.as_bytes().to_vec() }
    }

    pub(crate) fn failure(failure: Failure) -> Self {
        Self { code: failure.code, detail: failure.detail, payload: failure.text.into_owned().into_bytes() }
    }

    /// The payload as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// The gateway as a peer of its own, and who waits for its replies.
#[derive(Debug)]
pub(crate) struct OwnCalls {
    peer: Arc<Peer>,
    replies: Arc<Replies>,
    permits: Semaphore,
    last_id: AtomicU64,
}

impl OwnCalls {
    /// The gateway itself.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    pub(crate) fn new() -> Self {
        let replies = Arc::<Replies>::default();
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let outlet = Box::new(replies.clone());
        let peer = Peer::new(Identity::Gateway, Epoch(0), nowhere, outlet, Duration::MAX);
        peer.advance(Stage::Online);
        Self {
            peer: Arc::new(peer),
            replies,
            permits: Semaphore::new(MAX_IN_FLIGHT),
            last_id: AtomicU64::new(0),
        }
    }
}

/// The outlet of the gateway itself: whoever waits for a reply gets it.
#[derive(Debug, Default)]
struct Replies(Mutex<AHashMap<u64, oneshot::Sender<OwnReply>>>);

impl Outlet for Arc<Replies> {
    fn request(&self, _: &Outgoing<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("the gateway takes no requests itself".into()))
    }

    fn reply(
        &self,
        id: u64,
        _: RequestKind,
        _: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        let waiting = self.0.lock().remove(&id);
        if let Some(waiting) = waiting {
            // The task may have stopped waiting.
            let Outcome { code, detail, payload, .. } = outcome;
            let _ = waiting.send(OwnReply { code, detail, payload: payload.to_vec() });
        }
        Ok(Queued::SENT)
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

impl Exchange {
    /// The gateway itself calls one of the services that registered the method, chosen for the edge `id` at `ip`; if
    /// that one is lost meanwhile, the next. `None` if no service has registered the method, or none is left.
    pub(crate) async fn call_service(
        &self,
        call: OwnCall<'_>,
        id: EdgeId,
        ip: IpAddr,
        timeout: Duration,
    ) -> Option<OwnReply> {
        let deadline = Instant::now() + timeout;
        // Closed never, so this fails never; a timeout is told as any other.
        let Ok(Ok(_permit)) = timeout_at(deadline.into(), self.own_calls.permits.acquire()).await else {
            return Some(OwnReply::error(Code::Deadline, "too many edges come and go at once"));
        };
        let edge = Chooser { id, ip, affinity: None };
        let mut tried = Tried::new();
        loop {
            let target = {
                let routes = self.registry().services.routes();
                self.balancer.choose(routes.method(call.method)?, edge, &tried)?.clone()
            };
            let reply = self.call_peer(&target, call, deadline).await;
            match reply.code {
                Code::Disconnected | Code::Draining => tried.push(target),
                _ => return Some(reply),
            }
        }
    }

    async fn call_peer(&self, target: &Arc<Peer>, call: OwnCall<'_>, deadline: Instant) -> OwnReply {
        let OwnCalls { peer, replies, last_id, .. } = &self.own_calls;
        let id = last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (reply, replied) = oneshot::channel();
        replies.0.lock().insert(id, reply);
        let mut in_flight = InFlight { exchange: self, id, ends_with: Code::Cancelled };
        self.counters().begun(Traffic::Call, Direction::Own);
        let OwnCall { method, custom, payload } = call;
        let (kind, to) = (RequestKind::Call, Destination::Name);
        let envelope = Envelope { kind, id, wants_reply: true, to, name: method, custom, payload, deadline };
        // The gateway's own calls are bounded by their permits.
        let entered = match self.enter(peer, &envelope, target, None, Instant::now()) {
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
        let OwnCalls { peer, replies, .. } = &self.exchange.own_calls;
        replies.0.lock().remove(&self.id);
        self.exchange.give_up(peer, self.id, self.ends_with, &mut self.exchange.batch());
    }
}
