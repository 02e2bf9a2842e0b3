//! A directory in memory that fails or hangs when a test says so.

use frontlas::directory::Answer;
use frontlas::{
    Bounds, Changes, Directory, DirectoryError, Edge, Event, Frontier, Incarnation, Kind, Lease, Lifetimes,
    Mark, MemoryDirectory, NewFrontier, Page, Position, Presence, Service, Timestamp, Verdict,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// How a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    /// It says that it can't.
    Failing,
    /// It says nothing.
    Hanging,
}

/// A directory whose store fails when the test says so.
pub(crate) struct Moody {
    pub(crate) inner: MemoryDirectory,
    mood: Mutex<Mood>,
}

impl Moody {
    pub(crate) fn new(alive: Duration) -> Arc<Self> {
        let lifetimes = Lifetimes { alive, edge_meta: alive, service_meta: alive, ..Lifetimes::default() };
        Arc::new(Self { inner: MemoryDirectory::new(lifetimes), mood: Mutex::new(Mood::Fine) })
    }

    pub(crate) fn bounded(bounds: Bounds) -> Arc<Self> {
        let inner = MemoryDirectory::new(Lifetimes::default()).bounded(bounds);
        Arc::new(Self { inner, mood: Mutex::new(Mood::Fine) })
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn now<'a, T: Send + 'a>(&'a self, fine: impl FnOnce() -> Answer<'a, T>) -> Answer<'a, T> {
        let mood = *self.mood.lock();
        match mood {
            Mood::Fine => fine(),
            Mood::Failing => {
                Box::pin(std::future::ready(Err(DirectoryError::Unavailable("no store".into()))))
            }
            Mood::Hanging => Box::pin(std::future::pending()),
        }
    }
}

macro_rules! pass_on {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Directory for Moody {
            fn ttl(&self) -> Duration {
                self.inner.ttl()
            }

            $(fn $name<'a>(&'a self, $($arg: $type),*) -> Answer<'a, $answer> {
                self.now(|| self.inner.$name($($arg),*))
            })*
        }
    };
}

pass_on! {
    fn time() -> Timestamp;
    fn join(frontier: &'a NewFrontier, incarnation: Option<Incarnation>) -> Lease;
    fn last_incarnation(frontier: &'a str) -> Option<Incarnation>;
    fn apply(lease: &'a Lease, events: &'a [Event]) -> Vec<Verdict>;
    fn refresh(lease: &'a Lease) -> ();
    fn resync_begin(lease: &'a Lease) -> ();
    fn resync_chunk(lease: &'a Lease, present: &'a [Presence]) -> Vec<Verdict>;
    fn resync_end(lease: &'a Lease) -> ();
    fn mark(lease: &'a Lease, mark: Mark) -> ();
    fn leave(lease: &'a Lease) -> ();
    fn frontiers() -> Vec<Frontier>;
    fn frontiers_by_id(ids: &'a [String]) -> Vec<Option<Frontier>>;
    fn frontiers_by_edge(ids: &'a [u64]) -> Vec<Option<Frontier>>;
    fn edges(from: u64, count: usize) -> Page<Edge>;
    fn edges_by_id(ids: &'a [u64]) -> Vec<Option<Edge>>;
    fn services(from: u64, count: usize) -> Page<Service>;
    fn services_by_id(ids: &'a [u64]) -> Vec<Option<Service>>;
    fn count(kind: Kind) -> u64;
    fn position() -> Position;
    fn changes(since: Position, limit: usize) -> Changes;
    fn check() -> ();
    fn sweep() -> usize;
}
