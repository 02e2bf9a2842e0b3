//! The seam for traces: who records spans of requests, and where those spans are while a request is under way.
//!
//! A trace context is bytes that go with a request: the exchange reads none. Without a [`Tracer`] they pass through.

use crate::{Direction, Envelope, Exchange, Peer, Traffic};
use ahash::AHashMap;
use frontier_protocol::Code;
use parking_lot::Mutex;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Spans that may be open at once. More requests than these are not recorded.
const MAX_OPEN: usize = 65_536;

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 16;

/// Records what becomes of requests and streams.
pub trait Tracer: Debug + Send + Sync {
    /// Something was asked for. `None` if that is not recorded: its trace context goes on as it is.
    fn begin(&self, asked: &Asked<'_>) -> Option<Box<dyn Span>>;
}

/// The part of this gateway in a trace, until it has ended. Dropped without an end it is not recorded.
pub trait Span: Debug + Send {
    /// The trace context that goes on with the request in place of its own.
    fn context(&self) -> &[u8];

    /// It was sent on to `target`. There may be more than one, where the first was gone.
    fn routed(&mut self, target: &Peer);

    /// It has ended so.
    fn end(self: Box<Self>, code: Code);
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Call, message or stream.
    pub traffic: Traffic,
    /// From whom to whom.
    pub direction: Direction,
    /// Who asks.
    pub requester: &'a Peer,
    /// The method, the topic or the service.
    pub name: &'a str,
    /// The trace context that it came with; empty without one.
    pub trace: &'a [u8],
}

/// The spans of requests that are under way, by requester and its id for each.
#[derive(Debug)]
pub(crate) struct Spans {
    tracer: Arc<dyn Tracer>,
    open: AtomicUsize,
    shards: [Mutex<AHashMap<(u64, u64), Open>>; SHARDS],
}

#[derive(Debug)]
struct Open {
    span: Box<dyn Span>,
    deadline: Instant,
}

/// A request that is recorded, as far as whoever has it must know.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// What goes on with it.
    pub(crate) trace: Box<[u8]>,
    /// The span, where no reply will find it in the table.
    pub(crate) span: Option<Box<dyn Span>>,
}

impl Spans {
    pub(crate) fn new(tracer: Arc<dyn Tracer>) -> Self {
        Self { tracer, open: AtomicUsize::new(0), shards: Default::default() }
    }

    fn shard(&self, key: (u64, u64)) -> &Mutex<AHashMap<(u64, u64), Open>> {
        // Ids and epochs both count up.
        &self.shards[usize::from(key.0.wrapping_add(key.1).to_le_bytes()[0]) % SHARDS]
    }

    fn begin(&self, requester: &Peer, envelope: &Envelope<'_>) -> Option<Recorded> {
        let Envelope { kind, name, trace, id, wants_reply, deadline, .. } = *envelope;
        let traffic = Traffic::from(kind);
        let span = self.tracer.begin(&Asked {
            traffic,
            direction: requester.direction(),
            requester,
            name,
            trace,
        })?;
        let trace = span.context().into();
        if !wants_reply {
            return Some(Recorded { trace, span: Some(span) });
        }
        if self.open.load(Ordering::Relaxed) >= MAX_OPEN && !self.forget_overdue() {
            return None;
        }
        let key = (requester.epoch().0, id);
        let before = self.shard(key).lock().insert(key, Open { span, deadline });
        if before.is_none() {
            self.open.fetch_add(1, Ordering::Relaxed);
        }
        Some(Recorded { trace, span: None })
    }

    /// Forgets those whose requests have ended in some other way. Whether there is room then.
    #[cold]
    fn forget_overdue(&self) -> bool {
        let now = Instant::now();
        for shard in &self.shards {
            let mut shard = shard.lock();
            let before = shard.len();
            shard.retain(|_, open| open.deadline > now);
            self.open.fetch_sub(before - shard.len(), Ordering::Relaxed);
        }
        self.open.load(Ordering::Relaxed) < MAX_OPEN
    }

    fn routed(&self, requester: &Peer, id: u64, target: &Peer) {
        let key = (requester.epoch().0, id);
        if let Some(open) = self.shard(key).lock().get_mut(&key) {
            open.span.routed(target);
        }
    }

    fn end(&self, requester: &Peer, id: u64, code: Code) {
        if self.open.load(Ordering::Relaxed) == 0 {
            return;
        }
        let key = (requester.epoch().0, id);
        let ended = self.shard(key).lock().remove(&key);
        if let Some(Open { span, .. }) = ended {
            self.open.fetch_sub(1, Ordering::Relaxed);
            span.end(code);
        }
    }
}

impl Exchange {
    /// A request begins. What is different about it if it is recorded.
    #[inline]
    pub(crate) fn begin_span(&self, requester: &Peer, envelope: &Envelope<'_>) -> Option<Recorded> {
        self.spans.as_ref()?.begin(requester, envelope)
    }

    /// A stream begins.
    pub(crate) fn begin_stream_span(&self, opener: &Peer, name: &str, trace: &[u8]) -> Option<Box<dyn Span>> {
        let direction = opener.direction();
        self.spans.as_ref()?.tracer.begin(&Asked {
            traffic: Traffic::Stream,
            direction,
            requester: opener,
            name,
            trace,
        })
    }

    /// The request `id` of `requester` goes to `target`.
    #[inline]
    pub(crate) fn note_routed(&self, requester: &Peer, envelope: &Envelope<'_>, target: &Peer) {
        // What is recorded has a context.
        if !envelope.trace.is_empty()
            && envelope.wants_reply
            && let Some(spans) = &self.spans
        {
            spans.routed(requester, envelope.id, target);
        }
    }

    /// The request `id` of `requester` has ended.
    #[inline]
    pub(crate) fn end_span(&self, requester: &Peer, id: u64, code: Code) {
        if let Some(spans) = &self.spans {
            spans.end(requester, id, code);
        }
    }
}

#[cfg(test)]
mod tests;
