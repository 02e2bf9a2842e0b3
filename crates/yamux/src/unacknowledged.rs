//! How many streams of our own the peer has not taken yet.

use crate::queue::Queue;

/// The most streams that a side opens before the other has taken one of them. hashicorp/yamux refuses those beyond.
const MOST: usize = 256;

/// Streams that were given up before the peer had taken them are counted up to here: it may never say so of them.
const MOST_GIVEN_UP: usize = MOST / 2;

/// Streams of our own that the peer has not taken yet, as it counts them: also those that were half-closed or given up
/// meanwhile, until it takes them out of its queue, which it does in their order.
#[derive(Debug, Default)]
pub(crate) struct Unacknowledged {
    open: usize,
    /// Their numbers.
    given_up: Queue,
}

impl Unacknowledged {
    pub(crate) fn is_full(&self) -> bool {
        self.open + self.given_up.len() >= MOST
    }

    pub(crate) fn opened(&mut self) {
        self.open += 1;
    }

    /// The peer has never heard of it.
    pub(crate) fn forgotten(&mut self) {
        self.open -= 1;
    }

    /// The peer has taken `stream`, and so all that were opened before it.
    pub(crate) fn taken(&mut self, stream: u32) {
        self.open -= 1;
        while self.given_up.front().is_some_and(|before| *before < stream) {
            self.given_up.pop_front();
        }
        self.given_up.tidy();
    }

    pub(crate) fn given_up(&mut self, stream: u32) {
        self.open -= 1;
        if self.given_up.len() == MOST_GIVEN_UP {
            self.given_up.pop_front();
        }
        self.given_up.push_back(stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_given_up_count_until_a_later_one_is_taken() {
        let mut streams = Unacknowledged::default();
        (0..MOST).for_each(|_| streams.opened());
        assert!(streams.is_full());
        for stream in [1, 3, 5] {
            streams.given_up(stream);
        }
        assert!(streams.is_full());
        streams.taken(4);
        assert_eq!((streams.open, streams.given_up.len()), (MOST - 4, 1));
        assert!(!streams.is_full());
    }

    #[test]
    fn streams_that_are_given_up_for_ever_leave_room_for_others() {
        let mut streams = Unacknowledged::default();
        for stream in 0..10_000 {
            assert!(!streams.is_full());
            streams.opened();
            streams.given_up(stream);
        }
        assert_eq!(streams.given_up.len(), MOST_GIVEN_UP);
    }
}
