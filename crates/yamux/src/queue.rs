//! A queue of stream numbers, or other values, that is empty most of the time.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

static EMPTY: VecDeque<u32> = VecDeque::new();

/// A queue that takes the room of a pointer until something is put into it: a connection has a dozen of them.
#[derive(Debug, Default)]
pub(crate) struct Queue(#[expect(clippy::box_collection, reason = "see above")] Option<Box<VecDeque<u32>>>);

impl Queue {
    /// Takes the first out. A queue that becomes empty with it keeps its room: see [`tidy`](Self::tidy).
    pub(crate) fn pop_front(&mut self) -> Option<u32> {
        self.0.as_mut()?.pop_front()
    }

    /// Gives the room of an empty queue back.
    pub(crate) fn tidy(&mut self) {
        self.0.take_if(|queue| queue.is_empty());
    }
}

impl Deref for Queue {
    type Target = VecDeque<u32>;

    fn deref(&self) -> &VecDeque<u32> {
        self.0.as_deref().unwrap_or(&EMPTY)
    }
}

impl DerefMut for Queue {
    fn deref_mut(&mut self) -> &mut VecDeque<u32> {
        self.0.get_or_insert_default()
    }
}

impl IntoIterator for Queue {
    type Item = u32;
    type IntoIter = std::collections::vec_deque::IntoIter<u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|queue| *queue).unwrap_or_default().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_room_only_while_there_is_something_in_it() {
        assert_eq!(size_of::<Queue>(), size_of::<usize>());
        let mut queue = Queue::default();
        assert_eq!((queue.pop_front(), queue.len(), queue.front()), (None, 0, None));
        queue.push_back(1);
        queue.push_back(2);
        queue.tidy();
        assert_eq!(queue.pop_front(), Some(1));
        assert_eq!(std::mem::take(&mut queue).into_iter().collect::<Vec<_>>(), [2]);
        assert!(queue.0.is_none());
        queue.push_back(3);
        assert_eq!(queue.pop_front(), Some(3));
        queue.tidy();
        assert!(queue.0.is_none());
    }
}
