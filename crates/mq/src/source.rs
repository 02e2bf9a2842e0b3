//! A source: what is read from a broker, delivered to receivers, and acked at the broker once a receiver has acked it.
//!
//! ```text
//!   the broker ─▶ Reader ─▶ Intake: held, by key ─▶ pump ─▶ Receive::deliver ─▶ the receiver
//!       ▲            │              │     ▲                                          │
//!       └─(ack)──────┴─── ended ────┘     └──────────── Source::answered ◀───────────┘
//!                                   └─▶ dead letters
//! ```

mod absences;
mod dead_letter;
mod deliveries;
mod intake;
mod metrics;
mod pump;
mod reader;
mod record;
mod target;
mod template;

pub use metrics::{SourceCount, SourceMetrics, SourceStatus};
pub use record::Record;
pub use target::{HadBy, Recipient};
pub use template::{RecordTemplate, RecordTemplateError};

pub(crate) use dead_letter::DeadLetterFile;
pub(crate) use deliveries::Dead;
#[cfg(any(feature = "amqp", feature = "mqtt", feature = "nats"))]
pub(crate) use deliveries::Verdict;
pub(crate) use intake::Intake;
pub(crate) use reader::Reader;

use crate::sink::StartError;
use crate::{SourceBackendConfig, SourceConfig};
use bytes::Bytes;
use parking_lot::Mutex;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long the broker may take, at the end, to be told what was delivered and what was not.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// A message on its way to its receiver.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Under which its end is told.
    pub number: u64,
    /// Who gets it.
    pub to: Recipient,
    /// A call, or else a message.
    pub is_call: bool,
    /// The method, or the topic.
    pub name: Arc<str>,
    /// What keeps order, for whoever chooses among receivers; `None` for none.
    pub key: Option<Box<[u8]>>,
    /// The users' own header.
    pub custom: Bytes,
    /// The payload.
    pub payload: Bytes,
    /// How long the receiver has.
    pub timeout: Duration,
}

/// What a receiver said of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Done,
    /// There is no receiver: that is waited for.
    Absent(String),
    /// Another attempt may succeed: why this one did not.
    Failed(String),
    /// No other attempt would.
    Refused(String),
}

/// Who delivers.
pub trait Receive: Debug + Send + Sync + 'static {
    /// Delivers these, and tells of each with [`SourceHandle::answered`], once. Called from the source's own task; it may take
    /// locks, and must not wait.
    fn deliver(&self, deliveries: Vec<Delivery>);
}

/// One consumer of one broker. It connects by itself, again and again.
pub struct Source {
    intake: Arc<Intake>,
    task: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Source {
    /// Starts a source within the runtime of the caller. Nothing is waited for: a broker that is away is no error.
    ///
    /// # Errors
    /// [`StartError`] where the broker's feature is off.
    pub fn start(
        config: &SourceConfig,
        receiver: impl FnOnce(SourceHandle) -> Arc<dyn Receive>,
    ) -> Result<Self, StartError> {
        let intake = Arc::new(Intake::new(config));
        let receiver = receiver(SourceHandle(intake.clone()));
        match &config.backend {
            #[cfg(feature = "amqp")]
            SourceBackendConfig::Amqp(amqp, consumer) => {
                Ok(Self::of(intake, crate::amqp::QueueReader::new(amqp, consumer), receiver))
            }
            #[cfg(feature = "kafka")]
            SourceBackendConfig::Kafka(kafka, group) => {
                Ok(Self::of(intake, crate::kafka::GroupReader::new(kafka, group), receiver))
            }
            #[cfg(feature = "mqtt")]
            SourceBackendConfig::Mqtt(mqtt) => {
                Ok(Self::of(intake, crate::mqtt::Subscriber::new(mqtt), receiver))
            }
            #[cfg(feature = "nats")]
            SourceBackendConfig::JetStream(nats, consumer) => {
                Ok(Self::of(intake, crate::nats::JetStreamReader::new(nats, consumer), receiver))
            }
            #[cfg(feature = "nats")]
            SourceBackendConfig::NatsQueue(nats, queue) => {
                Ok(Self::of(intake, crate::nats::QueueGroup::new(nats, queue), receiver))
            }
            #[cfg(feature = "nsq")]
            SourceBackendConfig::Nsq(nsq) => {
                Ok(Self::of(intake, crate::nsq::Consumer::new(nsq, &config.name), receiver))
            }
            #[cfg(feature = "redis")]
            SourceBackendConfig::RedisStreams(redis) => {
                Ok(Self::of(intake, crate::redis::StreamReader::new(redis), receiver))
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
                drop(receiver);
                Err(StartError::new(&config.name))
            }
        }
    }

    pub(crate) fn of<R: Reader>(intake: Arc<Intake>, reader: R, receiver: Arc<dyn Receive>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (intake, stop) = (intake.clone(), stop.clone());
            async move {
                tokio::select! {
                    () = reader::keep_reading(reader, &intake) => {}
                    _ = pump::run(&intake, &*receiver) => {}
                    () = stop.cancelled() => {}
                }
            }
        });
        Self { intake, task: Mutex::new(Some(task)), stop }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.intake.name()
    }

    /// What is measured of it.
    #[must_use]
    pub fn metrics(&self) -> &SourceMetrics {
        self.intake.metrics()
    }

    /// How it is now.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        self.intake.status()
    }

    /// Reads no more, waits until those who have messages have answered or `within` has passed, and leaves the broker.
    /// How many messages were held to the end: the broker gives them out again.
    ///
    /// # Cancel safety
    /// Cancel safe: the source ends when it is dropped.
    pub async fn close(&self, within: Duration) -> usize {
        let deadline = Instant::now() + within;
        self.intake.close(deadline);
        let task = self.task.lock().take();
        if let Some(mut task) = task {
            // A panic of it has been logged.
            if tokio::time::timeout_at(deadline + 2 * LEAVE_TIMEOUT, &mut task).await.is_err() {
                self.stop.cancel();
                let _ = task.await;
            }
        }
        self.intake.status().held
    }
}

/// The way back to a source, for who delivers its messages.
#[derive(Clone, Debug)]
pub struct SourceHandle(Arc<Intake>);

impl SourceHandle {
    /// What became of the delivery of that number. Of one that is not waited for any more nothing is noted.
    pub fn answered(&self, number: u64, answer: Answer) {
        self.0.answered(number, answer);
    }
}

impl Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests;
