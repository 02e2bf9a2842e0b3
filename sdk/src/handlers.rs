//! The table of handlers.

use crate::connection::Job;
use crate::handler::Handler;
use ahash::AHashMap;
use std::fmt;
use std::sync::Arc;

/// Handlers, by the method that each answers.
#[derive(Clone, Default)]
pub(crate) struct Handlers(AHashMap<Arc<str>, Arc<dyn Handler<Job>>>);

impl Handlers {
    pub(crate) fn get(&self, method: &str) -> Option<(Arc<str>, Arc<dyn Handler<Job>>)> {
        self.0.get_key_value(method).map(|(name, handler)| (name.clone(), handler.clone()))
    }

    /// Puts a handler in place, and returns the one that was there.
    pub(crate) fn insert(
        &mut self,
        method: &str,
        handler: Arc<dyn Handler<Job>>,
    ) -> Option<Arc<dyn Handler<Job>>> {
        self.0.insert(method.into(), handler)
    }

    pub(crate) fn remove(&mut self, method: &str) -> Option<Arc<dyn Handler<Job>>> {
        self.0.remove(method)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
