//! A connection that a thread carries, until it moves on to another one.

use super::Carriers;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What a connection does, on whichever thread.
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a connection stays where it is. One that keeps a thread busy alone would move all the time else.
const STAY: Duration = Duration::from_secs(1);

/// A connection on a thread.
pub(super) struct Carried {
    /// Gone once it is over, or has moved on.
    work: Option<Work>,
    carriers: Arc<Carriers>,
    at: usize,
    since: Instant,
}

impl Carried {
    pub(super) fn new(carriers: Arc<Carriers>, at: usize, work: Work) -> Self {
        Self { work: Some(work), carriers, at, since: Instant::now() }
    }

    #[cold]
    fn moves_to(&self) -> Option<usize> {
        if self.since.elapsed() < STAY {
            return None;
        }
        self.carriers.0[self.at].load.take_order()
    }
}

impl Future for Carried {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let carrier = &this.carriers.0[this.at];
        carrier.spin.busy();
        if carrier.load.has_order()
            && let Some(to) = this.moves_to()
            && let Some(work) = this.work.take()
        {
            // It is polled there at once, so nothing that it waits for is missed.
            this.carriers.carry_on(to, work);
            return Poll::Ready(());
        }
        let Some(work) = &mut this.work else { return Poll::Ready(()) };
        work.as_mut().poll(cx)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.carriers.0[self.at].connections.fetch_sub(1, Ordering::Relaxed);
    }
}
