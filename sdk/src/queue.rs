//! A bounded queue between a connection's task and users.

use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// A bounded queue of what came and nobody has taken yet.
///
/// A full queue refuses at once: the connection's task must never wait for a user.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Notify,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// Places taken by [`Place`]s.
    reserved: usize,
    closed: bool,
}

/// Why something was not queued, and the thing itself.
#[derive(Debug)]
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), reserved: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Notify::new(), capacity }
    }

    pub(crate) fn push(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        if state.items.len() + state.reserved >= self.capacity {
            return Err(Refused::Full(item));
        }
        state.items.push_back(item);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// A place for an item that is not there yet.
    pub(crate) fn reserve(&self) -> Result<Place<'_, T>, Refused<()>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Closed(()));
        }
        if state.items.len() + state.reserved >= self.capacity {
            return Err(Refused::Full(()));
        }
        state.reserved += 1;
        Ok(Place(self))
    }

    /// The oldest item; `None` once the queue is closed. Cancel safe.
    pub(crate) async fn pop(&self) -> Option<T> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(item) = state.items.pop_front() {
                    return Some(item);
                }
                if state.closed {
                    return None;
                }
            }
            let mut arrived = std::pin::pin!(self.arrived.notified());
            arrived.as_mut().enable();
            // What came between the look and the registration has left no notice for this one.
            if self.has_news() {
                continue;
            }
            arrived.await;
        }
    }

    /// Takes nothing more, and hands out what is left: [`pop`](Self::pop) returns `None` from now on.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let mut state = self.state.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.items);
        drop(state);
        self.arrived.notify_waiters();
        left
    }

    fn has_news(&self) -> bool {
        let state = self.state.lock();
        state.closed || !state.items.is_empty()
    }
}

/// A place in a queue. Given back when dropped.
pub(crate) struct Place<'a, T>(&'a Queue<T>);

impl<T> Place<'_, T> {
    /// Puts `item` there. It is dropped if the queue was closed meanwhile.
    pub(crate) fn fill(self, item: T) {
        let mut state = self.0.state.lock();
        if !state.closed {
            state.items.push_back(item);
            self.0.arrived.notify_one();
        }
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        self.0.state.lock().reserved -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_too() {
        let queue = Queue::new(1);
        assert!(queue.push(1).is_ok());
        assert!(matches!(queue.push(2), Err(Refused::Full(2))));
        assert_eq!(queue.pop().now_or_never(), Some(Some(1)));
        assert!(queue.push(3).is_ok());
        assert_eq!(queue.close(), [3]);
        assert!(matches!(queue.push(4), Err(Refused::Closed(4))));
        assert_eq!(queue.pop().now_or_never(), Some(None));
    }

    #[test]
    fn a_reserved_place_counts_until_it_is_given_back() {
        let queue = Queue::new(1);
        let place = queue.reserve().map_err(drop).unwrap();
        assert!(matches!(queue.push(1), Err(Refused::Full(1))));
        assert!(matches!(queue.reserve(), Err(Refused::Full(()))));
        place.fill(2);
        assert_eq!(queue.pop().now_or_never(), Some(Some(2)));
        drop(queue.reserve());
        assert!(queue.push(3).is_ok());
    }

    #[tokio::test]
    async fn every_waiter_gets_an_item_even_if_another_gave_up() {
        let queue = Queue::new(8);
        let mut gave_up = Box::pin(queue.pop());
        let mut waits = Box::pin(queue.pop());
        assert!(gave_up.as_mut().now_or_never().is_none());
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(queue.push(1).is_ok());
        drop(gave_up);
        assert_eq!(waits.await, Some(1));
    }
}
