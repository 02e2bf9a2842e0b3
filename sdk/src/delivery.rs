//! How answers come from the thread that carries connections to those who wait for them.

use crate::calls::{Answers, Place};
use crate::connection::Answer;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// Those of all runtimes that have clients.
static ALL: Mutex<Vec<(Id, Weak<Delivery>)>> = Mutex::new(Vec::new());

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// One that awaits it alone.
    Alone(oneshot::Sender<Answer>),
    /// A task that awaits those of other calls as well.
    Among(Arc<Answers>, Place),
}

impl Reply {
    /// Hands the answer over.
    pub(crate) fn give(self, answer: Answer) {
        match self {
            // The requester may have given up.
            Self::Alone(sender) => drop(sender.send(answer)),
            Self::Among(answers, place) => answers.put(place, answer).into_iter().for_each(Waker::wake),
        }
    }
}

/// An answer, and who waits for it.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) reply: Reply,
    pub(crate) answer: Answer,
}

impl Completion {
    /// Hands it over.
    pub(crate) fn deliver(self) {
        self.reply.give(self.answer);
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

/// What waits for the task.
#[derive(Debug, Default)]
struct Waiting {
    /// Answers. Bounded by the calls that are pending.
    completions: Vec<Completion>,
    /// Tasks whose answers are where they look for them. Each is in here once at most until it has looked.
    wakers: Vec<Waker>,
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
        let Completion { reply, answer } = completion;
        let (alone, waker) = match reply {
            Reply::Alone(_) => (Some(Completion { reply, answer }), None),
            Reply::Among(answers, place) => match answers.put(place, answer) {
                Some(waker) => (None, Some(waker)),
                None => return,
            },
        };
        let mut waiting = self.0.waiting.lock();
        if waiting.has_ended {
            drop(waiting);
            alone.into_iter().for_each(Completion::deliver);
            waker.into_iter().for_each(Waker::wake);
            return;
        }
        let is_first = waiting.completions.is_empty() && waiting.wakers.is_empty();
        waiting.completions.extend(alone);
        waiting.wakers.extend(waker);
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
        let (mut completions, mut wakers) = (Vec::new(), Vec::new());
        poll_fn(|cx| {
            self.task.register(cx.waker());
            let mut waiting = self.waiting.lock();
            std::mem::swap(&mut waiting.completions, &mut completions);
            std::mem::swap(&mut waiting.wakers, &mut wakers);
            let has_ended = waiting.has_ended;
            drop(waiting);
            completions.drain(..).for_each(Completion::deliver);
            wakers.drain(..).for_each(Waker::wake);
            if has_ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Hands over what is left, and leaves it to others from now on.
    fn end(&self) {
        let mut waiting = self.waiting.lock();
        waiting.has_ended = true;
        let left = std::mem::take(&mut waiting.completions);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        left.into_iter().for_each(Completion::deliver);
        wakers.into_iter().for_each(Waker::wake);
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
        (Completion { reply: Reply::Alone(reply), answer: Ok(Response::new(text.to_owned())) }, waits)
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
