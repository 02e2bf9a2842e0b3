//! A frontier that joins, and the lease that it gets.

use super::{Invalid, MAX_TEXT, Timestamp, advertised};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest frontier id, in bytes: ids go into the names of keys.
const MAX_ID_SIZE: usize = 255;

/// A frontier as it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFrontier {
    /// Its id, unique in the cluster: 1 to 255 bytes, no control characters.
    pub id: String,
    /// Where services reach it, as it has said: a URL, or `host:port` for plain TCP.
    pub advertised_sb_addr: String,
    /// Where edges reach it, in the same way.
    pub advertised_eb_addr: String,
}

impl NewFrontier {
    /// Whether the directory takes it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.id.is_empty() || self.id.len() > MAX_ID_SIZE {
            return Err(Invalid("a frontier id must have 1 to 255 bytes"));
        }
        if self.id.chars().any(char::is_control) {
            return Err(Invalid("a frontier id must have no control characters"));
        }
        if self.advertised_sb_addr.len() > MAX_TEXT || self.advertised_eb_addr.len() > MAX_TEXT {
            return Err(Invalid("an advertised address must not be longer than 8192 bytes"));
        }
        Ok(())
    }

    /// Whether others can dial the addresses that it has said.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_addresses(&self) -> Result<(), Invalid> {
        [&self.advertised_sb_addr, &self.advertised_eb_addr]
            .into_iter()
            .try_for_each(|it| advertised::check(it))
    }
}

/// What is noted of a frontier that lives: what new connections go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// It drains. That holds until another process joins with its id.
    Draining,
    /// Its connection to frontlas was lost. That holds until it joins again.
    Away,
    /// Its edges reach the services of all other frontiers that have the mark. That holds until another process joins with
    /// its id.
    Forwarding,
}

/// Which start of a frontier's process: the directory gives it out at the first join, and a later one is
/// greater. The process keeps it and presents it when it joins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

impl Incarnation {
    /// Whether the directory can have given it out.
    ///
    /// # Errors
    /// If not.
    pub fn check(self) -> Result<(), Invalid> {
        if self.0 > Timestamp::MAX.0 { Err(Invalid::UNKNOWN_INCARNATION) } else { Ok(()) }
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The right to report for a frontier, from one join to the next.
///
/// A later join of the same id, by whomever, ends it. So does a time to live
/// ([`Directory::ttl`](crate::Directory::ttl)) without a refresh: then the frontier is gone for all queries.
#[derive(Debug)]
pub struct Lease {
    frontier: String,
    incarnation: Incarnation,
    session: u64,
    /// The greatest revision of the frontier's part that the store has confirmed. If the store knows less,
    /// it has lost writes, as a Redis failover may.
    revision: AtomicU64,
    /// The number of the last resync that was begun.
    resync: AtomicU64,
}

impl Lease {
    pub(crate) fn new(frontier: String, incarnation: u64, session: u64, revision: u64) -> Self {
        let incarnation = Incarnation(incarnation);
        Self { frontier, incarnation, session, revision: revision.into(), resync: 0.into() }
    }

    /// The frontier that it is for.
    #[must_use]
    pub fn frontier(&self) -> &str {
        &self.frontier
    }

    /// What the frontier must present when it joins again.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// The number of a new resync.
    pub(crate) fn next_resync(&self) -> u64 {
        self.resync.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn resync(&self) -> u64 {
        self.resync.load(Ordering::Relaxed)
    }

    pub(crate) fn confirm(&self, revision: u64) {
        self.revision.fetch_max(revision, Ordering::Relaxed);
    }
}
