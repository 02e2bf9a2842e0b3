//! Walking through all who are here, some hundreds at a time, so that nobody waits for it but who asked.

use frontier_admin::ApiError;
use frontier_exchange::{Exchange, Peer};
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

/// How many lists walk at once. Each keeps a thread busy that calls could have.
const AT_ONCE: usize = 2;

/// How many more may wait for their turn.
const MAX_WAITING: usize = 256;

/// Who may walk.
#[derive(Debug)]
pub(super) struct Walks {
    walking: Semaphore,
    waiting: Semaphore,
}

impl Default for Walks {
    fn default() -> Self {
        Self { walking: Semaphore::new(AT_ONCE), waiting: Semaphore::new(AT_ONCE + MAX_WAITING) }
    }
}

impl Walks {
    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), ApiError> {
        let waiting = self.waiting.try_acquire();
        let waiting = waiting.map_err(|_| ApiError::TooManyLists(AT_ONCE + MAX_WAITING))?;
        // Neither is ever closed.
        let walking = self.walking.acquire().await.map_err(|_| ApiError::Internal)?;
        Ok((walking, waiting))
    }
}

/// Of whom a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Edges, the newest or the oldest first.
    Edges {
        newest_first: bool,
    },
    Services,
}

/// Epochs from the first one to the last one, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epochs(pub(super) u64, pub(super) u64);

impl Epochs {
    pub(super) const ALL: Self = Self(0, u64::MAX);

    pub(super) fn contains(self, epoch: u64) -> bool {
        (self.0..=self.1).contains(&epoch)
    }

    /// What is left of it behind that epoch.
    pub(super) fn behind(self, epoch: u64, newest_first: bool) -> (Bound<u64>, Bound<u64>) {
        let Self(first, last) = self;
        match newest_first {
            true => (
                Bound::Included(first),
                if epoch <= last { Bound::Excluded(epoch) } else { Bound::Included(last) },
            ),
            false => (
                if epoch >= first { Bound::Excluded(epoch) } else { Bound::Included(first) },
                Bound::Included(last),
            ),
        }
    }

    pub(super) fn bounds(self) -> (Bound<u64>, Bound<u64>) {
        (Bound::Included(self.0), Bound::Included(self.1))
    }
}

/// Calls `visit` with each who can be reached, for as long as it says that there is more to see.
pub(super) async fn walk(
    exchange: &Exchange,
    who: Who,
    epochs: Epochs,
    mut visit: impl FnMut(&Arc<Peer>) -> bool,
) {
    let (mut left, mut after) = (epochs.bounds(), None);
    loop {
        let slice = match who {
            Who::Edges { newest_first } => exchange.edge_slice(left, newest_first, usize::MAX),
            Who::Services => exchange.service_slice(after),
        };
        let Some(last) = slice.last() else { return };
        after = Some(last.number());
        if let Who::Edges { newest_first } = who {
            left = epochs.behind(last.epoch().0, newest_first);
        }
        let mut here = slice.iter().filter(|peer| peer.is_listed() && epochs.contains(peer.epoch().0));
        if !here.all(&mut visit) {
            return;
        }
        drop(slice);
        yield_now().await;
    }
}
