//! Durable work sessions in a file on the broker's disk.
//!
//! ```text
//!   DiskLog ── what is to be written ─▶ Writer, a thread ── one transaction for all that waits, one sync ─▶ the file
//!           ◀─────────────────────── once it is on disk ──┘
//!           ── reads, on threads that may block ───────────────────────────────────────────────────────────▶
//! ```
//!
//! The file is one of [redb](https://docs.rs/redb): copy-on-write trees, of which a crash leaves those of the last
//! transaction that was synced. While one is synced, whatever comes waits, and is the next one; so batches form by themselves, and
//! a session alone waits for its own sync. Each request and response carries a checksum, which is looked at when it is read.
//!
//! - Requests that are not committed are kept in memory, and written with their commit. Beyond 16 MiB of one client they are
//!   written before, and dropped by whoever takes the session over.
//! - What the file may hold is bounded: beyond it appending is [`StoreError::Full`]. Responses are taken all the same.
//! - One process has the file, which it locks. After an error of the disk, or when it was full, the file is opened anew, at the
//!   last transaction that was synced, and nothing of the batch is done.

mod engine;
mod log;
mod room;
mod store;
mod tables;
mod writer;

pub use engine::OpenError;
pub use store::{DiskConfig, DiskStore};

#[cfg(doc)]
use frontier_sessions::StoreError;
