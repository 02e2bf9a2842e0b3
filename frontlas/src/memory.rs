//! The directory in this process: for development and for clusters with one frontlas.

mod history;
mod query;
mod report;
mod state;

use crate::directory::{Answer, Directory, MAX_PAGE};
use crate::model::{
    Changes, Edge, Event, Frontier, Incarnation, Kind, Lease, Mark, NewFrontier, Page, Position, Presence,
    Service, Timestamp, Verdict,
};
use crate::{Bounds, DirectoryError, Lifetimes};
use parking_lot::Mutex;
use state::State;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A [`Directory`] in memory. What it knows ends with it; the frontiers then join again and resync.
///
/// Operations take one lock and do not wait for anything.
pub struct MemoryDirectory {
    state: Mutex<State>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl MemoryDirectory {
    /// An empty directory that goes by the system's clock.
    #[must_use]
    pub fn new(lifetimes: Lifetimes) -> Self {
        Self::with_clock(lifetimes, || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)).min(Timestamp::MAX)
        })
    }

    /// An empty directory that goes by `clock`.
    pub fn with_clock(lifetimes: Lifetimes, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let state = Mutex::new(State::new(lifetimes, Bounds::default(), clock()));
        Self { state, clock: Box::new(clock) }
    }

    /// With other bounds than the defaults.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        self.state.lock().bounds = bounds;
        self
    }

    /// Forgets everything, as a Redis does on FLUSHALL.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        *state = State::new(state.lifetimes, state.bounds, (self.clock)());
    }

    fn answer<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<T, DirectoryError>,
    ) -> Answer<'_, T> {
        let mut state = self.state.lock();
        state.now = (self.clock)().0.max(state.now);
        let result = operation(&mut state);
        Box::pin(std::future::ready(result))
    }
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDirectory").finish_non_exhaustive()
    }
}

impl Directory for MemoryDirectory {
    fn ttl(&self) -> Duration {
        self.state.lock().lifetimes.alive
    }

    fn time(&self) -> Answer<'_, Timestamp> {
        self.answer(|state| Ok(Timestamp(state.now)))
    }

    fn join<'a>(&'a self, frontier: &'a NewFrontier, incarnation: Option<Incarnation>) -> Answer<'a, Lease> {
        self.answer(|state| {
            frontier.check()?;
            incarnation.map_or(Ok(()), Incarnation::check)?;
            state.join(frontier, incarnation)
        })
    }

    fn last_incarnation<'a>(&'a self, frontier: &'a str) -> Answer<'a, Option<Incarnation>> {
        self.answer(|state| Ok(state.nodes.get(frontier).map(|node| Incarnation(node.incarnation))))
    }

    fn apply<'a>(&'a self, lease: &'a Lease, events: &'a [Event]) -> Answer<'a, Vec<Verdict>> {
        self.answer(|state| state.apply(lease, events))
    }

    fn refresh<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.answer(|state| state.refresh(lease))
    }

    fn resync_begin<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.answer(|state| state.resync_begin(lease))
    }

    fn resync_chunk<'a>(&'a self, lease: &'a Lease, present: &'a [Presence]) -> Answer<'a, Vec<Verdict>> {
        self.answer(|state| state.resync_chunk(lease, present))
    }

    fn resync_end<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.answer(|state| state.resync_end(lease))
    }

    fn mark<'a>(&'a self, lease: &'a Lease, mark: Mark) -> Answer<'a, ()> {
        self.answer(|state| state.mark(lease, mark))
    }

    fn leave<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        self.answer(|state| {
            state.leave(lease);
            Ok(())
        })
    }

    fn frontiers(&self) -> Answer<'_, Vec<Frontier>> {
        self.answer(|state| Ok(state.frontiers()))
    }

    fn frontiers_by_id<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<Option<Frontier>>> {
        self.answer(|state| Ok(ids.iter().map(|id| state.frontier(id)).collect()))
    }

    fn frontiers_by_edge<'a>(&'a self, edge_ids: &'a [u64]) -> Answer<'a, Vec<Option<Frontier>>> {
        self.answer(|state| {
            Ok(edge_ids.iter().map(|&id| state.frontier(&state.edge(id)?.frontier_id)).collect())
        })
    }

    fn edges(&self, from: u64, count: usize) -> Answer<'_, Page<Edge>> {
        self.answer(|state| Ok(state.page(Kind::Edge, from, count.min(MAX_PAGE), State::edge)))
    }

    fn edges_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Edge>>> {
        self.answer(|state| Ok(ids.iter().map(|&id| state.edge(id)).collect()))
    }

    fn services(&self, from: u64, count: usize) -> Answer<'_, Page<Service>> {
        self.answer(|state| Ok(state.page(Kind::Service, from, count.min(MAX_PAGE), State::service)))
    }

    fn services_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Service>>> {
        self.answer(|state| Ok(ids.iter().map(|&id| state.service(id)).collect()))
    }

    fn count(&self, kind: Kind) -> Answer<'_, u64> {
        self.answer(|state| Ok(state.count(kind)))
    }

    fn position(&self) -> Answer<'_, Position> {
        self.answer(|state| Ok(state.history.position()))
    }

    fn changes(&self, since: Position, limit: usize) -> Answer<'_, Changes> {
        self.answer(|state| Ok(state.history.since(since, limit.min(MAX_PAGE))))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.answer(|_| Ok(()))
    }

    fn sweep(&self) -> Answer<'_, usize> {
        self.answer(|state| Ok(state.sweep()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test]
    async fn nothing_is_left_of_what_has_gone() {
        let clock = Arc::new(AtomicU64::new(1));
        let ticking = clock.clone();
        let lifetimes = Lifetimes { history: 10, ..Lifetimes::default() };
        let directory =
            MemoryDirectory::with_clock(lifetimes, move || Timestamp(ticking.fetch_add(1, Ordering::SeqCst)));
        for id in ["a", "b", "c"] {
            let new = NewFrontier {
                id: id.into(),
                advertised_sb_addr: String::new(),
                advertised_eb_addr: String::new(),
            };
            let lease = directory.join(&new, None).await.unwrap();
            let stamp = directory.time().await.unwrap();
            // Each frontier takes over from the one before; some leave twice, some stay until it lapses.
            let online = (0..100).map(|id| Event::Online(Presence::edge(id, "", stamp)));
            directory.apply(&lease, &online.collect::<Vec<_>>()).await.unwrap();
            let offline = (0..50).map(|id| Event::Offline { kind: Kind::Edge, id, stamp });
            directory.apply(&lease, &offline.collect::<Vec<_>>()).await.unwrap();
            directory.join(&new, Some(lease.incarnation())).await.unwrap();
        }
        let mut swept = 0;
        for _ in 0..3 {
            clock.fetch_add(20_000_000, Ordering::SeqCst);
            swept += directory.sweep().await.unwrap();
        }
        assert_eq!(swept, 3);
        clock.fetch_add(60_000_000, Ordering::SeqCst);
        directory.sweep().await.unwrap();
        let state = directory.state.lock();
        assert_eq!((state.nodes.len(), state.records.len(), state.expiries()), (0, 0, 0));
    }
}
