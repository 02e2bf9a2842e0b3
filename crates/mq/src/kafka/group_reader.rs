//! A member of a consumer group of Kafka as a source.
//!
//! ```text
//!   poll ─▶ unread ─▶ held, by partition ─▶ ended ─▶ commit, up to the first that has not ended
//!    └─(a rebalance)─▶ commit; what is held of those partitions is another member's
//! ```
//!
//! The library keeps the membership and the connections, and finds brokers again, as long as it is polled. So a source polls
//! without room as well, with all partitions paused. A session ends where the library is of no use any more, or topics have
//! changed: the next one joins anew.

mod incoming;
mod membership;
mod session;
mod starts;
mod topics;

use super::connect::{self, describe};
use super::progress::Seen;
use crate::source::{Intake, Reader};
use crate::text::of_servers;
use crate::{KafkaGroup, KafkaSourceConfig};
use krafka::consumer::{AutoOffsetReset, IsolationLevel, PartitionAssignmentStrategy};
use krafka::{Kafka, KrafkaError};
use membership::Membership;
use session::GroupSession;
use std::time::Duration;
use topics::Topics;
use tracing::warn;

/// Records that one poll gives, at most.
const BATCH: i32 = 1024;

/// How long a poll may take: what has ended meanwhile waits no longer for its commit.
const POLL: Duration = Duration::from_millis(100);

/// How long brokers wait for a sign of life of a member.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the group waits in a rebalance for a member that is alive.
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(30);

/// How old what is known of topics may be.
const METADATA_AGE: Duration = Duration::from_secs(2);

/// How long the group may take to be left.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A member of a group.
#[derive(Debug)]
pub(crate) struct GroupReader {
    config: KafkaSourceConfig,
    group: KafkaGroup,
    /// How far it was in each partition, in whichever session.
    seen: Seen,
}

impl GroupReader {
    pub(crate) fn new(config: &KafkaSourceConfig, group: &KafkaGroup) -> Self {
        Self { config: config.clone(), group: group.clone(), seen: Seen::default() }
    }

    async fn kafka(&self, intake: &Intake) -> Result<Kafka, String> {
        let KafkaSourceConfig { addrs, credentials, mechanism, tls } = &self.config;
        let bounds = intake.bounds();
        let names: Vec<String> = addrs.iter().map(ToString::to_string).collect();
        Kafka::builder(names.join(","))
            .client_id(format!("frontier-{}", intake.name()))
            .security(connect::security(credentials, *mechanism, tls.as_ref()).await?)
            .request_timeout(bounds.silence)
            .connect_timeout(bounds.connect_timeout.min(bounds.silence))
            .metadata_max_age(METADATA_AGE)
            .allow_auto_create_topics(false)
            .connect()
            .await
            .map_err(|error| of_servers(&error.to_string(), addrs))
    }
}

impl Reader for GroupReader {
    type Session = GroupSession;

    async fn connect(&mut self, intake: &Intake) -> Result<GroupSession, String> {
        let kafka = self.kafka(intake).await?;
        let membership = Membership::new(intake.name(), self.seen.clone());
        let bytes = i32::try_from(intake.bounds().bytes).unwrap_or(i32::MAX);
        let consumer = kafka
            .consumer(self.group.group.clone())
            // A partition without a position is given one here, which loses nothing.
            .auto_offset_reset(AutoOffsetReset::None)
            .isolation_level(IsolationLevel::ReadCommitted)
            .enable_auto_commit(false)
            // What is no one else's goes on while others come and go.
            .partition_assignment_strategies(vec![
                PartitionAssignmentStrategy::CooperativeSticky,
                PartitionAssignmentStrategy::Range,
            ])
            .max_poll_records(BATCH.min(i32::try_from(intake.bounds().messages).unwrap_or(BATCH)))
            // No cap: with one a poll that has paused partitions behind it returns at once, for ever.
            .max_buffered_records(0)
            .fetch_max_bytes(bytes)
            .fetch_max_wait(POLL)
            .session_timeout(SESSION_TIMEOUT)
            .max_poll_interval(REBALANCE_TIMEOUT)
            .heartbeat_interval(SESSION_TIMEOUT / 10)
            .metrics_push(false)
            .rebalance_listener(membership.clone())
            .build()
            .await
            .map_err(|error| describe(&error))?;
        let topics = Topics::of(&consumer, &self.group.topics).await?;
        for missing in topics.missing() {
            warn!(
                source = intake.name(),
                topic = missing,
                "there is no such topic, or none to be read; it is looked for"
            );
        }
        consumer.subscribe(topics.there()).await.map_err(|error| describe(&error))?;
        Ok(GroupSession::new(consumer, membership, topics, &self.group))
    }

    async fn run(&mut self, session: &mut GroupSession, intake: &Intake) -> String {
        let cause = session.run(intake).await;
        self.seen = session.give_up(intake);
        cause
    }

    /// What is held was looked at where the session ended.
    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, session: GroupSession, intake: &Intake) {
        session.leave(intake).await;
    }
}

/// What passes without a new consumer. So does a batch that can't be read, for all partitions but its own.
fn is_passing(error: &KrafkaError) -> bool {
    !error.is_fatal() && (error.is_retriable() || error.protocol_error_kind().is_some())
}
