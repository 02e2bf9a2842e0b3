//! What is reported to the directory, and what it gives.

pub(crate) mod advertised;
mod change;
mod event;
mod lease;
mod record;

pub use change::{Change, Changes, Former, Numbered, Position};
pub(crate) use event::may_displace;
pub use event::{Event, Kind, Presence, Verdict};
pub use lease::{Incarnation, Lease, Mark, NewFrontier};
pub use record::{Edge, Frontier, Page, Service};
pub(crate) use record::{MAX_SERVICE_NAMES, MAX_SERVICE_NAMES_SIZE};

use std::fmt;

/// A time of the directory's clock, which is the store's and no host's: microseconds since 1970.
///
/// The `stamp` of a connection is the timestamp at which it was made. Frontiers read
/// [`Directory::time`](crate::Directory::time), and keep the difference to a monotonic clock of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The greatest timestamp that is told apart from others; greater ones count as this. A double holds whole
    /// numbers up to it, and that is what Lua has. It lies in 2255.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// In whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the directory refuses, whoever sends it. One line, without the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(&'static str);

impl Invalid {
    /// An incarnation that the directory has not given out.
    pub(crate) const UNKNOWN_INCARNATION: Self =
        Self("this incarnation was never given out: join without one");
}

/// The longest address or name, in bytes.
const MAX_TEXT: usize = 8 * 1024;
