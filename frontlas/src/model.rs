//! What the directory keeps and tells.

mod change;
mod event;
mod lease;
mod record;

pub use change::{Change, Changes, Former, Numbered, Position};
pub use event::{Event, Kind, Presence, Verdict};
pub use lease::{Incarnation, Lease, Mark, NewFrontier};
pub use record::{Edge, Frontier, Page, Service};

use std::fmt;

/// A moment in directory time: microseconds since 1970 by the clock of the store, not of any host.
///
/// Frontiers stamp each connection with the moment at which it was made: they ask
/// [`Directory::time`](crate::Directory::time) and keep the difference to a monotonic clock of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The greatest stamp that is told apart from others; greater ones count as this. It lies in 2255.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The stamp in whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the directory does not take, whoever sends it. One line, without the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) &'static str);

/// The longest address, name or frontier id, in bytes.
pub(crate) const MAX_TEXT: usize = 8 * 1024;
