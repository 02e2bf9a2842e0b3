//! Streams that the peer opened and that nobody has yet.

use std::collections::{HashMap, VecDeque};

/// Streams that the peer opened and that nobody has yet, and which of them it gave up again.
///
/// Whatever a peer opens and gives up, in whatever order, costs a few steps a stream: one that is dropped stays in the rows
/// until these are mostly of such, and each place is looked at once before.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    waiting: HashMap<u32, Waiting>,
    /// In the order in which they came.
    order: VecDeque<Place>,
    /// Those that were given up, in the order in which that came.
    given_up: VecDeque<Place>,
    last: u64,
    /// Places that were looked at.
    #[cfg(test)]
    steps: usize,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    turn: u64,
    is_given_up: bool,
}

/// A stream, and which of all that came it is: a number may come again once its stream was dropped.
type Place = (u32, u64);

impl Backlog {
    /// One more, which is not among them.
    pub(crate) fn push(&mut self, stream: u32) {
        self.last += 1;
        self.waiting.insert(stream, Waiting { turn: self.last, is_given_up: false });
        self.order.push_back((stream, self.last));
        self.tidy();
    }

    /// Takes the first one.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let first = self.first()?;
        self.remove(first);
        Some(first)
    }

    /// The first one.
    pub(crate) fn first(&mut self) -> Option<u32> {
        while let Some(&(stream, turn)) = self.order.front() {
            self.step(1);
            if self.is_waiting(stream, turn) {
                return Some(stream);
            }
            self.order.pop_front();
        }
        None
    }

    /// The peer has given it up. Whether that is new, of one that is among them.
    pub(crate) fn give_up(&mut self, stream: u32) -> bool {
        let Some(waiting) = self.waiting.get_mut(&stream) else { return false };
        if std::mem::replace(&mut waiting.is_given_up, true) {
            return false;
        }
        self.given_up.push_back((stream, waiting.turn));
        true
    }

    /// The one that was given up first.
    pub(crate) fn oldest_given_up(&mut self) -> Option<u32> {
        while let Some(&(stream, turn)) = self.given_up.front() {
            self.step(1);
            if self.is_waiting(stream, turn) {
                return Some(stream);
            }
            self.given_up.pop_front();
        }
        None
    }

    pub(crate) fn remove(&mut self, stream: u32) {
        self.waiting.remove(&stream);
        self.tidy();
    }

    fn is_waiting(&self, stream: u32, turn: u64) -> bool {
        self.waiting.get(&stream).is_some_and(|waiting| waiting.turn == turn)
    }

    /// Forgets the places of those that are gone, once there are more of them than of others.
    fn tidy(&mut self) {
        if self.waiting.is_empty() {
            // Holds nothing while nobody waits.
            (self.waiting, self.order, self.given_up) = Default::default();
            return;
        }
        let most = 2 * self.waiting.len() + 16;
        if self.order.len() > most || self.given_up.len() > most {
            self.step(self.order.len() + self.given_up.len());
            let waiting = &self.waiting;
            let stands =
                |(stream, turn): &Place| waiting.get(stream).is_some_and(|waiting| waiting.turn == *turn);
            self.order.retain(stands);
            self.given_up.retain(stands);
        }
    }

    #[cfg(test)]
    fn step(&mut self, places: usize) {
        self.steps += places;
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count")]
    fn step(&self, _places: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_taken_in_the_order_in_which_they_came() {
        let mut backlog = Backlog::default();
        [1, 3, 5, 7].into_iter().for_each(|stream| backlog.push(stream));
        assert!(backlog.give_up(5) && !backlog.give_up(5) && backlog.give_up(3) && !backlog.give_up(9));
        assert_eq!((backlog.first(), backlog.oldest_given_up()), (Some(1), Some(5)));
        backlog.remove(5);
        assert!(!backlog.give_up(5), "it is none of them any more");
        // The number comes again, and behind the others.
        backlog.push(5);
        assert_eq!(backlog.oldest_given_up(), Some(3));
        assert_eq!(std::iter::from_fn(|| backlog.pop()).collect::<Vec<_>>(), [1, 3, 7, 5]);
        assert_eq!((backlog.oldest_given_up(), backlog.order.capacity()), (None, 0));
    }

    #[test]
    fn what_a_stream_costs_does_not_grow_with_how_many_wait() {
        for waiting in [10, 100, 1_000, 10_000] {
            let mut backlog = Backlog::default();
            (0..waiting).for_each(|stream| backlog.push(stream));
            // Given up with bytes in it, and so the first to make room for the next.
            let flood = 20_000;
            for stream in waiting..waiting + flood {
                backlog.push(stream);
                backlog.give_up(stream);
                if stream % 3 == 0 {
                    backlog.give_up(stream - waiting);
                }
                let oldest = backlog.oldest_given_up().unwrap();
                backlog.remove(oldest);
                backlog.first();
            }
            let per_stream = backlog.steps / usize::try_from(flood).unwrap();
            assert!(per_stream <= 8, "{per_stream} steps a stream with {waiting} that wait");
            assert!(backlog.order.len() <= 2 * backlog.waiting.len() + 16);
        }
    }
}
