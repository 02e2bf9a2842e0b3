use crate::calls::Calls;
use crate::latch::Latch;
use bytes::Bytes;
use frontier_protocol::{EdgeId, EncodeError, Epoch, ServiceId};
use frontier_transport::{LinkHandle, Priority, PushError};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Who a peer is.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// An edge, and the meta that it presented.
    Edge { id: EdgeId, meta: Bytes },
    /// A service, and its name.
    Service { id: ServiceId, name: Box<str> },
}

/// How far a connection is in its life.
///
/// ```text
///   Joining ──▶ Online ──▶ Leaving ──▶ Gone
///      └───────────┴───────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// It has its id, but the handshake is not over: nothing is routed to it.
    Joining = 0,
    /// It takes and asks.
    Online = 1,
    /// It finishes what is in flight and takes nothing new.
    Leaving = 2,
    /// Its connection is closed, or about to be.
    Gone = 3,
}

/// One connection of an edge or a service, as everyone but its own session sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) epoch: Epoch,
    pub(crate) addr: SocketAddr,
    pub(crate) link: LinkHandle,
    pub(crate) calls: Mutex<Calls>,
    /// Set once everyone who must know has been told that the peer has left.
    pub(crate) departed: Latch,
    stage: AtomicU8,
    /// When it was last heard from, in seconds of the gateway's clock.
    heard: AtomicU32,
    /// The silence that ends the connection, in seconds.
    patience: u32,
    /// What the peer had read when its outbox was last seen to move, and when that was.
    moved: (AtomicU64, AtomicU32),
}

impl Peer {
    pub(crate) fn new(
        identity: Identity,
        epoch: Epoch,
        addr: SocketAddr,
        link: LinkHandle,
        patience: Duration,
    ) -> Self {
        Self {
            identity,
            epoch,
            addr,
            link,
            calls: Mutex::default(),
            departed: Latch::default(),
            stage: AtomicU8::new(Stage::Joining as u8),
            heard: AtomicU32::new(u32::MAX),
            patience: u32::try_from(patience.as_secs()).unwrap_or(u32::MAX).max(1),
            moved: Default::default(),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Joining,
            1 => Stage::Online,
            2 => Stage::Leaving,
            _ => Stage::Gone,
        }
    }

    pub(crate) fn is_online(&self) -> bool {
        self.stage() == Stage::Online
    }

    /// Moves on to a later stage. A stage that has passed does not come back.
    pub(crate) fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    pub(crate) fn hear(&self, now: u32) {
        self.heard.store(now, Ordering::Relaxed);
    }

    /// Whether it has been silent for too long.
    pub(crate) fn is_silent(&self, now: u32) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        heard != u32::MAX && now.saturating_sub(heard) > self.patience
    }

    /// Whether something has waited for it for `limit` seconds without its reading any of it.
    pub(crate) fn is_stuck(&self, now: u32, limit: u32) -> bool {
        let written = self.link.written();
        let (seen, since) = &self.moved;
        if seen.swap(written, Ordering::Relaxed) != written || self.link.backlog() == 0 {
            since.store(now, Ordering::Relaxed);
            return false;
        }
        now.saturating_sub(since.load(Ordering::Relaxed)) >= limit
    }

    pub(crate) fn edge_id(&self) -> Option<EdgeId> {
        match self.identity {
            Identity::Edge { id, .. } => Some(id),
            Identity::Service { .. } => None,
        }
    }

    /// The id as it stands on the wire.
    pub(crate) fn wire_id(&self) -> u64 {
        match self.identity {
            Identity::Edge { id, .. } => id.0,
            Identity::Service { id, .. } => id.0,
        }
    }

    /// A service's name; empty for an edge.
    pub(crate) fn name(&self) -> &str {
        match &self.identity {
            Identity::Edge { .. } => "",
            Identity::Service { name, .. } => name,
        }
    }

    /// Whether anything is in flight from or to the peer.
    pub(crate) fn is_busy(&self) -> bool {
        self.calls.lock().is_busy() || self.link.streams() > 0 || self.link.backlog() > 0
    }
}

/// Links that have something new in their outbox, to be woken once for a whole batch of frames.
#[derive(Debug, Default)]
pub(crate) struct Wakes(SmallVec<[LinkHandle; 8]>);

impl Wakes {
    /// Queues a frame on `link`, and notes the link if it must be woken.
    pub(crate) fn push(
        &mut self,
        link: &LinkHandle,
        priority: Priority,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), PushError> {
        if link.push(priority, encode)? {
            self.0.push(link.clone());
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) {
        for link in self.0.drain(..) {
            link.wake();
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.flush();
    }
}
