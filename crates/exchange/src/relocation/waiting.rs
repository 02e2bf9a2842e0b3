//! Edges that have left, or should leave, for another gateway, and until when they are waited for.

use crate::{Peer, Stage};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Those that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Relocations {
    /// Whether there is a directory that will name later connections.
    has_directory: AtomicBool,
    waiting: Mutex<Vec<(Instant, Arc<Peer>)>>,
}

impl Relocations {
    /// Waits for `edge`, and for `timeout` at most.
    pub(super) fn wait(&self, edge: &Arc<Peer>, timeout: Duration) {
        self.waiting.lock().push((Instant::now() + timeout, edge.clone()));
    }

    pub(super) fn has_directory(&self) -> bool {
        self.has_directory.load(Ordering::SeqCst)
    }

    pub(super) fn set_has_directory(&self, has_directory: bool) {
        self.has_directory.store(has_directory, Ordering::SeqCst);
    }

    /// Those for whom `is_due` says so, which are waited for no longer. Nor are those that have left.
    pub(super) fn take_due(&self, is_due: impl Fn(Instant, &Peer) -> bool) -> Vec<Arc<Peer>> {
        let mut due = Vec::new();
        self.waiting.lock().retain(|(until, edge)| {
            if edge.stage() >= Stage::Leaving {
                return false;
            }
            let is_due = is_due(*until, edge);
            if is_due {
                due.push(edge.clone());
            }
            !is_due
        });
        due
    }
}
