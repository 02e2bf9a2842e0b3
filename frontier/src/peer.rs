use crate::calls::Calls;
use crate::exchange::balance::Affinity;
use crate::forwarding::Callers;
use crate::latch::Latch;
use crate::policy::Slot;
use bytes::Bytes;
use frontier_protocol::{EdgeId, EncodeError, Epoch, Heartbeat, Role, ServiceId, Side, Terms};
use frontier_transport::{LinkHandle, Priority, PushError};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Who a peer is.
#[derive(Debug)]
pub(crate) enum Identity {
    /// An edge, and the meta that it presented.
    Edge { id: EdgeId, meta: Bytes },
    /// A service, and its name.
    Service { id: ServiceId, name: Box<str> },
    /// Another gateway, which asks here for its services.
    Forwarder { id: Box<str>, callers: Box<Callers> },
    /// Another gateway, which is asked for its edges.
    Holder { id: Box<str> },
    /// Nobody: with it are entered the questions whose edge is looked for.
    Lobby,
}

/// How far a connection is in its life.
///
/// ```text
///   Joining ──▶ Online ──▶ Moved ──▶ Leaving ──▶ Gone
///      │           ├─────────┼─────────▲          ▲
///      └───────────┴─────────┴────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// It has its id, but the handshake is not over: nothing is routed to it.
    Joining = 0,
    /// It takes and asks.
    Online = 1,
    /// It has gone to another gateway already. A service stays for the edges that are still here, an edge until
    /// the cluster knows where it is now.
    Moved = 2,
    /// It finishes what is in flight and takes nothing new.
    Leaving = 3,
    /// Its connection is closed, or about to be.
    Gone = 4,
}

/// One connection of an edge or a service, as everyone but its own session sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) epoch: Epoch,
    pub(crate) addr: SocketAddr,
    pub(crate) link: LinkHandle,
    pub(crate) calls: Mutex<Calls>,
    /// What it may do.
    pub(crate) access: Slot,
    /// Which services an edge is sent to.
    pub(crate) affinity: Affinity,
    /// Set once everyone who must know has been told that the peer has left.
    pub(crate) departed: Latch,
    stage: AtomicU8,
    /// Whether it counts as reachable for those who follow the registry.
    listed: AtomicBool,
    /// When it was last heard from, in seconds of the gateway's clock.
    heard: AtomicU32,
    /// The silence that ends the connection, in seconds.
    patience: u32,
    /// When it was last asked to go elsewhere, in seconds of the gateway's clock.
    asked: AtomicU32,
    /// Whether the cluster knows of a later connection of this edge, elsewhere.
    elsewhere: AtomicBool,
    /// The longest frame that it takes, in bytes.
    max_frame: u32,
    /// What the peer had read when its outbox was last seen to move, and when that was.
    moved: (AtomicU64, AtomicU32),
}

impl Peer {
    pub(crate) fn new(
        identity: Identity,
        epoch: Epoch,
        addr: SocketAddr,
        link: LinkHandle,
        terms: Terms,
    ) -> Self {
        let patience = Heartbeat::limit(Duration::from_millis(terms.heartbeat_ms.into()));
        Self {
            identity,
            epoch,
            addr,
            link,
            calls: Mutex::default(),
            access: Slot::default(),
            affinity: Affinity::default(),
            departed: Latch::default(),
            stage: AtomicU8::new(Stage::Joining as u8),
            listed: AtomicBool::new(false),
            heard: AtomicU32::new(u32::MAX),
            asked: AtomicU32::new(u32::MAX),
            elsewhere: AtomicBool::new(false),
            patience: u32::try_from(patience.as_secs()).unwrap_or(u32::MAX).max(1),
            max_frame: terms.max_frame,
            // Nothing that was ever seen: the first look starts the count.
            moved: (AtomicU64::new(u64::MAX), AtomicU32::new(0)),
        }
    }

    /// The same, with what it may do.
    pub(crate) fn admitted(self, access: Slot) -> Self {
        Self { access, ..self }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Joining,
            1 => Stage::Online,
            2 => Stage::Moved,
            3 => Stage::Leaving,
            _ => Stage::Gone,
        }
    }

    /// Whether questions go to it.
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.stage(), Stage::Online | Stage::Moved)
    }

    /// Moves on to a later stage. A stage that has passed does not come back.
    pub(crate) fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    pub(crate) fn list(&self) {
        self.listed.store(true, Ordering::Release);
    }

    /// Whether it was listed.
    pub(crate) fn delist(&self) -> bool {
        self.listed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn hear(&self, now: u32) {
        self.heard.store(now, Ordering::Relaxed);
    }

    /// It is asked to go elsewhere.
    pub(crate) fn ask(&self, now: u32) {
        self.asked.store(now, Ordering::SeqCst);
    }

    /// Whether it was ever asked to go elsewhere.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) != u32::MAX
    }

    /// Whether it was asked to in the last so many seconds.
    pub(crate) fn was_asked_within(&self, seconds: u32, now: u32) -> bool {
        let asked = self.asked.load(Ordering::SeqCst);
        asked != u32::MAX && now.saturating_sub(asked) <= seconds
    }

    /// The cluster knows of a later connection of this edge.
    pub(crate) fn set_elsewhere(&self) {
        self.elsewhere.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_elsewhere(&self) -> bool {
        self.elsewhere.load(Ordering::SeqCst)
    }

    /// Whether a frame of that many bytes may be sent to it.
    pub(crate) fn takes(&self, frame_len: usize) -> bool {
        frame_len <= self.max_frame as usize
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
            _ => None,
        }
    }

    /// The id as it stands on the wire. That of another gateway is only a number.
    pub(crate) fn wire_id(&self) -> u64 {
        match self.identity {
            Identity::Edge { id, .. } => id.0,
            Identity::Service { id, .. } => id.0,
            Identity::Forwarder { .. } | Identity::Holder { .. } | Identity::Lobby => self.epoch.0,
        }
    }

    /// A service's name, or the id of another gateway; empty for an edge.
    pub(crate) fn name(&self) -> &str {
        match &self.identity {
            Identity::Edge { .. } | Identity::Lobby => "",
            Identity::Service { name, .. } => name,
            Identity::Forwarder { id, .. } | Identity::Holder { id } => id,
        }
    }

    /// By what rules its frames are judged.
    pub(crate) fn side(&self) -> Side {
        match self.identity {
            Identity::Edge { .. } => Side::Dialler(Role::Edge),
            Identity::Service { .. } => Side::Dialler(Role::Service),
            Identity::Forwarder { .. } => Side::OriginGateway,
            Identity::Holder { .. } | Identity::Lobby => Side::OwnerGateway,
        }
    }

    pub(crate) fn is_service(&self) -> bool {
        matches!(self.identity, Identity::Service { .. })
    }

    /// Whether it is another gateway, which has the edges that it is asked for.
    pub(crate) fn is_holder(&self) -> bool {
        matches!(self.identity, Identity::Holder { .. })
    }

    /// Whether it is another gateway, which asks for its services.
    pub(crate) fn is_forwarder(&self) -> bool {
        matches!(self.identity, Identity::Forwarder { .. })
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

    /// Queues the frames behind which no question goes to `link` any more.
    pub(crate) fn seal(
        &mut self,
        link: &LinkHandle,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), PushError> {
        if link.seal(encode)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Parked, TERMS};
    use frontier_protocol::pong;

    async fn parked() -> Parked {
        Parked::new(&testing::exchange(), testing::edge(1), TERMS).await
    }

    #[tokio::test]
    async fn a_stage_that_has_passed_does_not_come_back() {
        let Parked { peer, .. } = parked().await;
        assert_eq!(peer.stage(), Stage::Joining);
        for (to, then) in [
            (Stage::Online, Stage::Online),
            (Stage::Moved, Stage::Moved),
            (Stage::Online, Stage::Moved),
            (Stage::Leaving, Stage::Leaving),
            (Stage::Online, Stage::Leaving),
            (Stage::Gone, Stage::Gone),
            (Stage::Leaving, Stage::Gone),
        ] {
            peer.advance(to);
            let takes = matches!(then, Stage::Online | Stage::Moved);
            assert_eq!((peer.stage(), peer.is_online()), (then, takes));
        }
    }

    #[tokio::test]
    async fn silence_counts_from_the_first_word() {
        let Parked { peer, .. } = parked().await;
        assert!(!peer.is_silent(1_000_000));
        peer.hear(100);
        assert!(!peer.is_silent(90) && !peer.is_silent(160));
        assert!(peer.is_silent(161));
    }

    #[tokio::test]
    async fn a_peer_is_stuck_when_what_waits_does_not_move_for_so_long() {
        let Parked { peer, link: _link } = parked().await;
        let queue = || {
            peer.link.send(Priority::Answer, |out| {
                pong(0, out);
                Ok(())
            })
        };
        queue().unwrap();
        // It has just come: however late it is, nothing has waited for long.
        assert!(!peer.is_stuck(1_000, 30));
        assert!(!peer.is_stuck(1_029, 30));
        assert!(peer.is_stuck(1_030, 30));
    }

    #[tokio::test]
    async fn an_idle_peer_is_never_stuck() {
        let Parked { peer, link: _link } = parked().await;
        assert!(!peer.is_stuck(0, 30) && !peer.is_stuck(1_000, 30) && !peer.is_stuck(9_000, 30));
    }

    #[test]
    fn an_idle_peer_is_small() {
        assert!(size_of::<Peer>() <= 352, "{} bytes", size_of::<Peer>());
    }
}
