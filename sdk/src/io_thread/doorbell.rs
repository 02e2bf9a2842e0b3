//! How the program's threads wake tasks of the thread that carries connections: once for many tasks.

use frontier_transport::Spin;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

thread_local! {
    static IS_IO: Cell<bool> = const { Cell::new(false) };
}

/// Says that this is the thread.
pub(super) fn on_io_thread() {
    IS_IO.set(true);
}

pub(super) fn is_on_io_thread() -> bool {
    IS_IO.get()
}

/// Tasks to be woken, and the waker of who does it.
///
/// A wake-up that crosses threads takes a system call, also where the thread is awake. So the first one alone goes
/// through, and takes along what has come until the thread looks.
#[derive(Debug, Default)]
pub(super) struct Doorbell {
    /// Each task is in here once at most.
    rung: Mutex<Vec<Arc<Bell>>>,
    answers: AtomicWaker,
    pub(super) spin: Spin,
}

/// The bell of one task.
#[derive(Debug)]
struct Bell {
    doorbell: Arc<Doorbell>,
    task: AtomicWaker,
    is_rung: AtomicBool,
}

/// A task of the thread, which others wake by its bell.
pub(super) struct Rung<F> {
    task: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl Doorbell {
    /// Answers for ever, on the thread.
    pub(super) async fn run(&self) {
        tokio::select! {
            () = self.answer() => {}
            never = self.spin.run() => match never {},
        }
    }

    async fn answer(&self) {
        let mut rung = Vec::new();
        poll_fn(|cx| {
            self.answers.register(cx.waker());
            std::mem::swap(&mut *self.rung.lock(), &mut rung);
            for bell in rung.drain(..) {
                bell.is_rung.store(false, Ordering::SeqCst);
                bell.task.wake();
            }
            Poll::Pending
        })
        .await
    }

    fn ring(&self, bell: Arc<Bell>) {
        let mut rung = self.rung.lock();
        rung.push(bell);
        let is_first = rung.len() == 1;
        drop(rung);
        if is_first {
            self.answers.wake();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if IS_IO.get() {
            self.task.wake();
        } else if !self.is_rung.swap(true, Ordering::SeqCst) {
            self.doorbell.ring(self.clone());
        }
    }
}

impl<F: Future> Rung<F> {
    pub(super) fn new(task: F, doorbell: Arc<Doorbell>) -> Self {
        let bell = Arc::new(Bell { doorbell, task: AtomicWaker::new(), is_rung: AtomicBool::new(false) });
        Self { task: Box::pin(task), waker: bell.clone().into(), bell }
    }
}

impl<F: Future> Future for Rung<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.bell.doorbell.spin.busy();
        self.bell.task.register(cx.waker());
        let Self { task, waker, .. } = &mut *self;
        task.as_mut().poll(&mut Context::from_waker(waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Woken from other threads all the time, each task sees all that was done before it was woken.
    #[test]
    fn no_wake_up_is_lost() {
        const EACH: usize = 2_000;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let doorbell = Arc::<Doorbell>::default();
        let wakers: Vec<_> =
            (0..3).map(|_| (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicWaker::new()))).collect();
        let tasks: Vec<_> = wakers
            .iter()
            .cloned()
            .map(|(count, waker)| {
                let counted = poll_fn(move |cx| {
                    waker.register(cx.waker());
                    if count.load(Ordering::SeqCst) < 2 * EACH { Poll::Pending } else { Poll::Ready(()) }
                });
                runtime.spawn(Rung::new(counted, doorbell.clone()))
            })
            .collect();
        runtime.spawn(async move { doorbell.run().await });
        for _ in 0..2 {
            let wakers = wakers.clone();
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    for (count, waker) in &wakers {
                        count.fetch_add(1, Ordering::SeqCst);
                        waker.wake();
                    }
                }
            });
        }
        runtime.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}
