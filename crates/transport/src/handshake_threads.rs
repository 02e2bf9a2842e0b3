//! Threads for what handshakes have to compute, apart from those that carry traffic.
//!
//! A signature of an RSA key of 4096 bits takes milliseconds. Where thousands of clients come at once, nobody who is
//! connected would be served for as long as the threads of the runtime made them. These threads have a lower
//! priority than those, where the system has one for each thread: they take what is left, and a tenth of a processor
//! at least.
//!
//! The newest work comes first. Where there is more than can be done in time, whoever has waited longest is likeliest
//! to have given up; the other way round everyone would be served too late. How much waits is for those to bound who
//! wait: each has one piece of work here, which goes with it.

use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use tokio::sync::oneshot;

/// How much lower the priority is, as `nice` counts.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Started with the first handshake: one for each processor.
static THREADS: LazyLock<Threads> =
    LazyLock::new(|| Threads::start(std::thread::available_parallelism().map_or(1, usize::from)));

/// What has panicked, which is a bug of ours or of a library, was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// Does `work` on one of the threads.
///
/// # Cancel safety
/// Cancel safe: what has not begun is not done any more.
pub(crate) async fn run<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Failed> {
    THREADS.run(work).await
}

type Work = Box<dyn FnOnce() + Send>;

struct Threads {
    shared: Arc<Shared>,
    /// How many there are; none if the system gave none.
    count: usize,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// What is to be done, by when it came.
#[derive(Default)]
struct Waiting {
    works: BTreeMap<u64, Work>,
    next: u64,
}

/// Takes the work back if nobody waits for it any more.
struct Request<'t> {
    shared: &'t Shared,
    number: u64,
}

impl Threads {
    fn start(count: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let start = |_: &usize| {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name("handshakes".to_owned());
            thread.spawn(move || shared.work()).is_ok()
        };
        let count = (0..count).filter(start).count();
        Self { shared, count }
    }

    async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Failed> {
        if self.count == 0 {
            return Ok(work());
        }
        let (tell, told) = oneshot::channel();
        let work = move || {
            // Whoever asked may have gone meanwhile.
            let _ = tell.send(work());
        };
        let request = self.shared.queue(Box::new(work));
        let done = told.await.map_err(|_| Failed);
        drop(request);
        done
    }
}

impl Shared {
    fn queue(&self, work: Work) -> Request<'_> {
        let mut waiting = self.waiting.lock();
        waiting.next += 1;
        let number = waiting.next;
        waiting.works.insert(number, work);
        drop(waiting);
        self.wake.notify_one();
        Request { shared: self, number }
    }

    /// A thread, for as long as the process lives.
    fn work(&self) {
        #[cfg(target_os = "linux")]
        {
            // Fails where there is nothing lower. Linux has a priority for each thread, other systems don't.
            let _ = rustix::process::nice(NICE);
        }
        loop {
            let mut waiting = self.waiting.lock();
            let (_, work) = loop {
                match waiting.works.pop_last() {
                    Some(newest) => break newest,
                    None => self.wake.wait(&mut waiting),
                }
            };
            drop(waiting);
            // Whoever waits for it is told by the end of the channel.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(work));
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        // Dropped after the lock is given back: there may be a connection in it.
        let _work = self.shared.waiting.lock().works.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::mpsc;

    /// One thread that is held up until the returned sender is used or dropped.
    async fn held_up(threads: &Threads) -> mpsc::Sender<()> {
        let (go_on, wait) = mpsc::channel();
        let (started, starts) = oneshot::channel();
        let shared = threads.shared.clone();
        shared.waiting.lock().works.insert(
            0,
            Box::new(move || {
                let _ = started.send(());
                let _ = wait.recv();
            }),
        );
        shared.wake.notify_one();
        starts.await.unwrap();
        go_on
    }

    #[tokio::test]
    async fn the_newest_comes_first_and_who_has_gone_is_not_served() {
        let threads = Threads::start(1);
        let go_on = held_up(&threads).await;
        let (note, done) = mpsc::channel();
        let work = |number: i32| {
            let note = note.clone();
            threads.run(move || note.send(number).unwrap())
        };
        let (mut first, mut gone, mut last) = (Box::pin(work(1)), Box::pin(work(2)), Box::pin(work(3)));
        for waits in [&mut first, &mut gone, &mut last] {
            assert!(waits.as_mut().now_or_never().is_none());
        }
        drop(gone);
        assert_eq!(threads.shared.waiting.lock().works.len(), 2, "nothing is kept for who has gone");
        drop(go_on);
        assert_eq!((first.await, last.await), (Ok(()), Ok(())));
        assert_eq!(done.try_iter().collect::<Vec<_>>(), [3, 1]);
    }

    #[tokio::test]
    async fn what_panics_takes_no_thread_along() {
        let threads = Threads::start(1);
        assert_eq!(threads.run(|| panic!("on purpose")).await, Err::<(), _>(Failed));
        assert_eq!(threads.run(|| 7).await, Ok(7));
        assert_eq!(Threads::start(0).run(|| 8).await, Ok(8), "without threads it is done at once");
    }
}
