//! Edges that are on their way to another gateway of the cluster.
//!
//! ```text
//!   asked to go ── connects elsewhere ──▶ leaves ──▶ Moved: still reached here
//!        │                                             │ the directory names its later connection,
//!        │                                             ▼ or does not in time
//!        └── the directory names a later connection ──▶ … ──▶ let go
//! ```
//!
//! Whoever looks for an edge finds it at the gateway that the directory names. So an edge that has left for another one
//! is kept here until the directory names that one: between the two it is reached at both.

mod waiting;

pub(crate) use waiting::Relocations;

use crate::outlet::CloseReason;
use crate::{Exchange, Peer, Stage};
use frontier_protocol::Code;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;
use tracing::field::display;

/// How long the directory may take to name the later connection of an edge that has left.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an edge that was asked to go, and is elsewhere, may take to leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What an edge is told that the directory has elsewhere. Not that it is superseded, which is final: that is for this
/// gateway to say, of what it has seen itself. Whoever is told so connects again, and if it was not elsewhere, all is well.
fn elsewhere() -> CloseReason {
    CloseReason::Refused(Code::Disconnected, "this id has connected to another gateway of the cluster".into())
}

impl Exchange {
    /// Whether a directory names later connections of edges, from here on. If there is none, those that wait for that
    /// are let go.
    pub fn set_has_directory(&self, has_directory: bool) {
        self.relocations.set_has_directory(has_directory);
        if !has_directory {
            self.end_relocations(|_, edge| edge.stage() == Stage::Moved);
        }
    }

    /// An edge says that it has another connection, and wants to leave. Whether it is kept for now.
    pub(crate) fn keeps_moved(&self, edge: &Arc<Peer>) -> bool {
        if !self.relocations.has_directory() || edge.is_relocated() {
            return false;
        }
        edge.advance(Stage::Moved);
        self.relocations.wait(edge, CONFIRMATION_TIMEOUT);
        // Looked at again: it may have been named before the stage was seen.
        self.relocations.has_directory() && !edge.is_relocated()
    }

    /// The directory names a later connection of this edge, at another gateway.
    pub fn relocated(&self, edge: &Arc<Peer>) {
        let (id, addr) = (edge.number(), edge.addr().map(display));
        if !edge.was_asked_to_move() {
            self.log_moved(edge);
            return edge.outlet().close(elsewhere());
        }
        debug!(edge = id, addr, "edge has moved, as it was asked to");
        edge.set_relocated();
        if edge.stage() == Stage::Moved {
            self.let_go(edge, &mut self.batch());
        } else {
            self.relocations.wait(edge, LEAVE_TIMEOUT);
        }
    }

    /// The directory does not let this edge displace the connection that holds its id, at another gateway.
    pub fn held_elsewhere(&self, edge: &Peer) {
        self.log_held(edge);
        let text = "this id is held by a connection at another gateway of the cluster, which came since or has \
                    stronger credentials";
        edge.outlet().close(CloseReason::Refused(Code::Disconnected, text.into()));
    }

    /// Waits no longer for those that have had their time.
    pub(crate) fn sweep_relocations(&self, now: Instant) {
        self.end_relocations(|until, _| until <= now);
    }

    fn end_relocations(&self, is_due: impl Fn(Instant, &Peer) -> bool) {
        let due = self.relocations.take_due(is_due);
        let mut batch = self.batch();
        for edge in due {
            match edge.stage() {
                Stage::Moved => self.let_go(&edge, &mut batch),
                // It says nothing: what is left of it is a connection that nobody uses.
                _ => edge.outlet().close(elsewhere()),
            }
        }
    }
}
