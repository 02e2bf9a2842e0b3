//! Messages of a stream that wait to be received.

use super::signal::Signal;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::task::{Context, Poll};

/// Messages that wait for [`recv`](super::Stream::recv), `limit` at most. When it is full, reading
/// stops until one is taken.
#[derive(Debug)]
pub(super) struct Inbox {
    limit: usize,
    queue: Mutex<Queue>,
    waiting: Signal,
}

/// A message in the queue.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) topic: String,
    pub(super) data: Bytes,
    pub(super) custom: Bytes,
    /// The id to answer, if the sender wants an answer.
    pub(super) ack: Option<u64>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Delivery>,
    closed: bool,
}

impl Inbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), queue: Mutex::default(), waiting: Signal::default() }
    }

    /// Queues a message, or gives it back when the queue is full.
    pub(super) fn push(&self, message: Delivery) -> Result<(), Delivery> {
        let mut queue = self.queue.lock();
        if queue.messages.len() >= self.limit {
            return Err(message);
        }
        queue.messages.push_back(message);
        drop(queue);
        self.waiting.wake_waiting();
        Ok(())
    }

    /// The next message, and whether the queue was full; `None` when no more will come.
    pub(super) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<(Delivery, bool)>> {
        let mut queue = self.queue.lock();
        let full = queue.messages.len() >= self.limit;
        if let Some(message) = queue.messages.pop_front() {
            return Poll::Ready(Some((message, full)));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        self.waiting.register(cx.waker());
        Poll::Pending
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.queue.lock().closed = true;
        self.waiting.wake_waiting();
    }
}
