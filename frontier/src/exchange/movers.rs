//! Edges that are on their way to another gateway of the cluster.
//!
//! ```text
//!   asked to go ── connects elsewhere ──▶ says goodbye ──▶ Moved: still reached here
//!        │                                                   │ frontlas tells that it is elsewhere,
//!        │                                                   ▼ or nobody tells in time
//!        └── frontlas tells that it is elsewhere ──▶ … ──▶ let go
//! ```
//!
//! Whoever looks for an edge finds it at the gateway that the directory names. So an edge that has left for
//! another one is kept here until the directory names that one: between the two it is reached at both.

use super::Exchange;
use crate::peer::{Peer, Stage, Wakes};
use frontier_transport::CloseReason;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{debug, info};

/// How long frontlas may take to tell that an edge is elsewhere.
const UNTOLD: Duration = Duration::from_secs(5);

/// How long an edge that is elsewhere, and was asked to be, may take to say goodbye.
const WORDLESS: Duration = Duration::from_secs(10);

/// Those that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Movers {
    /// Whether there is a frontlas that will tell.
    is_told: AtomicBool,
    waiting: Mutex<Vec<(Instant, Arc<Peer>)>>,
}

impl Movers {
    fn wait(&self, edge: &Arc<Peer>, patience: Duration) {
        self.waiting.lock().push((Instant::now() + patience, edge.clone()));
    }

    fn is_told(&self) -> bool {
        self.is_told.load(Ordering::SeqCst)
    }
}

impl Exchange {
    /// Whether frontlas tells of edges that are elsewhere, from here on. If it does not, those that wait for
    /// that are let go.
    pub(crate) fn set_told(&self, is_told: bool) {
        self.movers.is_told.store(is_told, Ordering::SeqCst);
        if !is_told {
            self.let_movers_go(|_, edge| edge.stage() == Stage::Moved);
        }
    }

    /// An edge says that it has another connection, and wants to leave. Whether it is kept for now.
    pub(super) fn keeps_mover(&self, edge: &Arc<Peer>) -> bool {
        if !self.movers.is_told() || edge.is_elsewhere() {
            return false;
        }
        edge.advance(Stage::Moved);
        self.movers.wait(edge, UNTOLD);
        // Looked at again: it may have been told of before the stage was seen.
        self.movers.is_told() && !edge.is_elsewhere()
    }

    /// Frontlas tells that this connection has been replaced by a later one, elsewhere.
    pub(crate) fn found_elsewhere(&self, edge: &Arc<Peer>) {
        let (id, addr) = (edge.wire_id(), edge.addr);
        if !edge.was_asked() {
            info!(edge = id, %addr, "edge has moved to another frontier");
            return edge.link.close(CloseReason::Superseded);
        }
        debug!(edge = id, %addr, "edge has moved, as it was asked to");
        edge.set_elsewhere();
        if edge.stage() == Stage::Moved {
            Self::let_go(edge, &mut Wakes::default());
        } else {
            self.movers.wait(edge, WORDLESS);
        }
    }

    /// Waits no longer for those that have had their time.
    pub(crate) fn sweep_movers(&self, now: Instant) {
        self.let_movers_go(|until, _| until <= now);
    }

    fn let_movers_go(&self, is_due: impl Fn(Instant, &Peer) -> bool) {
        let mut due = Vec::new();
        self.movers.waiting.lock().retain(|(until, edge)| {
            if edge.stage() >= Stage::Leaving {
                return false;
            }
            let is_due = is_due(*until, edge);
            if is_due {
                due.push(edge.clone());
            }
            !is_due
        });
        let mut wakes = Wakes::default();
        for edge in due {
            match edge.stage() {
                Stage::Moved => Self::let_go(&edge, &mut wakes),
                // It says nothing: what is left of it is a connection that nobody uses.
                _ => edge.link.close(CloseReason::Superseded),
            }
        }
    }
}
