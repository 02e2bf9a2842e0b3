//! Messages that the channel has got and the server has not confirmed, by their tags.

use super::decode::Confirm;
use std::collections::{BTreeMap, HashMap};

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its number among all that are pending.
    pub(super) number: u64,
    /// The number in its id, by which it comes back.
    pub(super) id: u64,
    /// Bytes of its payload.
    pub(super) size: usize,
    /// Of its routing key.
    pub(super) key: u64,
}

/// What is in flight on a channel.
#[derive(Debug, Default)]
pub(super) struct Window {
    sent: BTreeMap<u64, Sent>,
    /// The tag of the last one.
    last: u64,
    /// What came back, and why: each is confirmed just after.
    returned: HashMap<u64, String>,
}

impl Window {
    pub(super) fn push(&mut self, sent: Sent) {
        self.last += 1;
        self.sent.insert(self.last, sent);
    }

    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// The message with this number in its id came back.
    pub(super) fn return_back(&mut self, id: u64, why: String) {
        // One for each that is in flight: anything else is none of ours.
        if self.returned.len() < self.sent.len() {
            self.returned.insert(id, why);
        }
    }

    /// Why this message came back, if it did.
    pub(super) fn take_returned(&mut self, id: u64) -> Option<String> {
        self.returned.remove(&id)
    }

    /// Takes out the messages that a confirm is about.
    pub(super) fn take(&mut self, confirm: Confirm) -> Vec<Sent> {
        let Confirm { tag, multiple } = confirm;
        if !multiple {
            return self.sent.remove(&tag).into_iter().collect();
        }
        let later = match tag {
            0 => BTreeMap::new(),
            _ => self.sent.split_off(&tag.saturating_add(1)),
        };
        std::mem::replace(&mut self.sent, later).into_values().collect()
    }

    /// In their order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Sent> {
        self.sent.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirm_is_for_one_or_for_all_before_it() {
        let mut window = Window::default();
        for number in 10..16 {
            window.push(Sent { number, id: number, size: 1, key: 0 });
        }
        let mut numbers = |tag, multiple| {
            let taken = window.take(Confirm { tag, multiple });
            taken.iter().map(|sent| sent.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(2, false), [11]);
        assert_eq!(numbers(2, false), [0; 0]);
        assert_eq!(numbers(3, true), [10, 12]);
        assert_eq!(numbers(u64::MAX, false), [0; 0]);
        assert_eq!(numbers(4, true), [13]);
        assert_eq!(numbers(0, true), [14, 15]);
        assert_eq!(window.len(), 0);
    }
}
