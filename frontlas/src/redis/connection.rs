//! The one connection that all operations share.

use super::config::RedisConfig;
use super::dial::{Handle, dial};
use super::error::{is_broken, unavailable, unexpected};
use super::script::{Args, Script, is_not_loaded};
use super::stats::RedisStats;
use crate::DirectoryError;
use frontier_access::PeerText;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The pause after a first failed connect; it doubles with each.
const MIN_RECONNECT_DELAY: Duration = Duration::from_millis(50);

/// The longest pause: so soon is a Redis noticed that is there again.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// How old a connection must be to be replaced because writes fail on it: where they fail everywhere, no more
/// than one connection a second is made in vain.
const MIN_REPLACED_AGE: Duration = Duration::from_secs(1);

/// The connection to Redis, made when it is needed and made again when it broke, or when writes fail on it.
pub(super) struct Connection {
    config: parking_lot::Mutex<Arc<RedisConfig>>,
    /// A key in the slot of all keys.
    key: String,
    slot: Mutex<Slot>,
    stats: RedisStats,
}

/// The present connection, or why there is none.
struct Slot {
    /// The number of this connection, or of the next one.
    number: u64,
    handle: Option<Handle>,
    made_at: Instant,
    failure: Option<Failure>,
}

/// The last attempt to connect failed.
struct Failure {
    line: String,
    retry_at: Instant,
    delay: Duration,
}

impl Connection {
    pub(super) fn new(config: RedisConfig, key: String) -> Self {
        let slot = Slot { number: 0, handle: None, made_at: Instant::now(), failure: None };
        Self {
            config: parking_lot::Mutex::new(Arc::new(config)),
            key,
            slot: Mutex::new(slot),
            stats: RedisStats::default(),
        }
    }

    /// Goes on with other credentials, from the next connect on.
    pub(super) fn reconfigure(&self, config: &RedisConfig) {
        *self.config.lock() = Arc::new(config.clone());
    }

    fn config(&self) -> Arc<RedisConfig> {
        self.config.lock().clone()
    }

    /// What became of scripts and connects.
    pub(super) fn stats(&self) -> &RedisStats {
        &self.stats
    }

    /// Runs a script, all of which may be run twice. A connection that turns out to be of no use is replaced, once.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &Args,
    ) -> Result<T, DirectoryError> {
        let start = Instant::now();
        let result = self.run_uncounted(script, args).await;
        self.stats.ran(script.writes, &result, start.elapsed());
        result
    }

    async fn run_uncounted<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &Args,
    ) -> Result<T, DirectoryError> {
        let (number, handle) = self.handle().await?;
        let mut result = self.try_run(handle, script, args).await;
        if self.replaced(number, script, &result).await && !result.as_ref().is_err_and(RedisError::is_timeout)
        {
            let (number, handle) = self.handle().await?;
            result = self.try_run(handle, script, args).await;
            self.replaced(number, script, &result).await;
        }
        let value = result.map_err(|error| unavailable(&error))?;
        T::from_redis_value(value).map_err(|_| unexpected())
    }

    async fn try_run(&self, mut handle: Handle, script: &Script, args: &Args) -> RedisResult<Value> {
        let reply = self.send(&mut handle, script.by_hash(&self.key, args)).await;
        if is_not_loaded(&reply) {
            self.send(&mut handle, script.by_text(&self.key, args)).await
        } else {
            reply
        }
    }

    async fn send(&self, handle: &mut Handle, command: Cmd) -> RedisResult<Value> {
        let config = self.config();
        let within = config.read_timeout + config.write_timeout;
        let answer = async {
            match handle {
                Handle::Server(connection) => command.query_async(connection).await,
                Handle::Cluster(connection) => command.query_async(connection).await,
            }
        };
        match timeout(within, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    async fn handle(&self) -> Result<(u64, Handle), DirectoryError> {
        // Once to reach a sentinel, once to reach what it names; others may be at it first.
        match timeout(2 * self.config().dial_timeout, self.connected()).await {
            Ok(result) => result,
            Err(_) => {
                Err(DirectoryError::Unavailable("redis: no connection within twice dial_timeout".to_owned()))
            }
        }
    }

    /// The connection; makes one if there is none, unless the last attempt failed just now.
    async fn connected(&self) -> Result<(u64, Handle), DirectoryError> {
        let mut slot = self.slot.lock().await;
        if let Some(handle) = &slot.handle {
            return Ok((slot.number, handle.clone()));
        }
        if let Some(failure) = slot.failure.as_ref().filter(|failure| Instant::now() < failure.retry_at) {
            return Err(DirectoryError::Unavailable(failure.line.clone()));
        }
        match dial(&self.config()).await {
            Ok(handle) => {
                self.stats.connected(true);
                if slot.failure.take().is_some() {
                    tracing::info!("redis: connected again");
                }
                (slot.handle, slot.made_at) = (Some(handle.clone()), Instant::now());
                Ok((slot.number, handle))
            }
            Err(line) => {
                self.stats.connected(false);
                let last = slot.failure.as_ref();
                let delay = last.map_or(MIN_RECONNECT_DELAY, |it| (it.delay * 2).min(MAX_RECONNECT_DELAY));
                if slot.failure.as_ref().is_none_or(|last| last.line != line) {
                    tracing::warn!("{}", PeerText(&line));
                }
                slot.failure = Some(Failure { line: line.clone(), retry_at: Instant::now() + delay, delay });
                Err(DirectoryError::Unavailable(line))
            }
        }
    }

    /// Drops connection `number` if this result of a script shows that another one may do better. Says whether it
    /// is gone.
    async fn replaced(&self, number: u64, script: &Script, result: &RedisResult<Value>) -> bool {
        let Err(error) = result else { return false };
        if error.is_timeout() || is_broken(error) {
            return self.discard(number, Duration::ZERO).await;
        }
        // A server that has become a replica answers questions as before and refuses writes, in words that
        // differ between its versions and what stands before it.
        let refused = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
        script.writes && refused && self.discard(number, MIN_REPLACED_AGE).await
    }

    /// Drops connection `number`, unless it is younger than `age`. Says whether it is gone, by this or before.
    async fn discard(&self, number: u64, age: Duration) -> bool {
        let mut slot = self.slot.lock().await;
        if slot.number == number && slot.made_at.elapsed() < age {
            return false;
        }
        if slot.number == number && slot.handle.take().is_some() {
            slot.number += 1;
            self.stats.discarded();
            tracing::debug!("redis: the connection is given up");
        }
        true
    }
}
