//! Requests that wait for a handler to end.

use super::running::ReserveError;
use super::timers::Clock;
use super::{Connection, Job};
use crate::Request;
use crate::handler::Handler;
use crate::kept::kept;
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

    /// Takes a place for the request `id`, and returns how many are taken then.
    pub(super) fn reserve(&self, id: u64) -> Result<usize, ReserveError> {
        self.connection.running.reserve(id, 2 * self.max_running)
    }

    /// Starts the handler, or queues the request until one may start. With its own so many places are
    /// `taken`.
    pub(super) fn push(&mut self, queued: Queued, taken: usize, clock: &mut Clock) {
        if self.waiting.is_empty() && taken <= self.max_running {
            return self.run(queued, clock);
        }
        let Request { data, custom, .. } = queued.request;
        let request = Request { data: kept(data), custom: kept(custom), ..queued.request };
        self.waiting.push_back(Queued { request, ..queued });
        // The end of a handler wakes the connection's task from now on, which starts the next.
        self.connection.is_watched.store(true, Ordering::SeqCst);
        self.start(clock);
    }

    /// Starts as many handlers as may run.
    pub(super) fn start(&mut self, clock: &mut Clock) {
        while !self.waiting.is_empty()
            && self.connection.running.len() - self.waiting.len() < self.max_running
            && let Some(queued) = self.waiting.pop_front()
        {
            self.run(queued, clock);
        }
    }

    fn run(&self, Queued { id, handler, request, job }: Queued, clock: &mut Clock) {
        if let Some(abort) = handler.start(request, job, clock.now()) {
            self.connection.running.started(id, abort);
        }
    }

    /// Forgets the request `id`, running or waiting.
    pub(super) fn cancel(&mut self, id: u64) {
        self.connection.running.abort(id);
        self.waiting.retain(|queued| queued.id != id);
    }
}
