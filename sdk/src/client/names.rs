use crate::connection::Job;
use crate::handler::Handler;
use ahash::AHashMap;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The handlers, by the method that each answers.
#[derive(Default)]
pub(crate) struct Methods(RwLock<AHashMap<Arc<str>, Arc<dyn Handler<Job>>>>);

impl Methods {
    pub(crate) fn get(&self, method: &str) -> Option<(Arc<str>, Arc<dyn Handler<Job>>)> {
        let methods = self.0.read();
        methods.get_key_value(method).map(|(name, handler)| (name.clone(), handler.clone()))
    }

    /// Puts a handler in place, and returns the one that was there.
    pub(crate) fn insert(
        &self,
        method: &str,
        handler: Arc<dyn Handler<Job>>,
    ) -> Option<Arc<dyn Handler<Job>>> {
        self.0.write().insert(method.into(), handler)
    }

    pub(crate) fn remove(&self, method: &str) -> Option<Arc<dyn Handler<Job>>> {
        self.0.write().remove(method)
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.0.read().keys().cloned().collect()
    }

    /// Lets go of all handlers, and of what they hold.
    pub(crate) fn clear(&self) {
        // Dropped outside the lock: what a handler holds may call back when dropped.
        let all = std::mem::take(&mut *self.0.write());
        drop(all);
    }
}

/// The topics that a service takes, which every new connection starts with.
#[derive(Default)]
pub(crate) struct Topics(Mutex<BTreeSet<String>>);

impl Topics {
    pub(crate) fn new(topics: impl IntoIterator<Item = String>) -> Self {
        Self(Mutex::new(topics.into_iter().collect()))
    }

    /// Whether it was not there.
    pub(crate) fn insert(&self, topic: &str) -> bool {
        self.0.lock().insert(topic.into())
    }

    pub(crate) fn remove(&self, topic: &str) {
        self.0.lock().remove(topic);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }
}
