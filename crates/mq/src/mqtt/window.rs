//! Messages that were published and that the server has not acked, by the ids of their packets.

use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// What is in flight.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// In the order in which they were published.
    sent: BTreeMap<u64, Sent>,
    /// Their places, by the ids of their packets.
    places: HashMap<u16, u64>,
    last_place: u64,
    last_id: u16,
}

/// A message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its number among all that are pending.
    pub(super) number: u64,
    pub(super) topic: String,
    /// Bytes of its payload.
    pub(super) size: usize,
    pub(super) at: Instant,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// The id of the next packet; `None` if all are in use.
    pub(super) fn free_id(&mut self) -> Option<u16> {
        if self.places.len() >= usize::from(u16::MAX) {
            return None;
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.places.contains_key(&self.last_id) {
                return Some(self.last_id);
            }
        }
    }

    /// A message goes in the packet of that id, which is free.
    pub(super) fn push(&mut self, id: u16, sent: Sent) {
        self.last_place += 1;
        self.places.insert(id, self.last_place);
        self.sent.insert(self.last_place, sent);
    }

    /// The message in the packet that was acked; `None` of one that is not in flight.
    pub(super) fn take(&mut self, id: u16) -> Option<Sent> {
        let place = self.places.remove(&id)?;
        self.sent.remove(&place)
    }

    /// Since when the oldest one is in flight.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.first_key_value().map(|(_, sent)| sent.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(number: u64, at: Instant) -> Sent {
        Sent { number, topic: "t".to_owned(), size: 1, at }
    }

    #[test]
    fn ids_are_free_again_once_they_are_acked() {
        let (mut window, now) = (Window::default(), Instant::now());
        for number in 0..u64::from(u16::MAX) {
            let id = window.free_id().unwrap();
            window.push(id, sent(number, now));
        }
        assert_eq!((window.free_id(), window.len()), (None, 65_535));
        assert_eq!((window.take(7), window.take(7)), (Some(sent(6, now)), None));
        assert_eq!(window.free_id(), Some(7));
        assert_eq!(window.take(0), None);
    }

    #[test]
    fn the_oldest_one_is_known() {
        let (mut window, now) = (Window::default(), Instant::now());
        let later = now + std::time::Duration::from_secs(1);
        assert_eq!(window.oldest(), None);
        window.push(1, sent(10, now));
        window.push(2, sent(11, later));
        assert_eq!(window.oldest(), Some(now));
        assert_eq!(window.take(1), Some(sent(10, now)));
        assert_eq!(window.oldest(), Some(later));
    }
}
