//! The keys of a sink's spool.

use std::path::PathBuf;
use std::time::Duration;

/// Where a sink keeps messages on disk that its broker can't take now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// The folder, which is this sink's alone. It is made if it is not there.
    pub path: PathBuf,
    /// What its files may have, in bytes, but for dead letters.
    pub max_size: u64,
    /// Messages that it may hold: some 32 bytes of memory each.
    pub max_messages: usize,
    /// What happens when it holds as much.
    pub when_full: WhenFull,
    /// How long a broker that is there may take before a message that it has not confirmed is written, and acked.
    pub after: Duration,
    /// How often a message is sent that nothing at the broker takes, before it goes to the dead letters.
    pub attempts: u32,
    /// What the file of dead letters may have, in bytes.
    pub dead_letter_size: u64,
}

/// What happens when a spool is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Senders are told that it is.
    #[default]
    Refuse,
    /// The oldest messages go, some of them at once.
    DropOldest,
}

impl SpoolConfig {
    /// The file of its dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> PathBuf {
        self.path.join("dead_letters.jsonl")
    }

    /// When a file of it is long enough: so that what goes at once is a small part of all.
    pub(crate) fn segment_size(&self) -> u64 {
        (self.max_size / 64).clamp(64 << 10, 16 << 20)
    }
}
