//! The handlers that run on a connection.

use ahash::AHashMap;
use parking_lot::Mutex;
use std::collections::hash_map::Entry;
use tokio::task::AbortHandle;

/// The handlers that run, by the id of the request.
#[derive(Default)]
pub(super) struct Running(Mutex<AHashMap<u64, Place>>);

/// One of them.
enum Place {
    /// It is about to start, or in its first poll, which may happen on another thread.
    Starting,
    Started(AbortHandle),
    /// Nobody waits for it any more. Where it was starting, it ends when it has started.
    Aborted,
}

impl Place {
    fn abort(&mut self) -> Option<AbortHandle> {
        match std::mem::replace(self, Self::Aborted) {
            Self::Started(abort) => Some(abort),
            Self::Starting | Self::Aborted => None,
        }
    }
}

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
                place.insert(Place::Starting);
                Ok(taken + 1)
            }
        }
    }

    /// Remembers how to abort the handler `id`, unless it is done already.
    pub(super) fn started(&self, id: u64, abort: AbortHandle) {
        let mut running = self.0.lock();
        match running.get_mut(&id) {
            Some(place @ Place::Starting) => *place = Place::Started(abort),
            Some(Place::Aborted) => {
                drop(running);
                abort.abort();
            }
            Some(Place::Started(_)) | None => {}
        }
    }

    pub(super) fn done(&self, id: u64) {
        self.0.lock().remove(&id);
    }

    /// Drops the future of the handler `id`, if it runs.
    pub(super) fn abort(&self, id: u64) {
        let abort = self.0.lock().get_mut(&id).and_then(Place::abort);
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    pub(super) fn abort_all(&self) {
        let all: Vec<AbortHandle> = self.0.lock().values_mut().filter_map(Place::abort).collect();
        all.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_request_that_is_cancelled_while_its_handler_starts_ends_once_it_has_started() {
        let running = Running::default();
        running.reserve(1, 2).unwrap();
        running.reserve(2, 2).unwrap();
        running.abort(1);
        running.abort_all();
        for id in [1, 2] {
            let task = tokio::spawn(pending::<()>());
            running.started(id, task.abort_handle());
            assert!(task.await.unwrap_err().is_cancelled());
            running.done(id);
        }
        assert_eq!(running.len(), 0);
    }

    #[tokio::test]
    async fn an_id_is_used_once_at_a_time_and_done_before_it_has_started() {
        let running = Running::default();
        assert_eq!(running.reserve(1, 1).unwrap(), 1);
        assert!(matches!(running.reserve(2, 1), Err(ReserveError::Full)));
        assert!(matches!(running.reserve(1, 2), Err(ReserveError::Duplicate)));
        running.done(1);
        // The next request with the id is another one.
        let task = tokio::spawn(pending::<()>());
        running.started(1, task.abort_handle());
        running.abort_all();
        assert!(!task.is_finished());
        task.abort();
    }
}
