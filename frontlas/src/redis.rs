//! The directory in Redis, for any number of frontlas replicas.
//!
//! Every change is one Lua script, hence atomic, whichever replica runs it; nothing is kept in the replica.
//! The keys, with `frontlas:` before each, or `{frontlas}:` on a Redis Cluster, where one slot holds them all
//! (a cluster gives failover here, not more room):
//!
//! | key | type | what |
//! |---|---|---|
//! | `frontiers:<id>` | hash | `advertised_sb_addr`, `advertised_eb_addr`, `advertised_sb_url`, `advertised_eb_url`, `edge_count`, `service_count`, `service_names` (JSON); `incarnation`, `session`, `generation`, `revision`, `resync`, `resyncing`; `draining`, `away` and `forwarding`, `1` where they are noted |
//! | `alive:frontiers:<id>` | string | `1`, as long as the frontier lives |
//! | `edges:<id>`, `services:<id>` | string | JSON: `frontier_id`, `addr`, `update_time` (s), `service`; `stamp`, `order` (µs), `generation`, `ended` |
//! | `alive:edges:<id>`, `alive:services:<id>` | string | `1`, as long as it lives |
//! | `index:frontiers` | hash | frontier to generation, of those that have come and not gone |
//! | `index:edges:<frontier>:<generation>`, `index:services:…` | sorted set | what lives on it, by id with 20 digits |
//! | `index:names:<frontier>:<generation>` | sorted set | its services: the name, a zero byte, the id with 20 digits |
//! | `resync:edges:<frontier>:<session>`, `resync:services:…` | set | during a resync: what the snapshot has |
//! | `resync:names:<frontier>:<session>` | sorted set | the same, as `index:names` |
//! | `history` | hash | `id`, `number` of the last change |
//! | `probe` | string | `1`, written to see whether writes succeed |
//! | `changes` | stream | the last changes, with ids `<history>-<number>` |
//!
//! A *generation* is one life of a frontier: a record counts only in the generation in which it was made. So
//! a frontier that went takes everything with it at once, without a visit to each record; those expire.
//! A *session* goes from one join to the next; only the present one may write. The counts are the sizes of
//! the indexes, and the names what these have of them, set by the scripts that change these.

mod decode;
mod directory;
mod encode;
mod query;
mod refresh;
mod report;
mod script;

pub use frontier_config::HostPort;
pub use frontier_redis::{RedisConfig, RedisMode, RedisTls};

use crate::{Bounds, DirectoryError, Lifetimes};
use frontier_metrics::Exposition;
use frontier_redis::{Args, Connection, Script, StatNames};
use redis::FromRedisValue;
use script::Scripts;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

const STATS: StatNames = StatNames {
    connected: "frontlas_redis_connected",
    connects: "frontlas_redis_connects_total",
    durations: "frontlas_redis_operation_duration_seconds",
    failures: "frontlas_redis_operation_failures_total",
};

/// A [`Directory`](crate::Directory) in Redis 6.2 or later.
///
/// It connects when it is first used, and again when the connection broke. Every operation ends within the
/// timeouts of its configuration; long ones take that for each part of 100 to 500 items.
pub struct RedisDirectory {
    connection: Connection,
    /// A key in the slot of all keys.
    key: String,
    scripts: Scripts,
    prefix: &'static str,
    lifetimes: Lifetimes,
    bounds: Bounds,
    /// Held by whoever refreshes a chunk.
    refreshing: Mutex<()>,
}

impl RedisDirectory {
    /// A directory in the Redis that `config` names. Does not connect yet.
    #[must_use]
    pub fn new(config: RedisConfig, lifetimes: Lifetimes) -> Self {
        let prefix = match config.mode {
            RedisMode::Cluster { .. } => "{frontlas}:",
            _ => "frontlas:",
        };
        let (connection, key) = (Connection::new(config), format!("{prefix}history"));
        let (scripts, bounds, refreshing) = (Scripts::new(), Bounds::default(), Mutex::new(()));
        Self { connection, key, scripts, prefix, lifetimes, bounds, refreshing }
    }

    /// With other bounds than the defaults.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Goes on with the user names, passwords and TLS of this configuration, from the next connect on. All else stays
    /// as it was made.
    pub fn reconfigure(&self, config: &RedisConfig) {
        self.connection.reconfigure(config);
    }

    /// Writes how it does, for metrics.
    pub(crate) fn write_stats(&self, out: &mut Exposition) {
        self.connection.stats().write(out, &STATS);
    }

    async fn run<T: FromRedisValue>(&self, script: &Script, args: Args) -> Result<T, DirectoryError> {
        let value = self.connection.run(script, &self.key, &args).await?;
        T::from_redis_value(value).map_err(|_| unexpected())
    }

    /// The arguments of a script that reads.
    fn reading(&self) -> Args {
        Args::new(self.prefix)
    }

    /// The arguments of a script that writes.
    fn writing(&self) -> Args {
        Args::new(self.prefix).arg(self.lifetimes.history)
    }

    fn alive(&self) -> u64 {
        millis(self.lifetimes.alive)
    }

    fn meta(&self, kind: crate::Kind) -> u64 {
        let meta = match kind {
            crate::Kind::Edge => self.lifetimes.edge_meta,
            crate::Kind::Service => self.lifetimes.service_meta,
        };
        millis(meta.max(self.lifetimes.alive))
    }
}

impl fmt::Debug for RedisDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisDirectory").finish_non_exhaustive()
    }
}

/// A reply that no script of ours gives.
fn unexpected() -> DirectoryError {
    DirectoryError::Unavailable(
        "redis: a script gave an unexpected reply: do other programs write under frontlas's keys?".to_owned(),
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
