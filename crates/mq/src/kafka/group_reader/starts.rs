//! Where a partition begins that has no position: that of the group, the first record that is still there, or the end.
//!
//! The library would begin anew by its setting wherever it does not find an offset. Here it asks first: what a group has
//! not read is not passed over because a partition is new, or because retention was quicker.

use super::membership::Membership;
use crate::kafka::progress::Partition;
use krafka::Result;
use krafka::consumer::Consumer;
use tracing::{info, warn};

/// Records that were deleted before they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone(pub(super) usize);

/// Gives these partitions a position.
pub(super) async fn give(
    consumer: &Consumer,
    membership: &Membership,
    partitions: &[Partition],
    from_beginning: bool,
) -> Result<Gone> {
    let mut gone = Gone::default();
    for partition in partitions {
        let (topic, number) = (partition.0.as_str(), partition.1);
        let (low, high) = consumer.fetch_watermarks(topic, number).await?;
        let committed = consumer.committed(&[(topic, number)]).await?;
        let committed = committed.into_values().next().map(|it| it.offset);
        let reached = consumer.position(topic, number).await.or(committed);
        let start = match reached {
            Some(reached) => {
                let missed = usize::try_from(low.saturating_sub(reached)).unwrap_or(0);
                gone.0 += missed;
                warn!(
                    source = membership.source(),
                    topic,
                    partition = number,
                    reached,
                    first = low,
                    end = high,
                    "what was to be read next is not there: it goes on with the first record that is"
                );
                low
            }
            None if from_beginning || knows_topic(consumer, topic).await? => low,
            None => {
                // So that it begins here as well if nothing is read until the next start.
                membership.commit_start(consumer, partition, high).await;
                high
            }
        };
        info!(
            source = membership.source(),
            topic,
            partition = number,
            start,
            "a partition has its first position"
        );
        consumer.seek(topic, number, start).await?;
    }
    Ok(gone)
}

/// Whether the group has committed anything of the topic: then a partition without an offset is one that was added.
async fn knows_topic(consumer: &Consumer, topic: &str) -> Result<bool> {
    let known = consumer.fetch_metadata(Some(topic)).await?;
    let numbers = known.topics.iter().filter(|it| it.name == topic).flat_map(|it| it.partitions.keys());
    let partitions: Vec<(&str, i32)> = numbers.map(|number| (topic, *number)).collect();
    Ok(!consumer.committed(&partitions).await?.is_empty())
}
