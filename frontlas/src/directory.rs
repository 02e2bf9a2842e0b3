//! The directory of who is where.
//!
//! ```text
//! frontier:   join ─▶ resync_begin ─▶ resync_chunk … ─▶ resync_end ─▶ apply, apply, …  refresh every ttl/3   leave
//!               ▲                                                        │ DirectoryError::Lost
//!               └────────────────────────────────────────────────────────┘
//! watcher:    position ─▶ a snapshot by pages ─▶ changes, changes, …
//!               ▲                                  │ Changes::Gone
//!               └──────────────────────────────────┘
//! ```
//!
//! The rules that every implementation keeps:
//!
//! - A query returns an edge or a service only if its record lives and the frontier in it lives, in the same
//!   life in which the record was made: what an earlier process of that id had reported never comes back.
//! - An id is at one place: of its connections the one with the greatest stamp, ties by the frontier id.
//!   A late report of an older connection changes nothing.
//! - The counts of a frontier equal what the queries return of it, at every moment.
//! - All operations are idempotent: a report may be sent again when its answer was lost.

use crate::model::{
    Changes, Edge, Event, Frontier, Incarnation, Invalid, Kind, Lease, Mark, NewFrontier, Page, Position,
    Presence, Service, Timestamp, Verdict,
};
use std::pin::Pin;
use std::time::Duration;

/// The future of an operation of a [`Directory`].
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send + 'a>>;

/// The most items or changes of one answer; more are cut to it. It bounds how long a store is busy with one.
pub const MAX_PAGE: usize = 1000;

/// Why an operation of the directory failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The lease is void: another join came after it, it was not refreshed in time, or the store has lost
    /// some of what was reported. The frontier must join again, with its incarnation, and resync.
    #[error("the lease is lost: join again and resync")]
    Lost,
    /// A later process has joined with this frontier's id. The one that asked must not join again.
    #[error("another process has joined with the same frontier id")]
    Replaced,
    /// What was asked for can't be done for anyone.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store does not answer, or not as it should. Whether the operation was done is not known; try
    /// again later. One line, without secrets.
    #[error("{0}")]
    Unavailable(String),
}

impl From<frontier_redis::Unavailable> for DirectoryError {
    fn from(error: frontier_redis::Unavailable) -> Self {
        Self::Unavailable(error.line)
    }
}

/// Who is where: frontiers, and the edges and services on them.
///
/// # Cancel safety
/// A dropped answer leaves the directory consistent; whether the operation was done is not known, and it
/// may be repeated. A batch, chunk or refresh may be done in part.
///
/// # Errors
/// Every operation may fail with [`DirectoryError::Unavailable`]; those with a [`Lease`] with
/// [`DirectoryError::Lost`].
pub trait Directory: Send + Sync + 'static {
    /// How long a frontier lives without a refresh. Refresh every third of it.
    fn ttl(&self) -> Duration;

    /// Directory time.
    fn time(&self) -> Answer<'_, Timestamp>;

    /// Makes the frontier known and gives the right to report for it. Every earlier lease of the id is void
    /// from now on.
    ///
    /// A process that joins for the first time has no `incarnation`: it is the latest of its id, and what
    /// earlier ones reported is gone at once. When it joins again, it presents the one from its first lease;
    /// if its frontier still lives, what it has reported stays until the resync, which must follow. Whoever calls this
    /// vouches for it: a store that has lost it takes it as it is.
    ///
    /// # Errors
    /// [`DirectoryError::Replaced`] if a later process of this id has joined;
    /// [`DirectoryError::Invalid`] by [`NewFrontier::check`].
    fn join<'a>(&'a self, frontier: &'a NewFrontier, incarnation: Option<Incarnation>) -> Answer<'a, Lease>;

    /// The incarnation that was given out last for this id; `None` if none is known. Whoever presents a greater one has
    /// not got it here, and must not [`join`](Self::join) with it: it would keep all rightful ones out.
    fn last_incarnation<'a>(&'a self, frontier: &'a str) -> Answer<'a, Option<Incarnation>>;

    /// Takes reports, in order. Gives a verdict on each. Of the calls of this and of the resync with one lease
    /// none may overlap; a refresh may run beside them.
    fn apply<'a>(&'a self, lease: &'a Lease, events: &'a [Event]) -> Answer<'a, Vec<Verdict>>;

    /// Keeps the frontier and everything on it alive for another [`ttl`](Self::ttl).
    fn refresh<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()>;

    /// Begins to compare what the directory has of the frontier with a snapshot of the frontier's own. A
    /// resync that was not ended is forgotten.
    ///
    /// What changes at the frontier after the snapshot was taken is reported by [`apply`](Self::apply),
    /// during the resync or after it.
    fn resync_begin<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()>;

    /// A part of the snapshot. Verdicts are as for online events.
    ///
    /// # Errors
    /// [`DirectoryError::Lost`] also if no resync has begun.
    fn resync_chunk<'a>(&'a self, lease: &'a Lease, present: &'a [Presence]) -> Answer<'a, Vec<Verdict>>;

    /// Ends the resync: takes away what was not in the snapshot.
    ///
    /// # Errors
    /// [`DirectoryError::Lost`] also if no resync has begun.
    fn resync_end<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()>;

    /// Marks the frontier. Idempotent.
    fn mark<'a>(&'a self, lease: &'a Lease, mark: Mark) -> Answer<'a, ()>;

    /// Removes the frontier and everything on it. A lost lease is no error here: then that has been done.
    fn leave<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()>;

    /// All frontiers that live, ordered by id.
    fn frontiers(&self) -> Answer<'_, Vec<Frontier>>;

    /// The frontiers with these ids, in this order; `None` for one that does not live.
    fn frontiers_by_id<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<Option<Frontier>>>;

    /// The frontiers that these edges are connected to, in this order; `None` for an edge that is offline.
    fn frontiers_by_edge<'a>(&'a self, edge_ids: &'a [u64]) -> Answer<'a, Vec<Option<Frontier>>>;

    /// Edges with ids from `from` on, at most `count` of them ([`MAX_PAGE`]).
    fn edges(&self, from: u64, count: usize) -> Answer<'_, Page<Edge>>;

    /// The edges with these ids, in this order; `None` for one that is offline.
    fn edges_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Edge>>>;

    /// Services with ids from `from` on, at most `count` of them ([`MAX_PAGE`]).
    fn services(&self, from: u64, count: usize) -> Answer<'_, Page<Service>>;

    /// The services with these ids, in this order; `None` for one that is offline.
    fn services_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Service>>>;

    /// How many edges or services are connected in the cluster.
    fn count(&self, kind: Kind) -> Answer<'_, u64>;

    /// Where the history of changes is now. A snapshot taken after it has everything up to it.
    fn position(&self) -> Answer<'_, Position>;

    /// What happened after `since`, at most `limit` changes ([`MAX_PAGE`]). Does not wait for any: ask again
    /// after a pause.
    fn changes(&self, since: Position, limit: usize) -> Answer<'_, Changes>;

    /// Writes something that nobody reads, and looks something up: whether the directory is of use now.
    fn check(&self) -> Answer<'_, ()>;

    /// Removes frontiers that live no longer: adds that to the history, and frees their memory. Queries leave them
    /// out in any case. Call it every second or so, in every replica; it costs a little per frontier. Gives how
    /// many were removed.
    fn sweep(&self) -> Answer<'_, usize>;
}
