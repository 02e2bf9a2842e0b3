//! What is known of messages of a channel, for as long as the source is there.
//!
//! A message belongs to the connection that it came by: only there it can be ended. When that is lost nsqd gives it out again
//! once its time is over, here or elsewhere; here it is known by its id.

use super::frame::MessageId;
use frontier_config::HostPort;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// Messages that have ended of which that is remembered, at least: nsqd does not say that it has heard of an end.
const REMEMBERED: usize = 4096;

/// A message of one nsqd.
pub(super) type Key = (HostPort, MessageId);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    by_number: BTreeMap<u64, Key>,
    keys: HashSet<Key>,
    /// Those that have ended, the last ones.
    ended: HashSet<Key>,
    order: VecDeque<Key>,
}

/// What a message is that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It is held.
    Held,
    /// It has ended: nsqd has not heard of that.
    Ended,
}

impl Held {
    pub(super) fn arrive(&self, key: &Key) -> Arrival {
        if self.keys.contains(key) {
            Arrival::Held
        } else if self.ended.contains(key) {
            Arrival::Ended
        } else {
            Arrival::New
        }
    }

    /// A new one has this number.
    pub(super) fn hold(&mut self, number: u64, key: Key) {
        self.keys.insert(key.clone());
        self.by_number.insert(number, key);
    }

    /// The message of this number has ended: which one that was.
    pub(super) fn end(&mut self, number: u64, most: usize) -> Option<Key> {
        let key = self.by_number.remove(&number)?;
        self.keys.remove(&key);
        if self.ended.insert(key.clone()) {
            self.order.push_back(key.clone());
        }
        while self.order.len() > most.max(REMEMBERED) {
            if let Some(oldest) = self.order.pop_front() {
                self.ended.remove(&oldest);
            }
        }
        Some(key)
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        let id: MessageId = format!("{number:016}").into_bytes().try_into().unwrap();
        ("a:1".parse().unwrap(), id)
    }

    #[test]
    fn what_is_given_out_again_is_known_and_what_has_ended_for_some_time() {
        let mut held = Held::default();
        assert_eq!(held.arrive(&key(1)), Arrival::New);
        held.hold(7, key(1));
        assert_eq!((held.arrive(&key(1)), held.len()), (Arrival::Held, 1));
        // Another nsqd numbers its own.
        assert_eq!(held.arrive(&("b:1".parse().unwrap(), key(1).1)), Arrival::New);
        assert_eq!((held.end(7, 1), held.end(7, 1)), (Some(key(1)), None));
        assert_eq!((held.arrive(&key(1)), held.len()), (Arrival::Ended, 0));
        for number in 2..=REMEMBERED + 1 {
            held.hold(number as u64, key(number));
            held.end(number as u64, 1);
        }
        assert_eq!((held.arrive(&key(1)), held.arrive(&key(2))), (Arrival::New, Arrival::Ended));
        assert_eq!(held.order.len(), held.ended.len());
    }
}
