//! Attempts at several places at once, each with a head start before the next.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Attempts at several places, the first one first. The next one begins when an attempt has failed, or when the one
/// before has not come to its end within its head start; those that are under way go on beside it (RFC 8305, 5).
///
/// Whoever asks for another outcome has no use for the last one. Dropping this drops the attempts that are under way.
pub struct Staggered<I, S, F> {
    waiting: I,
    start: S,
    head_start: Duration,
    running: FuturesUnordered<F>,
    /// When the next one begins, whatever becomes of the others. `None` once all have begun.
    next_start: Option<Instant>,
}

impl<I, S, F> Staggered<I, S, F>
where
    I: Iterator,
    S: FnMut(I::Item) -> F,
    F: Future,
{
    /// Begins nothing yet. `start` makes the attempt at a place.
    pub fn new(places: impl IntoIterator<IntoIter = I>, head_start: Duration, start: S) -> Self {
        Self {
            waiting: places.into_iter(),
            start,
            head_start,
            running: FuturesUnordered::new(),
            next_start: None,
        }
    }

    /// The outcome of the next attempt to end. `None` when all have ended.
    ///
    /// # Cancel safety
    /// Cancel safe, but that one more attempt may have begun.
    pub async fn next(&mut self) -> Option<F::Output> {
        self.start_next();
        loop {
            tokio::select! {
                biased;
                Some(outcome) = self.running.next() => return Some(outcome),
                () = until(self.next_start), if self.next_start.is_some() => self.start_next(),
                else => return None,
            }
        }
    }

    /// As [`next`](Self::next), and `None` too when none has ended by `until`.
    ///
    /// # Cancel safety
    /// As `next`.
    pub async fn next_by(&mut self, until: Option<Instant>) -> Option<F::Output> {
        match until {
            Some(until) => timeout_at(until, self.next()).await.ok().flatten(),
            None => self.next().await,
        }
    }

    /// Whether there are attempts under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    fn start_next(&mut self) {
        self.next_start = self.waiting.next().map(|place| {
            self.running.push((self.start)(place));
            Instant::now() + self.head_start
        });
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::future::pending;

    const HEAD_START: Duration = Duration::from_millis(250);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When each of these begins, that ends with this after so long, or never.
    async fn starts(places: &[(Option<u64>, bool)]) -> (Option<usize>, Vec<Duration>) {
        let begin = Instant::now();
        let starts = Mutex::new(Vec::new());
        let mut attempts =
            Staggered::new(places.iter().enumerate(), HEAD_START, |(place, (after, goes_well))| {
                starts.lock().push(begin.elapsed());
                async move {
                    match after {
                        Some(after) => tokio::time::sleep(ms(*after)).await,
                        None => pending().await,
                    }
                    goes_well.then_some(place)
                }
            });
        let mut won = None;
        while let Some(outcome) = attempts.next().await {
            if outcome.is_some() {
                won = outcome;
                break;
            }
        }
        drop(attempts);
        (won, starts.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_ends_costs_the_next_one_its_head_start() {
        let (won, starts) = starts(&[(None, false), (Some(10), true), (Some(0), true)]).await;
        assert_eq!((won, starts), (Some(1), vec![ms(0), ms(250)]));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_lets_the_next_one_begin_at_once() {
        let (won, starts) = starts(&[(Some(5), false), (Some(600), true), (None, false)]).await;
        assert_eq!((won, starts), (Some(1), vec![ms(0), ms(5), ms(255)]));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_may_still_be_the_first_to_arrive() {
        let (won, starts) = starts(&[(Some(300), true), (Some(100), true)]).await;
        assert_eq!((won, starts), (Some(0), vec![ms(0), ms(250)]));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_never_end_are_waited_for_until_then() {
        let begin = Instant::now();
        let mut attempts = Staggered::new([0, 1], HEAD_START, |_| pending::<()>());
        assert_eq!(attempts.next_by(Some(begin + ms(700))).await, None);
        assert!(attempts.is_running());
        assert_eq!(begin.elapsed(), ms(700));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_have_failed_it_is_over() {
        assert_eq!(starts(&[(Some(5), false), (Some(7), false)]).await, (None, vec![ms(0), ms(5)]));
        assert_eq!(starts(&[]).await, (None, vec![]));
    }
}
