use super::{Connection, Job};
use crate::Request;
use crate::handler::Handler;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Requests that wait because as many handlers run as may.
///
/// Bounded by as many again; beyond that requests are refused at once, as overloaded.
pub(super) struct Backlog {
    connection: Arc<Connection>,
    max_running: usize,
    waiting: VecDeque<Queued>,
}

/// A request that is known to have a handler and a place.
pub(super) struct Queued {
    pub(super) id: u64,
    pub(super) handler: Arc<dyn Handler<Job>>,
    pub(super) request: Request,
    pub(super) job: Job,
}

impl Backlog {
    pub(super) fn new(connection: Arc<Connection>, max_running: usize) -> Self {
        Self { connection, max_running, waiting: VecDeque::new() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.connection.running.len() >= 2 * self.max_running
    }

    /// Starts the handler, or queues the request until one may start.
    pub(super) fn push(&mut self, queued: Queued) {
        self.waiting.push_back(queued);
        self.start();
        if !self.waiting.is_empty() {
            // The end of a handler wakes the connection's task from now on, which starts the next.
            self.connection.is_watched.store(true, Ordering::SeqCst);
        }
    }

    /// Starts as many handlers as may run.
    pub(super) fn start(&mut self) {
        while !self.waiting.is_empty()
            && self.connection.running.len() - self.waiting.len() < self.max_running
            && let Some(Queued { id, handler, request, job }) = self.waiting.pop_front()
        {
            if let Some(abort) = handler.start(request, job) {
                self.connection.running.started(id, abort);
            }
        }
    }

    /// Forgets the request `id`, running or waiting.
    pub(super) fn cancel(&mut self, id: u64) {
        self.connection.running.abort(id);
        self.waiting.retain(|queued| queued.id != id);
    }
}
