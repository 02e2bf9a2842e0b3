//! How much is kept.

use frontier_sessions::StoreError;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one request, response or client takes beside its own bytes: keys, and what the trees have around them.
pub(crate) const ITEM: u64 = 128;

/// What all sessions take, in bytes: what is on disk, and what waits in memory for its commit.
#[derive(Debug)]
pub(crate) struct Room {
    size: u64,
    taken: AtomicU64,
}

impl Room {
    pub(crate) fn new(size: u64, taken: u64) -> Self {
        Self { size, taken: AtomicU64::new(taken) }
    }

    /// Room for so many bytes more.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), StoreError> {
        let fits = |taken: u64| taken.checked_add(bytes).filter(|taken| *taken <= self.size);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map(drop).map_err(|_| StoreError::Full)
    }

    pub(crate) fn give(&self, bytes: u64) {
        self.change(0, bytes);
    }

    /// Takes, whether there is room or not, and gives.
    pub(crate) fn change(&self, taken: u64, given: u64) {
        let changed = |now: u64| Some(now.saturating_add(taken).saturating_sub(given));
        // It always changes something.
        let _ = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}
