//! Work sessions in Redis, interactive and durable ones, for brokers that may be lost.
//!
//! ```text
//!   RedisLog ── a script for each operation, one at a time, numbered ─▶ the connection, which all sessions share ─▶ Redis
//!            ◀── once it is done, and as safe as it has to be ───────────────────────────────────────────────────
//! ```
//!
//! The keys, with `sessions:` before each unless another prefix is set; those of a session are in one slot of a cluster:
//!
//! | key | type | what |
//! |---|---|---|
//! | `index` | sorted set | the ids of all sessions, 32 digits each |
//! | `leader` | hash | the broker that has all sessions: `id`, `address`, `until` (ms since 1970), `fence`, which grows with each |
//! | `hosts` | hash | what the leader's hosts have said last, by edge, for the next leader |
//! | `{<id>}:meta` | hash | `record` (JSON); `fence`, its owner's number and a text that no other owner has; `op`, the number of its owner's last operation; `leader`, the fence of the broker that took it over |
//! | `{<id>}:clients` | set | the names of its clients |
//! | `{<id>}:client:<name>` | hash | `batch`, `received`, `before`, `ended`: the last commit; `low`, `end`: requests are from the one and below the other; `first`, `next`, the same of responses; `acknowledged`, `failed` |
//! | `{<id>}:requests:<name>` | hash | the requests that have no response, by their place: [`codec`](frontier_sessions::codec) |
//! | `{<id>}:responses:<name>` | hash | the responses, by their place |
//!
//! - An owner's operations are numbered, and one follows the other: a script that is run twice, or comes late from a connection that was
//!   given up, does nothing more. An owner that is none any more is told so by the script itself.
//! - A store that has forgotten what it had confirmed, as a replica may that became the master, is found out by that number:
//!   [`StoreError::Damaged`].
//! - What is durable is confirmed once the server says, after each write, that it syncs its append-only file with every one.
//!   Where it does not, durable sessions are refused: [`StoreError::Unsupported`].
//! - Where the server's memory is full it takes nothing new, [`StoreError::Full`], and what was accepted is answered all the same.

mod leader;
mod log;
mod reply;
mod safety;
mod scripts;
mod shared;
mod store;
#[cfg(test)]
mod tests;

pub use leader::{Claim, Leader};
pub use store::{RedisStore, RedisStoreConfig};

#[cfg(doc)]
use frontier_sessions::StoreError;
