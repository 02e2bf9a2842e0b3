//! The gateway asks itself whether it answers: an edge and a service of its own, which nobody else sees, call each other
//! on the way of everybody's calls.
//!
//! ```text
//!   own edge ──(a name that nobody can register)──▶ route ─▶ own service ─▶ reply ─▶ own edge
//!   own service ──(EdgeID 0, which nobody can have)──▶ route ─▶ own edge ─▶ reply ─▶ own service
//! ```
//!
//! The two are in no table of the registry, so no list, count, feed, sweep or drain knows of them; only their deadlines are looked for as those of others, and nothing that a
//! peer asks for leads to them. Where they ask, the tables are looked into as for any peer, and name nobody; only then it
//! counts who asks.

use crate::counters::Direction;
use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::outgoing::Outgoing;
use crate::outlet::{CloseReason, Outlet, QueueError, Queued};
use crate::registry::Held;
use crate::{Destination, Envelope, Exchange, Identity, Inbound, Peer, Reply, Stage};
use bytes::Bytes;
use frontier_protocol::{Code, EdgeId, Epoch, ServiceId};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// No edge has it: on the wire it stands for none.
const EDGE: EdgeId = EdgeId(0);

/// The same for services.
const SERVICE: ServiceId = ServiceId(0);

/// No service can register it.
const NAME: &str = "";

/// When a call of the probe that nobody has answered is taken out by the next one at the latest.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Why the gateway does not answer itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// The call came to nobody.
    #[error("a call {0} was not delivered")]
    NotDelivered(&'static str),
    /// The answer did not come back.
    #[error("a call {0} was not answered")]
    NotAnswered(&'static str),
    /// It was answered with an error.
    #[error("a call {0} was answered with {1}")]
    Failed(&'static str, Code),
}

/// The edge and the service of the gateway itself.
#[derive(Debug)]
pub(crate) struct ProbePeers {
    edge: Arc<Peer>,
    service: Arc<Peer>,
    at_edge: Arc<Inbox>,
    at_service: Arc<Inbox>,
    /// The id of the last call. Held while there is one.
    last_id: Mutex<u64>,
}

/// What has come to one of them.
#[derive(Debug, Default)]
struct Inbox(Mutex<Received>);

#[derive(Debug, Default)]
struct Received {
    request: Option<CorrelationId>,
    reply: Option<(u64, Code)>,
}

impl ProbePeers {
    pub(crate) fn new() -> Self {
        let peer = |identity, inbox: &Arc<Inbox>| {
            let peer = Peer::new(identity, Epoch(0), None, Box::new(inbox.clone()), Duration::MAX).of_probe();
            peer.advance(Stage::Online);
            Arc::new(peer)
        };
        let (at_edge, at_service) = (Arc::<Inbox>::default(), Arc::<Inbox>::default());
        Self {
            edge: peer(Identity::Edge { id: EDGE, meta: Bytes::new() }, &at_edge),
            service: peer(Identity::Service { id: SERVICE, name: "".into() }, &at_service),
            at_edge,
            at_service,
            last_id: Mutex::new(0),
        }
    }

    pub(crate) fn edge(&self) -> &Arc<Peer> {
        &self.edge
    }

    pub(crate) fn service(&self) -> &Arc<Peer> {
        &self.service
    }
}

impl Exchange {
    /// Has the gateway's own edge and service call each other. Takes microseconds, or as long as the exchange is stuck:
    /// whoever calls this watches from another thread.
    ///
    /// # Errors
    /// [`ProbeError`] if a call or its answer is lost.
    pub fn probe(self: &Arc<Self>) -> Result<(), ProbeError> {
        let ProbePeers { edge, service, at_edge, at_service, last_id } = &self.probe;
        let mut last_id = last_id.lock();
        let mut next_id = || {
            *last_id += 1;
            *last_id
        };
        // Joining takes these, and no call does.
        let _ = (self.registry().edges.is_taken(EDGE), self.registry().services.is_taken(SERVICE));
        let to_service = ("to a service", Destination::Name);
        self.ask(next_id(), (edge, at_edge), (service, at_service), to_service)?;
        let to_edge = ("to an edge", Destination::Edge(EDGE));
        self.ask(next_id(), (service, at_service), (edge, at_edge), to_edge)
    }

    fn ask(
        self: &Arc<Self>,
        id: u64,
        (asker, answers): (&Arc<Peer>, &Inbox),
        (asked, questions): (&Arc<Peer>, &Inbox),
        (direction, to): (&'static str, Destination<'_>),
    ) -> Result<(), ProbeError> {
        let envelope = Envelope {
            kind: RequestKind::Call,
            id,
            wants_reply: true,
            to,
            name: NAME,
            custom: b"",
            trace: b"",
            payload: b"",
            deadline: Instant::now() + TIMEOUT,
        };
        questions.0.lock().request = None;
        let asks = self.on(asker, Inbound::Request(envelope), &mut self.batch());
        let end = |error| {
            // Nothing is left of a call that has failed.
            self.cancel(asker, id, &mut self.batch());
            Err(error)
        };
        let request = questions.0.lock().request.take();
        let Some(correlation) = request.filter(|_| asks.is_ok()) else {
            return end(match answers.0.lock().reply.take() {
                Some((of, code)) if of == id => ProbeError::Failed(direction, code),
                _ => ProbeError::NotDelivered(direction),
            });
        };
        let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"", payload: b"" };
        let reply = Reply { correlation, kind: RequestKind::Call, outcome, edge: None };
        // Whatever it is that fails, no answer comes.
        let _ = self.on(asked, Inbound::Reply(reply), &mut self.batch());
        let reply = answers.0.lock().reply.take();
        match reply {
            Some((of, Code::Ok)) if of == id => Ok(()),
            Some((of, code)) if of == id => end(ProbeError::Failed(direction, code)),
            _ => end(ProbeError::NotAnswered(direction)),
        }
    }

    /// Holds what everybody needs who joins, as a fault would. For tests of what notices it.
    #[doc(hidden)]
    pub fn wedge(&self) -> Held<'_> {
        self.registry().services.hold()
    }

    /// How long calls of the probe took. For tests.
    #[doc(hidden)]
    pub fn probes(&self) -> u64 {
        self.counters().counts().begun(crate::Traffic::Call, Direction::Probe)
    }
}

impl Outlet for Arc<Inbox> {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        self.0.lock().request = request.correlation;
        Ok(Queued::SENT)
    }

    fn reply(
        &self,
        id: u64,
        _: RequestKind,
        _: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        self.0.lock().reply = Some((id, outcome.code));
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
