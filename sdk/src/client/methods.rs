use crate::connection::Job;
use crate::handler::Handler;
use crate::handlers::Handlers;
use parking_lot::RwLock;
use std::sync::Arc;

/// The handlers that a client has now.
pub(crate) struct Methods(RwLock<Handlers>);

impl Methods {
    pub(crate) fn new(handlers: Handlers) -> Self {
        Self(RwLock::new(handlers))
    }

    pub(crate) fn get(&self, method: &str) -> Option<(Arc<str>, Arc<dyn Handler<Job>>)> {
        self.0.read().get(method)
    }

    /// Puts a handler in place, and returns the one that was there.
    pub(crate) fn insert(
        &self,
        method: &str,
        handler: Arc<dyn Handler<Job>>,
    ) -> Option<Arc<dyn Handler<Job>>> {
        self.0.write().insert(method, handler)
    }

    pub(crate) fn remove(&self, method: &str) -> Option<Arc<dyn Handler<Job>>> {
        self.0.write().remove(method)
    }

    /// Lets go of all handlers, and of what they hold.
    pub(crate) fn clear(&self) {
        // Dropped outside the lock: what a handler holds may call back when dropped.
        let all = std::mem::take(&mut *self.0.write());
        drop(all);
    }
}
