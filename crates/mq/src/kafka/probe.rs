//! Whether a broker lets us in, and has the topics. None is made.

use super::Kafka;
use super::connect::describe;
use crate::backend::Backend;
use crate::{Bounds, KafkaConfig};
use krafka::KrafkaError;
use krafka::error::ErrorCode;
use tokio::task::JoinSet;

/// Topics that are asked for at once.
const AT_ONCE: usize = 64;

/// What is wrong with the topics of these names.
pub(crate) async fn look(
    config: &KafkaConfig,
    name: &'static str,
    bounds: Bounds,
    topics: Vec<String>,
) -> Result<Vec<String>, String> {
    let bare = KafkaConfig { create_topics: false, ..config.clone() };
    let session = Kafka::new(&bare, name, bounds).connect().await?;
    let mut faults = Vec::new();
    for some in topics.chunks(AT_ONCE) {
        let mut asking = JoinSet::new();
        for topic in some.iter().cloned() {
            let producer = session.producer.clone();
            asking.spawn(async move {
                let error = producer.partitions_for(&topic).await.err()?;
                Some((topic, error))
            });
        }
        for (topic, error) in asking.join_all().await.into_iter().flatten() {
            let is_unknown = matches!(error, KrafkaError::UnknownTopic { .. })
                || matches!(error, KrafkaError::Broker { code: ErrorCode::UnknownTopicOrPartition, .. });
            // One that is not there may be made by its first message.
            if !(is_unknown && config.create_topics) {
                faults.push(format!("{topic:?}: {}", describe(&error)));
            }
        }
    }
    Ok(faults)
}
