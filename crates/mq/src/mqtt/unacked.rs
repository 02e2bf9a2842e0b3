//! Messages of a session that are not acked, by the ids of their packets.
//!
//! A client acks in the order in which messages came. What has ended behind one that has not waits for that one, and is
//! delivered again by a server that loses the connection meanwhile: by its id it is known then.

use super::decode::Publish;
use crate::source::Verdict;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is known of the messages of a session.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    /// By the ids of their packets.
    known: HashMap<u16, Known>,
    /// The ids of those that are held, by their numbers here.
    ids: BTreeMap<u64, u16>,
    /// The ids that came over this connection, in their order.
    order: VecDeque<u16>,
}

#[derive(Debug)]
struct Known {
    /// Of what is in it: an id may be used again by a server that has lost what it knew.
    fingerprint: u64,
    has_ended: bool,
    /// It came over this connection.
    is_here: bool,
}

/// What a message is that has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It is held, or has ended.
    Known,
}

impl Unacked {
    /// A message has come. The error is one line.
    pub(super) fn arrive(&mut self, publish: &Publish) -> Result<Arrival, String> {
        let (id, fingerprint) = (publish.id, fingerprint(publish));
        if let Some(known) = self.known.get_mut(&id) {
            let is_same = known.fingerprint == fingerprint && publish.is_repeated;
            if known.is_here {
                let twice = || format!("the broker uses the id {id} again before it was acked");
                return if is_same { Ok(Arrival::Known) } else { Err(twice()) };
            }
            if is_same {
                known.is_here = true;
                self.order.push_back(id);
                return Ok(Arrival::Known);
            }
            // The one before of this id is the server's no more.
            self.ids.retain(|_, other| *other != id);
        }
        self.order.push_back(id);
        self.known.insert(id, Known { fingerprint, has_ended: false, is_here: true });
        Ok(Arrival::New)
    }

    /// The new message of that id has this number.
    pub(super) fn hold(&mut self, id: u16, number: u64) {
        self.ids.insert(number, id);
    }

    /// These have ended.
    pub(super) fn end(&mut self, ended: &[(u64, Verdict)]) {
        for (number, _) in ended {
            let known = self.ids.remove(number).and_then(|id| self.known.get_mut(&id));
            if let Some(known) = known {
                known.has_ended = true;
            }
        }
    }

    /// The ids that are to be acked now, in their order.
    pub(super) fn take_acks(&mut self) -> Vec<u16> {
        let mut acks = Vec::new();
        while let Some(id) = self.order.front().copied() {
            if !self.known.get(&id).is_none_or(|known| known.has_ended) {
                break;
            }
            self.order.pop_front();
            self.known.remove(&id);
            acks.push(id);
        }
        acks
    }

    /// The connection is another one: the server sends again what it has not got acks of, if it `knows` the session.
    pub(super) fn begin(&mut self, knows: bool) {
        self.order.clear();
        if !knows {
            self.known.clear();
            self.ids.clear();
        }
        self.known.values_mut().for_each(|known| known.is_here = false);
    }
}

fn fingerprint(publish: &Publish) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&publish.topic, &publish.properties, &publish.payload).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(id: u16, payload: &'static str, is_repeated: bool) -> Publish {
        Publish {
            is_repeated,
            qos: 1,
            id,
            topic: "t".to_owned(),
            payload: payload.into(),
            ..Publish::default()
        }
    }

    fn done(number: u64) -> [(u64, Verdict); 1] {
        [(number, Verdict::Done)]
    }

    #[test]
    fn acks_are_in_the_order_of_the_messages() {
        let mut unacked = Unacked::default();
        for id in 1..=3 {
            assert_eq!(unacked.arrive(&publish(id, "a", false)), Ok(Arrival::New));
            unacked.hold(id, 10 + u64::from(id));
        }
        unacked.end(&done(12));
        assert_eq!(unacked.take_acks(), [0; 0]);
        // Once more over the same connection, and another one of that id.
        assert_eq!(unacked.arrive(&publish(2, "a", true)), Ok(Arrival::Known));
        assert!(unacked.arrive(&publish(2, "a", false)).is_err());
        assert!(unacked.arrive(&publish(2, "b", true)).is_err());
        unacked.end(&done(11));
        assert_eq!(unacked.take_acks(), [1, 2]);
        // An id is used again.
        assert_eq!(unacked.arrive(&publish(1, "b", false)), Ok(Arrival::New));
        unacked.hold(1, 14);
        unacked.end(&done(14));
        assert_eq!(unacked.take_acks(), [0; 0]);
        unacked.end(&done(13));
        assert_eq!(unacked.take_acks(), [3, 1]);
        assert!(unacked.known.is_empty() && unacked.ids.is_empty() && unacked.order.is_empty());
    }

    #[test]
    fn what_is_sent_again_is_known_and_acked_where_it_came_again() {
        let mut unacked = Unacked::default();
        for (id, payload) in [(1, "a"), (2, "b"), (3, "c")] {
            unacked.arrive(&publish(id, payload, false)).unwrap();
            unacked.hold(id, u64::from(id));
        }
        unacked.end(&done(2));
        unacked.begin(true);
        // Not before the server has said again what it asks an ack of.
        unacked.end(&done(1));
        assert_eq!(unacked.take_acks(), [0; 0]);
        assert_eq!(unacked.arrive(&publish(1, "a", true)), Ok(Arrival::Known));
        assert_eq!(unacked.arrive(&publish(2, "b", true)), Ok(Arrival::Known));
        assert_eq!(unacked.take_acks(), [1, 2]);
        // Another message has the id of one that is held: the server has lost what it knew.
        assert_eq!(unacked.arrive(&publish(3, "d", true)), Ok(Arrival::New));
        unacked.hold(3, 4);
        unacked.end(&done(3));
        assert_eq!(unacked.take_acks(), [0; 0]);
        unacked.end(&done(4));
        assert_eq!(unacked.take_acks(), [3]);
        unacked.arrive(&publish(1, "e", false)).unwrap();
        unacked.hold(1, 5);
        // The server does not know the session any more.
        unacked.begin(false);
        unacked.end(&done(5));
        assert_eq!(unacked.take_acks(), [0; 0]);
        assert_eq!(unacked.arrive(&publish(1, "e", false)), Ok(Arrival::New));
    }
}
