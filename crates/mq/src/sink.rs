//! A sink: the handle by which messages are sent to a broker.

use crate::backend::Backend;
use crate::pending::Pending;
use crate::spool::Spool;
use crate::supervisor::supervise;
use crate::{
    BackendConfig, Cause, Confirm, Message, OpenSpool, SendError, SinkConfig, SinkMetrics, SinkStatus,
    SpoolCount, SpoolStatus,
};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether everything has been confirmed.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long the disk may take, at the end, for what its spool has to keep.
const SPOOL_TIMEOUT: Duration = Duration::from_secs(5);

/// A sink or a source whose broker this binary knows nothing of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct StartError(Box<str>);

impl StartError {
    #[cfg_attr(
        all(
            feature = "amqp",
            feature = "kafka",
            feature = "mqtt",
            feature = "nats",
            feature = "nsq",
            feature = "redis"
        ),
        expect(dead_code, reason = "all brokers are there")
    )]
    pub(crate) fn new(name: &str) -> Self {
        Self(format!("{name}: this binary was built without its broker").into())
    }
}

/// One connection to one broker, to which messages are sent. It connects by itself, again and again.
pub struct Sink {
    pending: Arc<Pending>,
    spool: Option<Arc<Spool>>,
    check: Box<Check>,
    task: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

type Check = dyn Fn(&Message) -> Result<(), SendError> + Send + Sync;

impl Sink {
    /// Starts a sink within the runtime of the caller. `confirm` hears what becomes of its messages. Nothing is waited
    /// for: a broker that is away is no error.
    ///
    /// # Errors
    /// [`StartError`] where the broker's feature is off.
    pub fn start(config: &SinkConfig, confirm: Arc<dyn Confirm>) -> Result<Self, StartError> {
        let pending = Arc::new(Pending::new(config.name, config.bounds, confirm));
        Self::start_on(config, pending, None)
    }

    /// The same with a spool, from which older messages go first.
    ///
    /// # Errors
    /// As [`start`](Self::start), and where the system has no thread for the spool.
    pub fn start_spooled(
        config: &SinkConfig,
        spool: OpenSpool,
        confirm: Arc<dyn Confirm>,
    ) -> Result<Self, StartError> {
        let started = Spool::start(config.name, config.bounds, spool, confirm);
        let (spool, pending) =
            started.map_err(|error| StartError(format!("{}: {error}", config.name).into()))?;
        Self::start_on(config, pending, Some(spool))
    }

    fn start_on(
        config: &SinkConfig,
        pending: Arc<Pending>,
        spool: Option<Arc<Spool>>,
    ) -> Result<Self, StartError> {
        match &config.backend {
            #[cfg(feature = "amqp")]
            BackendConfig::Amqp(amqp) => {
                let amqp = crate::amqp::Amqp::new(amqp, config.name, config.bounds);
                Ok(Self::of(pending, spool, amqp.clone(), amqp))
            }
            #[cfg(feature = "kafka")]
            BackendConfig::Kafka(kafka) => {
                let kafka = crate::kafka::Kafka::new(kafka, config.name, config.bounds);
                Ok(Self::of(pending, spool, kafka.clone(), kafka))
            }
            #[cfg(feature = "mqtt")]
            BackendConfig::Mqtt(mqtt) => {
                let mqtt = crate::mqtt::Mqtt::new(mqtt, config.name, config.bounds);
                Ok(Self::of(pending, spool, mqtt.clone(), mqtt))
            }
            #[cfg(feature = "nats")]
            BackendConfig::Nats(nats) => {
                let nats = crate::nats::Nats::new(nats, config, config.bounds);
                Ok(Self::of(pending, spool, nats.clone(), nats))
            }
            #[cfg(feature = "nsq")]
            BackendConfig::Nsq(nsq) => {
                let nsq = crate::nsq::Nsq::new(nsq, config.name, config.bounds);
                Ok(Self::of(pending, spool, nsq.clone(), nsq))
            }
            #[cfg(feature = "redis")]
            BackendConfig::Redis(redis) => {
                let redis = crate::redis::Redis::new(redis, config.name);
                Ok(Self::of(pending, spool, redis.clone(), redis))
            }
            #[cfg(not(all(
                feature = "amqp",
                feature = "kafka",
                feature = "mqtt",
                feature = "nats",
                feature = "nsq",
                feature = "redis"
            )))]
            _ => {
                if let Some(spool) = spool {
                    spool.stop();
                }
                Err(StartError::new(config.name))
            }
        }
    }

    /// With a broker, once to check messages and once to connect.
    pub(crate) fn of<B: Backend>(
        pending: Arc<Pending>,
        spool: Option<Arc<Spool>>,
        checks: B,
        connects: B,
    ) -> Self {
        let stop = CancellationToken::new();
        let supervised = supervise(connects, pending.clone(), stop.clone());
        let task = match spool.clone() {
            None => tokio::spawn(supervised),
            Some(spool) => tokio::spawn(async move {
                tokio::select! {
                    () = supervised => {}
                    _ = spool.keep_time() => {}
                }
                // Whatever was pending has come back to it.
                spool.stop();
            }),
        };
        let check = Box::new(move |message: &Message| checks.check(message));
        Self { pending, spool, check, task: Mutex::new(Some(task)), stop }
    }

    /// Takes a message, whose end is told with `token` if there is one. It has as long as `timeout`, and no longer than the
    /// sink's own. Nothing is waited for.
    ///
    /// # Errors
    /// [`SendError`] if the message was not taken: nothing more is told of it.
    pub fn send(&self, message: Message, token: Option<u64>, timeout: Duration) -> Result<(), SendError> {
        self.check(&message)?;
        match &self.spool {
            None => self.pending.send(message, token, timeout, 0),
            Some(spool) => spool.send(message, token, timeout),
        }
    }

    /// Room for a message that is still on its way: for `bytes` of it, and for more as it [grows](Room::grow). In the end
    /// it will have `len`, as its sender says.
    ///
    /// # Errors
    /// [`SendError`] if there is none, or could never be.
    pub fn reserve(self: &Arc<Self>, bytes: usize, len: usize) -> Result<Room, SendError> {
        self.pending.reserve(bytes, len)?;
        Ok(Room { sink: self.clone(), bytes })
    }

    fn check(&self, message: &Message) -> Result<(), SendError> {
        (self.check)(message).inspect_err(|error| self.metrics().fail(error.cause))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.pending.name()
    }

    /// What is measured of it.
    #[must_use]
    pub fn metrics(&self) -> &SinkMetrics {
        self.pending.metrics()
    }

    /// How it is now.
    #[must_use]
    pub fn status(&self) -> SinkStatus {
        self.pending.status()
    }

    /// How its spool is now; `None` without one.
    #[must_use]
    pub fn spool_status(&self) -> Option<SpoolStatus> {
        self.spool.as_ref().map(|spool| spool.status())
    }

    /// So many of these in its spool.
    #[must_use]
    pub fn spool_count(&self, count: SpoolCount) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.count(count))
    }

    /// Takes no more messages, waits until all are confirmed or `within` has passed, and ends the connection. How many
    /// were not confirmed: they have ended with an error. What is in a spool stays there.
    ///
    /// # Cancel safety
    /// Cancel safe: the sink goes on without taking messages.
    pub async fn close(&self, within: Duration) -> usize {
        let deadline = Instant::now() + within;
        match &self.spool {
            None => self.pending.close(),
            Some(spool) => spool.close(),
        }
        let left = || match &self.spool {
            None => self.pending.len(),
            Some(spool) => spool.unsettled().max(self.pending.len()),
        };
        while left() > 0 && Instant::now() < deadline {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let unconfirmed = left();
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            // It ends at its next await; a panic of it has been logged.
            let _ = task.await;
        }
        let Some(spool) = &self.spool else { return unconfirmed };
        let deadline = Instant::now() + SPOOL_TIMEOUT;
        while !spool.is_stopped() && Instant::now() < deadline {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        spool.unsettled()
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Drop for Sink {
    /// Without [`close`](Self::close) what is pending ends with an error.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Room in a sink for a message that is still coming, until it is sent or this is dropped.
#[derive(Debug)]
pub struct Room {
    sink: Arc<Sink>,
    bytes: usize,
}

impl Room {
    /// Makes it larger by what has come.
    ///
    /// # Errors
    /// [`SendError`] if there is no more.
    pub fn grow(&mut self, bytes: usize) -> Result<(), SendError> {
        self.sink.pending.reserve(bytes, bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// As [`Sink::send`], in this room.
    ///
    /// # Errors
    /// As [`Sink::send`].
    pub fn send(mut self, message: Message, token: Option<u64>, timeout: Duration) -> Result<(), SendError> {
        self.sink.check(&message)?;
        let reserved = std::mem::take(&mut self.bytes);
        match &self.sink.spool {
            None => self.sink.pending.send(message, token, timeout, reserved),
            Some(spool) => {
                self.sink.pending.release(reserved);
                spool.send(message, token, timeout)
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.sink.pending.release(self.bytes);
        }
    }
}

/// What a message that is over a broker's limit fails with.
#[cfg_attr(
    not(any(
        feature = "amqp",
        feature = "kafka",
        feature = "mqtt",
        feature = "nats",
        feature = "nsq",
        feature = "redis"
    )),
    expect(dead_code, reason = "there is no broker")
)]
pub(crate) fn too_large(name: &str, size: usize, max: usize) -> SendError {
    SendError::new(
        Cause::TooLarge,
        format!("{name}: the message has {size} bytes, and the broker takes {max}"),
    )
}
