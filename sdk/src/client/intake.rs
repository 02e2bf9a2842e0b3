//! Where what the other side begins goes to: calls, messages and streams.

use crate::Message;
use crate::connection::Job;
use crate::handler::Handler;
use crate::handlers::Handlers;
use crate::options::Options;
use crate::queue::Queue;
use crate::stream::Stream;
use frontier_protocol::Code;
use parking_lot::RwLock;
use std::sync::Arc;

/// Streams that were opened by the other side and that nobody has accepted yet: as many as a gateway has on one
/// connection unless told otherwise. All of them may be opened at once, before any task gets to accept one.
const ACCEPT_QUEUE: usize = 1024;

/// Where what the other side begins goes to. A client's own, or one that several clients share: then its
/// bounds are for all of them together.
pub(crate) struct Intake {
    pub(crate) methods: Methods,
    pub(crate) inbox: Queue<Message>,
    pub(crate) accepts: Queue<Stream>,
}

impl Intake {
    pub(crate) fn new(options: &Options, handlers: Handlers) -> Self {
        Self {
            methods: Methods::new(handlers),
            inbox: Queue::new(options.receive_queue),
            accepts: Queue::new(ACCEPT_QUEUE),
        }
    }

    /// Takes nothing more, and gives back what nobody has taken.
    pub(crate) fn close(&self) {
        self.accepts.close();
        for message in self.inbox.close() {
            message.receipt.settle(Code::Draining, 0, "");
        }
    }

    /// As [`close`](Self::close), and lets go of the handlers.
    pub(crate) fn finish(&self) {
        self.close();
        self.methods.clear();
    }
}

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
