//! The handlers that run on a connection.

use ahash::AHashMap;
use parking_lot::Mutex;
use std::collections::hash_map::Entry;
use tokio::task::AbortHandle;

/// The handlers that run, by the id of the request.
#[derive(Default)]
pub(super) struct Running(Mutex<AHashMap<u64, Option<AbortHandle>>>);

/// Why a request gets no place.
#[derive(Debug)]
pub(super) enum ReserveError {
    Full,
    /// Its id has one already.
    Duplicate,
}

impl Running {
    /// Takes one of `limit` places for a handler that is about to start, and returns how many are taken.
    pub(super) fn reserve(&self, id: u64, limit: usize) -> Result<usize, ReserveError> {
        let mut running = self.0.lock();
        let taken = running.len();
        if taken >= limit {
            return Err(ReserveError::Full);
        }
        match running.entry(id) {
            Entry::Occupied(_) => Err(ReserveError::Duplicate),
            Entry::Vacant(place) => {
                place.insert(None);
                Ok(taken + 1)
            }
        }
    }

    /// Remembers how to abort the handler `id`, unless it is done already.
    pub(super) fn started(&self, id: u64, abort: AbortHandle) {
        if let Some(place) = self.0.lock().get_mut(&id) {
            *place = Some(abort);
        }
    }

    pub(super) fn done(&self, id: u64) {
        self.0.lock().remove(&id);
    }

    /// Drops the future of the handler `id`, if it runs.
    pub(super) fn abort(&self, id: u64) {
        let abort = self.0.lock().get_mut(&id).and_then(Option::take);
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    pub(super) fn abort_all(&self) {
        let all: Vec<AbortHandle> = self.0.lock().values_mut().filter_map(Option::take).collect();
        all.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}
