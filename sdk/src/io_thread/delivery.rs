//! How answers come from the thread that carries connections to those who wait for them.

use crate::connection::Answer;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::task::Poll;
use tokio::sync::oneshot;

/// An answer, and who waits for it.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) reply: oneshot::Sender<Answer>,
    pub(crate) answer: Answer,
}

impl Completion {
    /// Hands it over.
    pub(crate) fn deliver(self) {
        // The requester may have given up.
        let _ = self.reply.send(self.answer);
    }
}

/// Answers that have come and are handed over together.
///
/// The first one wakes the task that hands them over, which runs behind all connections that have something to read
/// now. So the program's threads wake up once for the answers of many connections.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Bounded by what is read in one turn of all connections.
    completions: Mutex<Vec<Completion>>,
    postman: AtomicWaker,
}

impl Delivery {
    /// Hands `completion` over soon.
    pub(crate) fn add(&self, completion: Completion) {
        let mut completions = self.completions.lock();
        completions.push(completion);
        let is_first = completions.len() == 1;
        drop(completions);
        if is_first {
            self.postman.wake();
        }
    }

    /// Hands over for ever, on the thread.
    pub(super) async fn run(&self) {
        let mut completions = Vec::new();
        poll_fn(|cx| {
            self.postman.register(cx.waker());
            std::mem::swap(&mut *self.completions.lock(), &mut completions);
            completions.drain(..).for_each(Completion::deliver);
            Poll::Pending
        })
        .await
    }
}
