use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

/// The handlers that run, by the id of the request.
#[derive(Default)]
pub(super) struct Running(Mutex<AHashMap<u64, Option<AbortHandle>>>);

impl Running {
    /// Takes a place for a handler that is about to start. `false` if that id has one already.
    pub(super) fn reserve(&self, id: u64) -> bool {
        let mut running = self.0.lock();
        let is_new = !running.contains_key(&id);
        if is_new {
            running.insert(id, None);
        }
        is_new
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
