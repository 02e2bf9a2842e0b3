//! One contract, kept by every directory: in memory, in one Redis, under sentinels, in a Redis Cluster.

#![expect(clippy::unwrap_used, reason = "what a test does not expect ends it")]

mod bounds;
mod claims;
mod concurrent;
mod expiry;
mod failures;
mod frontiers;
mod history;
mod kinds;
mod marks;
mod moves;
mod names;
mod paging;
mod random;
mod resync;
mod view;
mod world;
