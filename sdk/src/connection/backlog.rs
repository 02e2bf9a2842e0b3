//! Requests that wait for a handler to end.

use super::runner::Runner;
use super::running::ReserveError;
use super::timers::Clock;
use super::{Connection, Job};
use crate::Request;
use crate::client::Client;
use crate::handler::Handler;
use crate::kept::kept;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Requests that wait because as many handlers run as may.
///
/// Bounded by as many again; beyond that requests are refused at once, as overloaded.
pub(super) struct Backlog {
    client: Arc<Client>,
    connection: Arc<Connection>,
    waiting: VecDeque<Queued>,
    /// Runs the quick handlers, if they must not run in the connection's task.
    runner: Option<Arc<Runner>>,
    /// Requests that it got since the last read.
    run: u32,
}

/// A request that is known to have a handler and a place.
pub(super) struct Queued {
    pub(super) id: u64,
    pub(super) handler: Arc<dyn Handler<Job>>,
    pub(super) request: Request,
    pub(super) job: Job,
}

impl Backlog {
    pub(super) fn new(client: Arc<Client>, connection: Arc<Connection>) -> Self {
        let is_apart = client.executor.is_apart();
        let runner = is_apart.then(|| Arc::new(Runner::new(client.clone(), connection.clone())));
        Self { client, connection, waiting: VecDeque::new(), runner, run: 0 }
    }

    fn max_running(&self) -> usize {
        self.client.options.max_handlers
    }

    /// Takes a place for the request `id`, and returns how many are taken then.
    pub(super) fn reserve(&self, id: u64) -> Result<usize, ReserveError> {
        self.connection.running.reserve(id, 2 * self.max_running())
    }

    /// Starts the handler, or queues the request until one may start. With its own so many places are
    /// `taken`.
    pub(super) fn push(&mut self, queued: Queued, taken: usize, clock: &mut Clock) {
        if self.waiting.is_empty() && taken <= self.max_running() {
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
            && self.connection.running.len() - self.waiting.len() < self.max_running()
            && let Some(queued) = self.waiting.pop_front()
        {
            self.run(queued, clock);
        }
    }

    fn run(&mut self, queued: Queued, clock: &mut Clock) {
        match &self.runner {
            Some(runner) if queued.handler.is_quick() => {
                self.run += 1;
                runner.push(queued);
            }
            _ => {
                queued.start(&self.connection, clock.now(), self.client.executor.user());
            }
        }
    }

    /// All frames of one read are dealt with. How many requests went to quick handlers.
    pub(super) fn batch_ended(&mut self) -> u32 {
        if let Some(runner) = &self.runner {
            runner.wake();
        }
        std::mem::take(&mut self.run)
    }

    /// When to [`check`](Self::check) that no handler holds up the others.
    pub(super) fn next_check(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        self.runner.as_ref()?.next_check(now)
    }

    pub(super) fn check(&self, now: Instant) {
        if let Some(runner) = &self.runner {
            runner.check(now);
        }
    }

    /// Forgets the request `id`, running or waiting.
    pub(super) fn cancel(&mut self, id: u64) {
        self.connection.running.abort(id);
        self.waiting.retain(|queued| queued.id != id);
        if let Some(runner) = &self.runner {
            runner.cancel(id);
        }
    }
}

impl Queued {
    /// Starts the handler. Whether it goes on in a task.
    pub(super) fn start(self, connection: &Connection, clock: &mut Instant, runtime: &Handle) -> bool {
        let Self { id, handler, request, job } = self;
        let abort = handler.start(request, job, clock, runtime);
        let goes_on = abort.is_some();
        if let Some(abort) = abort {
            connection.running.started(id, abort);
        }
        goes_on
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        if let Some(runner) = &self.runner {
            runner.end();
        }
    }
}
