//! What a member has: how far it is in each partition, and what a rebalance takes from it.

use crate::kafka::connect::describe;
use crate::kafka::progress::{Partition, Progress, Seen};
use krafka::KrafkaError;
use krafka::consumer::{Consumer, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition};
use krafka::error::ErrorCode;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// How long receivers may take to end what they have of partitions that go to others: what they have ended by then is not
/// delivered again.
const HANDOVER: Duration = Duration::from_secs(1);

/// What the library's rebalances share with the session.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) progress: Mutex<Progress>,
    /// Partitions that have gone, and of which what is held is to be forgotten.
    gone: Mutex<BTreeSet<Partition>>,
    /// Something has ended.
    ended: Notify,
    /// What is held of partitions that go to others is to end, and nothing else to begin.
    hands_over: AtomicBool,
    /// Nobody is waited for any more.
    is_leaving: AtomicBool,
    consumer: OnceLock<Weak<Consumer>>,
    source: String,
}

impl Membership {
    pub(super) fn new(source: &str, seen: Seen) -> Arc<Self> {
        Arc::new(Self {
            progress: Mutex::new(Progress::new(seen)),
            gone: Mutex::default(),
            ended: Notify::new(),
            hands_over: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            consumer: OnceLock::new(),
            source: source.to_owned(),
        })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn set_consumer(&self, consumer: &Arc<Consumer>) {
        // Set once.
        let _ = self.consumer.set(Arc::downgrade(consumer));
    }

    /// Nothing that is held ends any more.
    pub(super) fn set_leaving(&self) {
        self.is_leaving.store(true, Ordering::Release);
        self.ended.notify_one();
    }

    /// Whether nothing is to begin for now.
    pub(super) fn hands_over(&self) -> bool {
        self.hands_over.load(Ordering::Acquire)
    }

    /// These have ended.
    pub(super) fn end(&self, numbers: impl Iterator<Item = u64>) {
        self.progress.lock().end(numbers);
        self.ended.notify_one();
    }

    /// The partitions that have gone since the last call.
    pub(super) fn take_gone(&self) -> BTreeSet<Partition> {
        std::mem::take(&mut *self.gone.lock())
    }

    /// Commits how far these partitions are, or all. Whether it was committed, or there was nothing to be: else another
    /// commit does it.
    pub(super) async fn commit(&self, consumer: &Consumer, of: Option<&[Partition]>) -> bool {
        let offsets = self.progress.lock().uncommitted(of);
        if offsets.is_empty() {
            return true;
        }
        match consumer.commit_offsets(&by_partition(&offsets)).await {
            Ok(()) => {
                self.progress.lock().committed(&offsets);
                true
            }
            Err(error) => {
                let (source, cause) = (&*self.source, describe(&error));
                match is_of_a_rebalance(&error) {
                    true => debug!(source, cause, "not committed during a rebalance; trying again"),
                    false => warn!(source, cause, "not committed; trying again"),
                }
                false
            }
        }
    }

    /// Commits where a partition begins of which nothing was read.
    pub(super) async fn commit_start(&self, consumer: &Consumer, partition: &Partition, offset: i64) {
        if let Err(error) = consumer.commit_offsets(&by_partition(&[(partition.clone(), offset)])).await {
            warn!(
                source = self.source,
                cause = describe(&error),
                "where a partition begins was not committed"
            );
        }
    }

    async fn wait_for(&self, partitions: &[Partition]) {
        let done = async {
            while !self.is_leaving.load(Ordering::Acquire) && self.progress.lock().holds(partitions) {
                self.ended.notified().await;
            }
        };
        self.hands_over.store(true, Ordering::Release);
        let _ = timeout(HANDOVER, done).await;
        self.hands_over.store(false, Ordering::Release);
    }
}

impl ConsumerRebalanceListener for Membership {
    async fn on_partitions_assigned(&self, partitions: &[TopicPartition]) {
        if !partitions.is_empty() {
            info!(source = self.source, partitions = partitions.len(), "partitions are read here");
        }
    }

    async fn on_partitions_revoked(&self, partitions: &[TopicPartition]) {
        let partitions = named(partitions);
        self.wait_for(&partitions).await;
        if let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) {
            // What is not committed another member gets again.
            self.commit(&consumer, Some(&partitions)).await;
        }
        self.gone.lock().extend(partitions);
    }

    async fn on_partitions_lost(&self, partitions: &[TopicPartition]) {
        self.gone.lock().extend(named(partitions));
    }
}

fn named(partitions: &[TopicPartition]) -> Vec<Partition> {
    partitions.iter().map(|it| (it.topic().to_owned(), it.partition())).collect()
}

fn by_partition(offsets: &[(Partition, i64)]) -> HashMap<TopicPartition, OffsetAndMetadata> {
    let entry = |((topic, partition), offset): &(Partition, i64)| {
        (TopicPartition::new(topic.clone(), *partition), OffsetAndMetadata::new(*offset))
    };
    offsets.iter().map(entry).collect()
}

fn is_of_a_rebalance(error: &KrafkaError) -> bool {
    matches!(
        error,
        KrafkaError::Broker {
            code: ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId,
            ..
        }
    )
}
