//! The methods that this end of a stream takes, and the calls that run.

use super::error::StreamError;
use super::request::{StreamRequest, StreamResponse};
use crate::HandlerError;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio::task::AbortHandle;

pub(super) type Handler = Arc<dyn Fn(StreamRequest) -> BoxFuture<'static, Answer> + Send + Sync>;
pub(super) type Answer = Result<StreamResponse, StreamError>;

/// The methods that this end takes, and the calls that it is at.
#[derive(Default)]
pub(super) struct Served {
    pub(super) methods: Mutex<HashMap<String, Handler>>,
    /// By the caller's id; `max_calls` at most.
    pub(super) running: Mutex<HashMap<u64, AbortHandle>>,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("running", &self.running.lock().len()).finish_non_exhaustive()
    }
}

impl Served {
    pub(super) fn register<F, Fut>(&self, method: String, handler: F)
    where
        F: Fn(StreamRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<StreamResponse, HandlerError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| handler(request).map_err(StreamError::from).boxed());
        let before = self.methods.lock().insert(method, handler);
        drop(before);
    }

    /// The caller no longer wants the answer.
    pub(super) fn cancel(&self, id: u64) {
        if let Some(task) = self.running.lock().remove(&id) {
            task.abort();
        }
    }

    pub(super) fn abort_all(&self) {
        self.running.lock().drain().for_each(|(_, task)| task.abort());
    }

    #[cfg(test)]
    pub(super) fn running_calls(&self) -> usize {
        self.running.lock().len()
    }

    /// Forgets the handlers. The caller drops them with no lock held.
    pub(super) fn take_methods(&self) -> impl Sized {
        std::mem::take(&mut *self.methods.lock())
    }
}
