//! What waits for one topic of Kafka: until brokers tell of it, or until each record of a refused batch was sent alone.

use crate::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A message with its number.
pub(super) type Numbered = (u64, Arc<Message>);

/// A topic that something waits for, or is in flight to.
#[derive(Debug, Default)]
pub(super) struct Topic {
    waiting: VecDeque<Numbered>,
    /// Of batches that were refused, by number.
    doubtful: BTreeMap<u64, Arc<Message>>,
    pub(super) in_flight: usize,
    /// What is in flight is one that goes alone.
    has_one_alone: bool,
    /// Brokers are being asked about it.
    pub(super) is_asked: bool,
}

/// What is to be sent next.
#[derive(Debug)]
pub(super) enum Next {
    /// This one, with others.
    Together(Numbered),
    /// This one alone.
    Alone(Numbered),
    /// Nothing, for now.
    Nothing,
}

impl Topic {
    /// One more is to be sent.
    pub(super) fn push(&mut self, message: Numbered) {
        self.waiting.push_back(message);
    }

    /// This one could not be sent yet.
    pub(super) fn put_back(&mut self, message: Numbered) {
        self.waiting.push_front(message);
    }

    /// This one was in a batch that was refused.
    pub(super) fn doubt(&mut self, (number, message): Numbered) {
        self.doubtful.insert(number, message);
    }

    /// Takes what is to be sent next: doubtful ones alone, in their order, once nothing is in flight, and nothing beside them.
    pub(super) fn next(&mut self) -> Next {
        self.has_one_alone &= self.in_flight > 0;
        if self.is_asked || self.has_one_alone {
            return Next::Nothing;
        }
        if self.doubtful.is_empty() {
            return self.waiting.pop_front().map_or(Next::Nothing, Next::Together);
        }
        match self.in_flight {
            0 => {
                self.has_one_alone = true;
                self.doubtful.pop_first().map_or(Next::Nothing, Next::Alone)
            }
            _ => Next::Nothing,
        }
    }

    /// Takes everything.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Numbered> {
        let doubtful = std::mem::take(&mut self.doubtful);
        doubtful.into_iter().chain(std::mem::take(&mut self.waiting))
    }

    /// Whether nobody waits for it.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.doubtful.is_empty() && self.in_flight == 0 && !self.is_asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn numbered(number: u64) -> Numbered {
        let (custom, payload) = (Bytes::new(), Bytes::new());
        (
            number,
            Arc::new(Message {
                edge_id: 1,
                job: None,
                topic: "t".into(),
                custom,
                labels: Vec::new(),
                payload,
                id: None,
            }),
        )
    }

    #[test]
    fn records_of_a_refused_batch_go_alone_and_before_what_waits() {
        let mut topic = Topic::default();
        (1..4).for_each(|number| topic.push(numbered(number)));
        assert!(matches!(topic.next(), Next::Together((1, _))));
        assert!(matches!(topic.next(), Next::Together((2, _))));
        topic.in_flight = 2;
        topic.doubt(numbered(2));
        assert!(matches!(topic.next(), Next::Nothing), "one is in flight");
        topic.doubt(numbered(1));
        topic.in_flight = 0;
        assert!(matches!(topic.next(), Next::Alone((1, _))));
        topic.in_flight = 1;
        assert!(matches!(topic.next(), Next::Nothing));
        topic.in_flight = 0;
        assert!(matches!(topic.next(), Next::Alone((2, _))));
        topic.in_flight = 1;
        assert!(matches!(topic.next(), Next::Nothing), "no other gets into its batch");
        topic.in_flight = 0;
        assert!(matches!(topic.next(), Next::Together((3, _))));
        assert!(topic.is_idle());
    }
}
