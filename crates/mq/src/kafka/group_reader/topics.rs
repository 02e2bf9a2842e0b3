//! The topics of a group, as they are now: a group does not notice by itself that one has come, gone, or grown.

use crate::kafka::connect::describe;
use crate::kafka::progress::Partition;
use futures_util::future::try_join_all;
use krafka::KrafkaError;
use krafka::consumer::Consumer;
use std::collections::BTreeMap;

/// What is known of a topic: its id, which a topic that is made again does not have, and how many partitions it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    id: [u8; 16],
    partitions: usize,
}

/// Topics of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics(BTreeMap<String, Option<Shape>>);

impl Topics {
    /// Asks the brokers. An error is one line: they do not answer, or have none of these.
    pub(super) async fn of(consumer: &Consumer, names: &[String]) -> Result<Self, String> {
        let topics = Self::ask(consumer, names).await?;
        if topics.there().next().is_none() {
            return Err(format!("there is no topic {}, or none to be read", names.join(", ")));
        }
        Ok(topics)
    }

    /// The same where there may be none.
    pub(super) async fn ask(consumer: &Consumer, names: &[String]) -> Result<Self, String> {
        // The library makes one request of them.
        let asked = names.iter().map(|name| async move {
            let known = consumer.fetch_metadata(Some(name)).await?;
            let shape = known.topics.into_iter().find(|topic| topic.name == *name);
            let shape = shape.map(|topic| Shape { id: topic.topic_id, partitions: topic.partition_count() });
            Ok((name.clone(), shape))
        });
        let topics: Result<_, KrafkaError> = try_join_all(asked).await;
        topics.map(|topics| Self(topics.into_iter().collect())).map_err(|error| describe(&error))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Those that are there.
    pub(super) fn there(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, shape)| shape.is_some()).map(|(name, _)| name.as_str())
    }

    /// Those that are not.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, shape)| shape.is_none()).map(|(name, _)| name.as_str())
    }

    /// Whether the topic of this partition is another one than it was: what was read of it is nothing to the brokers.
    pub(super) fn is_gone(&self, now: &Self, partition: &Partition) -> bool {
        let id = |topics: &Self| topics.0.get(&partition.0).copied().flatten().map(|shape| shape.id);
        id(self) != id(now)
    }

    /// Which ones have changed, in one line.
    pub(super) fn changed(&self, now: &Self) -> Option<String> {
        let changed = self.0.iter().filter(|(name, shape)| now.0.get(*name) != Some(shape));
        let changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
        (!changed.is_empty()).then(|| format!("the topic {} has come, gone or grown", changed.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(shapes: &[(&str, Option<(u8, usize)>)]) -> Topics {
        let shape = |(id, partitions)| Shape { id: [id; 16], partitions };
        Topics(shapes.iter().map(|(name, it)| ((*name).to_owned(), it.map(shape))).collect())
    }

    #[test]
    fn what_comes_goes_or_grows_is_noticed() {
        let before = topics(&[("a", Some((1, 3))), ("b", None), ("c", Some((3, 1))), ("d", Some((4, 1)))]);
        assert_eq!((before.there().count(), before.missing().collect::<Vec<_>>()), (3, vec!["b"]));
        assert_eq!(before.changed(&before.clone()), None);
        let after =
            topics(&[("a", Some((1, 4))), ("b", Some((2, 1))), ("c", Some((9, 1))), ("d", Some((4, 1)))]);
        assert_eq!(before.changed(&after).unwrap(), "the topic a, b, c has come, gone or grown");
        let of = |name: &str| (name.to_owned(), 0);
        assert!(!before.is_gone(&after, &of("a")) && before.is_gone(&after, &of("c")));
        assert!(before.is_gone(&topics(&[]), &of("d")));
    }
}
