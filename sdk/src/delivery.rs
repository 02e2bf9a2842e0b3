//! How answers come from the thread that carries connections to those who wait for them.

use crate::connection::Answer;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::Poll;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// Those of all runtimes that have clients.
static ALL: Mutex<Vec<(Id, Weak<Delivery>)>> = Mutex::new(Vec::new());

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

/// Answers for the callers of one runtime, on which a task hands them over.
///
/// The thread for connections wakes that task, once for all answers that have come until it runs, and it wakes the
/// callers: for tasks of one runtime that takes no system call each, as it would from another thread.
#[derive(Debug)]
pub(crate) struct Delivery(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    task: AtomicWaker,
}

/// Answers that wait for the task.
#[derive(Debug, Default)]
struct Waiting {
    /// Bounded by the calls that are pending.
    completions: Vec<Completion>,
    /// Whether there is no task any more: its runtime, or the last client, is gone.
    has_ended: bool,
}

impl Delivery {
    /// That of a runtime, which all clients share that were built there.
    pub(crate) fn of(runtime: &Handle) -> Arc<Self> {
        let mut all = ALL.lock();
        all.retain(|(_, delivery)| delivery.strong_count() > 0);
        let known = all.iter().find(|(id, _)| *id == runtime.id());
        if let Some(delivery) = known.and_then(|(_, delivery)| delivery.upgrade()) {
            return delivery;
        }
        let shared = Arc::<Shared>::default();
        let end = EndOnDrop(shared.clone());
        runtime.spawn(async move { end.0.run().await });
        let delivery = Arc::new(Self(shared));
        all.push((runtime.id(), Arc::downgrade(&delivery)));
        delivery
    }

    /// Hands `completion` over soon.
    pub(crate) fn add(&self, completion: Completion) {
        let mut waiting = self.0.waiting.lock();
        if waiting.has_ended {
            drop(waiting);
            return completion.deliver();
        }
        waiting.completions.push(completion);
        let is_first = waiting.completions.len() == 1;
        drop(waiting);
        if is_first {
            self.0.task.wake();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.0.end();
        self.0.task.wake();
    }
}

impl Shared {
    async fn run(&self) {
        let mut completions = Vec::new();
        poll_fn(|cx| {
            self.task.register(cx.waker());
            let mut waiting = self.waiting.lock();
            std::mem::swap(&mut waiting.completions, &mut completions);
            let has_ended = waiting.has_ended;
            drop(waiting);
            completions.drain(..).for_each(Completion::deliver);
            if has_ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Hands over what is left, and leaves it to others from now on.
    fn end(&self) {
        let mut waiting = self.waiting.lock();
        waiting.has_ended = true;
        let left = std::mem::take(&mut waiting.completions);
        drop(waiting);
        left.into_iter().for_each(Completion::deliver);
    }
}

/// Hands over by itself what the task can't any more, when its runtime ends: callers may be elsewhere.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Response;
    use tokio::runtime::Builder;

    fn completion(text: &str) -> (Completion, oneshot::Receiver<Answer>) {
        let (reply, waits) = oneshot::channel();
        (Completion { reply, answer: Ok(Response::new(text.to_owned())) }, waits)
    }

    #[test]
    fn answers_are_handed_over_on_the_runtime_and_without_it_by_whoever_has_them() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let delivery = Delivery::of(runtime.handle());
        assert!(Arc::ptr_eq(&delivery, &Delivery::of(runtime.handle())));
        let (first, waits) = completion("first");
        delivery.add(first);
        assert_eq!(runtime.block_on(waits).unwrap().unwrap().data, "first");
        let (second, mut waits) = completion("second");
        delivery.add(second);
        assert!(waits.try_recv().is_err(), "nobody has run");
        drop(runtime);
        assert_eq!(waits.try_recv().unwrap().unwrap().data, "second");
        let (third, mut waits) = completion("third");
        delivery.add(third);
        assert_eq!(waits.try_recv().unwrap().unwrap().data, "third");
    }

    #[test]
    fn its_task_ends_with_the_last_client() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let delivery = Delivery::of(runtime.handle());
        let shared = Arc::downgrade(&delivery.0);
        runtime.block_on(tokio::task::yield_now());
        drop(delivery);
        runtime.block_on(async {
            while shared.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        });
        drop(Delivery::of(runtime.handle()));
    }
}
