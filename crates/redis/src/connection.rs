//! The one connection that all operations share.

use crate::config::RedisConfig;
use crate::dial::{Handle, dial};
use crate::error::{Unavailable, is_broken};
use crate::script::{Args, Command, Script, is_not_loaded};
use crate::stats::RedisStats;
use frontier_access::PeerText;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};
use std::fmt;
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

/// How many slots a cluster has.
const SLOTS: u16 = 16384;

/// The connection to Redis, made when it is needed and made again when it broke, or when writes fail on it.
pub struct Connection {
    config: parking_lot::Mutex<Arc<RedisConfig>>,
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

/// What is done over it.
#[derive(Clone, Copy)]
enum Work<'a> {
    Script { script: &'a Script, key: &'a str, args: &'a Args, then: &'a [Command] },
    Command(&'a Command),
}

impl Work<'_> {
    fn writes(self) -> bool {
        match self {
            Self::Script { script, .. } => script.writes,
            Self::Command(command) => command.writes,
        }
    }
}

impl Connection {
    /// Does not connect yet.
    #[must_use]
    pub fn new(config: RedisConfig) -> Self {
        let slot = Slot { number: 0, handle: None, made_at: Instant::now(), failure: None };
        Self {
            config: parking_lot::Mutex::new(Arc::new(config)),
            slot: Mutex::new(slot),
            stats: RedisStats::default(),
        }
    }

    /// Goes on with other credentials, from the next connect on.
    pub fn reconfigure(&self, config: &RedisConfig) {
        *self.config.lock() = Arc::new(config.clone());
    }

    fn config(&self) -> Arc<RedisConfig> {
        self.config.lock().clone()
    }

    /// What became of scripts, commands and connects.
    #[must_use]
    pub fn stats(&self) -> &RedisStats {
        &self.stats
    }

    /// Runs a script, all of which may be run twice, where `key` is. A connection that turns out to be of no use is
    /// replaced, once.
    ///
    /// # Errors
    /// [`Unavailable`].
    ///
    /// # Cancel safety
    /// Whether it is run is not known then.
    pub async fn run(&self, script: &Script, key: &str, args: &Args) -> Result<Value, Unavailable> {
        self.perform(Work::Script { script, key, args, then: &[] }).await
    }

    /// The same, and then these commands, over the same connection: what they say is about what the script has written.
    ///
    /// # Errors
    /// [`Unavailable`]: the script may be run all the same.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn run_and(
        &self,
        script: &Script,
        key: &str,
        args: &Args,
        then: &[Command],
    ) -> Result<(Value, Vec<Value>), Unavailable> {
        let work = Work::Script { script, key, args, then };
        match self.perform(work).await? {
            Value::Array(mut all) if !then.is_empty() => {
                let value = all.remove(0);
                Ok((value, all))
            }
            value => Ok((value, Vec::new())),
        }
    }

    /// Sends a command, which may be sent twice, as [`run`](Self::run) does a script.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn send(&self, command: &Command) -> Result<Value, Unavailable> {
        self.perform(Work::Command(command)).await
    }

    async fn perform(&self, work: Work<'_>) -> Result<Value, Unavailable> {
        let start = Instant::now();
        let result = self.perform_uncounted(work).await;
        self.stats.ran(work.writes(), &result, start.elapsed());
        result
    }

    async fn perform_uncounted(&self, work: Work<'_>) -> Result<Value, Unavailable> {
        let (number, handle) = self.handle().await?;
        let mut result = self.attempt(handle, work).await;
        if self.replaced(number, work, &result).await && !result.as_ref().is_err_and(RedisError::is_timeout) {
            let (number, handle) = self.handle().await?;
            result = self.attempt(handle, work).await;
            self.replaced(number, work, &result).await;
        }
        result.map_err(|error| Unavailable::from(&error))
    }

    async fn attempt(&self, mut handle: Handle, work: Work<'_>) -> RedisResult<Value> {
        match work {
            Work::Script { script, key, args, then } => {
                let mut reply = self.transmit(&mut handle, script.by_hash(key, args), None).await;
                if is_not_loaded(&reply) {
                    reply = self.transmit(&mut handle, script.by_text(key, args), None).await;
                }
                if then.is_empty() {
                    return reply;
                }
                let mut all = vec![reply?];
                for command in then {
                    all.push(self.transmit(&mut handle, command.build(), Some(key)).await?);
                }
                Ok(Value::Array(all))
            }
            Work::Command(command) => {
                self.transmit(&mut handle, command.build(), command.node_of.as_deref()).await
            }
        }
    }

    async fn transmit(&self, handle: &mut Handle, command: Cmd, node_of: Option<&str>) -> RedisResult<Value> {
        let config = self.config();
        let within = config.read_timeout + config.write_timeout;
        let answer = async {
            match (handle, node_of) {
                (Handle::Server(connection), _) => command.query_async(connection).await,
                (Handle::Cluster(connection), None) => command.query_async(connection).await,
                (Handle::Cluster(connection), Some(key)) => {
                    let route = Route::new(slot(key), SlotAddr::Master);
                    let routing = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route));
                    connection.route_command(command, routing).await
                }
            }
        };
        match timeout(within, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    async fn handle(&self) -> Result<(u64, Handle), Unavailable> {
        // Once to reach a sentinel, once to reach what it names; others may be at it first.
        match timeout(2 * self.config().dial_timeout, self.connected()).await {
            Ok(result) => result,
            Err(_) => Err(Unavailable::new("redis: no connection within twice dial_timeout".to_owned())),
        }
    }

    /// The connection; makes one if there is none, unless the last attempt failed just now.
    async fn connected(&self) -> Result<(u64, Handle), Unavailable> {
        let mut slot = self.slot.lock().await;
        if let Some(handle) = &slot.handle {
            return Ok((slot.number, handle.clone()));
        }
        if let Some(failure) = slot.failure.as_ref().filter(|failure| Instant::now() < failure.retry_at) {
            return Err(Unavailable::new(failure.line.clone()));
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
                Err(Unavailable::new(line))
            }
        }
    }

    /// Drops connection `number` if this result shows that another one may do better. Says whether it
    /// is gone.
    async fn replaced(&self, number: u64, work: Work<'_>, result: &RedisResult<Value>) -> bool {
        let Err(error) = result else { return false };
        if error.is_timeout() || is_broken(error) {
            return self.discard(number, Duration::ZERO).await;
        }
        // A server that has become a replica answers questions as before and refuses writes, in words that
        // differ between its versions and what stands before it.
        let refused = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
        work.writes() && refused && self.discard(number, MIN_REPLACED_AGE).await
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

/// The slot of a key: of what stands in its first braces, if anything does.
fn slot(key: &str) -> u16 {
    let tagged = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tagged.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::slot;

    /// As `CLUSTER KEYSLOT` says.
    #[test]
    fn keys_of_one_tag_have_one_slot() {
        assert_eq!((slot("foo"), slot("a{foo}b"), slot("{foo}:{bar}")), (12182, 12182, 12182));
        assert_eq!((slot("123456789"), slot("{}foo")), (12739, 9500));
    }
}
