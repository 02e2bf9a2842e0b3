//! A directory that can be switched off.

use frontlas::directory::Answer;
use frontlas::{
    Changes, Directory, DirectoryError, Edge, Event, Frontier, Incarnation, Kind, Lease, Mark,
    MemoryDirectory, NewFrontier, Page, Position, Presence, Service, Timestamp, Verdict,
};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Words that must not come out of the API: they name a host.
pub(crate) const SECRET: &str = "redis.internal:6379 refused";

/// What the directory does.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum State {
    Answers,
    Fails,
    Hangs,
}

/// A directory in memory behind a switch.
pub(crate) struct Switch {
    pub(crate) inner: MemoryDirectory,
    state: AtomicU8,
}

impl Switch {
    pub(crate) fn new(inner: MemoryDirectory) -> Self {
        Self { inner, state: AtomicU8::new(State::Answers as u8) }
    }

    pub(crate) fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::SeqCst);
    }

    fn gate<'a, T: Send + 'a>(&self, answer: Answer<'a, T>) -> Answer<'a, T> {
        match self.state.load(Ordering::SeqCst) {
            0 => answer,
            1 => Box::pin(async { Err(DirectoryError::Unavailable(SECRET.to_owned())) }),
            _ => Box::pin(std::future::pending()),
        }
    }
}

impl Directory for Switch {
    fn ttl(&self) -> Duration {
        self.inner.ttl()
    }
    fn time(&self) -> Answer<'_, Timestamp> {
        self.gate(self.inner.time())
    }
    fn join<'a>(&'a self, frontier: &'a NewFrontier, incarnation: Option<Incarnation>) -> Answer<'a, Lease> {
        self.gate(self.inner.join(frontier, incarnation))
    }
    fn last_incarnation<'a>(&'a self, frontier: &'a str) -> Answer<'a, Option<Incarnation>> {
        self.gate(self.inner.last_incarnation(frontier))
    }
    fn apply<'a>(&'a self, lease: &'a Lease, events: &'a [Event]) -> Answer<'a, Vec<Verdict>> {
        self.gate(self.inner.apply(lease, events))
    }
    fn refresh<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.gate(self.inner.refresh(lease))
    }
    fn resync_begin<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.gate(self.inner.resync_begin(lease))
    }
    fn resync_chunk<'a>(&'a self, lease: &'a Lease, present: &'a [Presence]) -> Answer<'a, Vec<Verdict>> {
        self.gate(self.inner.resync_chunk(lease, present))
    }
    fn resync_end<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.gate(self.inner.resync_end(lease))
    }
    fn mark<'a>(&'a self, lease: &'a Lease, mark: Mark) -> Answer<'a, ()> {
        self.gate(self.inner.mark(lease, mark))
    }
    fn leave<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.gate(self.inner.leave(lease))
    }
    fn frontiers(&self) -> Answer<'_, Vec<Frontier>> {
        self.gate(self.inner.frontiers())
    }
    fn frontiers_by_id<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<Option<Frontier>>> {
        self.gate(self.inner.frontiers_by_id(ids))
    }
    fn frontiers_by_edge<'a>(&'a self, edge_ids: &'a [u64]) -> Answer<'a, Vec<Option<Frontier>>> {
        self.gate(self.inner.frontiers_by_edge(edge_ids))
    }
    fn edges(&self, from: u64, count: usize) -> Answer<'_, Page<Edge>> {
        self.gate(self.inner.edges(from, count))
    }
    fn edges_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Edge>>> {
        self.gate(self.inner.edges_by_id(ids))
    }
    fn services(&self, from: u64, count: usize) -> Answer<'_, Page<Service>> {
        self.gate(self.inner.services(from, count))
    }
    fn services_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Service>>> {
        self.gate(self.inner.services_by_id(ids))
    }
    fn count(&self, kind: Kind) -> Answer<'_, u64> {
        self.gate(self.inner.count(kind))
    }
    fn position(&self) -> Answer<'_, Position> {
        self.gate(self.inner.position())
    }
    fn changes(&self, since: Position, limit: usize) -> Answer<'_, Changes> {
        self.gate(self.inner.changes(since, limit))
    }
    fn check(&self) -> Answer<'_, ()> {
        self.gate(self.inner.check())
    }
    fn sweep(&self) -> Answer<'_, usize> {
        self.gate(self.inner.sweep())
    }
}
