//! What users register to answer calls, erased so that a table can hold it.

use crate::{HandlerError, Request, Response};
use futures_util::FutureExt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

/// How a handler ended.
pub(crate) enum Outcome {
    Answered(Result<Response, HandlerError>),
    Panicked(String),
    /// The deadline passed before the handler was done.
    Late,
}

/// Where the outcome of a handler goes.
pub(crate) trait Reply: Send + 'static {
    /// Sends it.
    fn reply(self, outcome: Outcome) -> impl Future<Output = ()> + Send;
}

/// A handler of whatever type.
pub(crate) trait Handler<R>: Send + Sync {
    /// Whether it is known to do little before its first `.await`, so that others may wait for that.
    fn is_quick(&self) -> bool;

    /// It holds up others now.
    fn blocks(&self);

    /// Handles `request` and replies: at once, or in a task of its own on `runtime` if it is not quick, or not done after
    /// its first poll. `clock` is the time now, and is moved on by what was done at once.
    fn start(
        self: Arc<Self>,
        request: Request,
        reply: R,
        clock: &mut Instant,
        runtime: &Handle,
    ) -> Option<AbortHandle>;
}

/// A handler that was registered, and what is known of its pace.
///
/// A handler that has shown to be quick is polled once where its request stands in line, which spares a task for each
/// request that is done by then. One that blocks there would hold up the others, so each begins with a task for every
/// request, and comes back to that when its first polls have held others up for longer than tasks would have taken.
pub(crate) struct Registered<F> {
    handler: F,
    /// Grows with each slow first poll, by the time that others waited for it, and shrinks with each quick one, by the time
    /// that its task would have taken. In microseconds.
    slowness: AtomicU32,
}

/// A first poll that takes this long is slow.
const SLOW: Duration = Duration::from_micros(50);

/// What a slow poll adds to the slowness at most: one long stop of the thread alone makes no handler slow.
const WEIGHT: u32 = 1024;

/// From this slowness on requests get a task from the start. A thread of a busy machine is stopped for its turn now and
/// then, in whatever it does, and that must not make a handler slow.
const TOO_SLOW: u32 = 4 * WEIGHT;

/// How many quick polls a new handler has to show.
const PROBATION: u32 = 64;

/// No handler has to show more quick polls than that, however slow it was.
const MAX_SLOWNESS: u32 = TOO_SLOW + 16 * WEIGHT;

impl<F> Registered<F> {
    pub(crate) fn new(handler: F) -> Arc<Self> {
        Arc::new(Self { handler, slowness: AtomicU32::new(TOO_SLOW + PROBATION - 1) })
    }

    fn note(&self, took: Duration) {
        let slowness = self.slowness.load(Ordering::Relaxed);
        if took >= SLOW {
            let waited = u32::try_from(took.as_micros()).unwrap_or(WEIGHT).min(WEIGHT);
            self.slowness.store((slowness + waited).min(MAX_SLOWNESS), Ordering::Relaxed);
        } else if slowness > 0 {
            self.slowness.store(slowness - 1, Ordering::Relaxed);
        }
    }

    fn may_wait_for(&self) -> bool {
        self.slowness.load(Ordering::Relaxed) < TOO_SLOW
    }
}

impl<F, Fut, R> Handler<R> for Registered<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    R: Reply,
{
    fn is_quick(&self) -> bool {
        self.may_wait_for()
    }

    fn blocks(&self) {
        self.slowness.store(MAX_SLOWNESS, Ordering::Relaxed);
    }

    fn start(
        self: Arc<Self>,
        request: Request,
        reply: R,
        clock: &mut Instant,
        runtime: &Handle,
    ) -> Option<AbortHandle> {
        let registered = self.clone();
        let mut task = Box::pin(async move {
            let deadline = request.deadline.into();
            #[cfg(feature = "trace")]
            let span = crate::trace::handler_span(&request);
            let handled = async move { (registered.handler)(request).await };
            #[cfg(feature = "trace")]
            let handled = tracing::Instrument::instrument(handled, span);
            let handled = AssertUnwindSafe(handled).catch_unwind();
            let outcome = match until(deadline, handled).await {
                Some(Ok(answer)) => Outcome::Answered(answer),
                Some(Err(panic)) => Outcome::Panicked(panic_text(&*panic)),
                None => Outcome::Late,
            };
            reply.reply(outcome).await;
        });
        if !self.may_wait_for() {
            let mut is_first = true;
            let timed = poll_fn(move |cx| {
                if !std::mem::take(&mut is_first) {
                    return task.as_mut().poll(cx);
                }
                let started = Instant::now();
                let polled = task.as_mut().poll(cx);
                self.note(started.elapsed());
                polled
            });
            return Some(runtime.spawn(timed).abort_handle());
        }
        // Its task, if it needs one, polls it again and gives it a waker that counts.
        let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let started = std::mem::replace(clock, Instant::now());
        self.note(clock.duration_since(started));
        if polled.is_ready() {
            return None;
        }
        Some(runtime.spawn(task).abort_handle())
    }
}

/// What `future` yields, or `None` if that takes longer than until `deadline`. One that is ready at once
/// needs no timer.
async fn until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_waited_for_once_it_has_shown_that_it_is_quick() {
        let registered = Registered::new(());
        (1..PROBATION).for_each(|_| registered.note(Duration::ZERO));
        assert!(!registered.may_wait_for());
        registered.note(Duration::ZERO);
        assert!(registered.may_wait_for());
        registered.note(SLOW);
        assert!(!registered.may_wait_for(), "one that is slow now and then is not trusted so soon");
    }

    #[test]
    fn only_a_handler_that_is_slow_again_and_again_is_waited_for_no_more() {
        let registered = Registered::new(());
        (0..2 * TOO_SLOW).for_each(|_| registered.note(Duration::ZERO));
        let block = Duration::from_millis(2);
        for (slow, quick) in
            [(SLOW, 50), (Duration::from_micros(200), 200), (Duration::from_micros(1024), 1024)]
        {
            for _ in 0..100 {
                registered.note(slow);
                (0..quick).for_each(|_| registered.note(Duration::ZERO));
                assert!(registered.may_wait_for(), "it costs others no more than tasks would");
            }
        }
        (0..4).for_each(|_| registered.note(block));
        assert!(!registered.may_wait_for());
        (0..2 * TOO_SLOW).for_each(|_| registered.note(Duration::ZERO));
        (0..TOO_SLOW).for_each(|i| registered.note(if i % 25 == 0 { SLOW } else { Duration::ZERO }));
        assert!(!registered.may_wait_for(), "others wait longer than tasks would take");
        (0..100).for_each(|_| registered.note(block));
        (0..=MAX_SLOWNESS).for_each(|_| registered.note(Duration::ZERO));
        assert!(registered.may_wait_for(), "it may be quick again");
    }
}
