//! What a connection's task does by the clock.

use frontier_protocol::{Beat, Heartbeat};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The least time between two sweeps for overdue calls. A deadline is late by no more than this.
const MIN_SWEEP_INTERVAL: Duration = Duration::from_millis(10);

/// What the connection's task does by the clock, with one timer for all of it.
pub(super) struct Timers {
    heartbeat: Heartbeat,
    next_beat: Instant,
    swept: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Timers {
    pub(super) fn new(interval: Duration) -> Self {
        let now = Instant::now();
        let next_beat = now + interval;
        Self {
            heartbeat: Heartbeat::new(interval, now.into_std()),
            next_beat,
            swept: now,
            sleep: Box::pin(tokio::time::sleep_until(next_beat)),
        }
    }

    /// Ready when the heartbeat, the first `due` call or `until` has come.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        due: Option<Instant>,
        until: Option<Instant>,
    ) -> Poll<()> {
        let sweep = due.map(|due| due.max(self.swept + MIN_SWEEP_INTERVAL));
        let next = [sweep, until].into_iter().flatten().fold(self.next_beat, Instant::min);
        if self.sleep.deadline() != next {
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut().poll(cx)
    }

    /// What the heartbeat wants. `heard` tells when something last came from the gateway.
    pub(super) fn beat(&mut self, now: Instant, heard: impl FnOnce() -> Option<Instant>) -> Beat {
        if now < self.next_beat {
            return Beat::Wait(self.next_beat.into_std());
        }
        if let Some(at) = heard() {
            self.heartbeat.heard(at.into_std());
        }
        let beat = self.heartbeat.poll(now.into_std());
        // The ping is sent by the caller. What is left is when to come back.
        if let Beat::Wait(next) = if beat == Beat::Ping { self.heartbeat.poll(now.into_std()) } else { beat }
        {
            self.next_beat = next.into();
        }
        beat
    }

    /// Whether to sweep at `now` for calls of which the first is `due`.
    pub(super) fn is_sweep_due(&mut self, now: Instant, due: Option<Instant>) -> bool {
        let is_due = due.is_some_and(|due| due <= now);
        if is_due {
            self.swept = now;
        }
        is_due
    }
}

/// The time, read once for what is done in a row.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Instant>);

impl Clock {
    /// The time now, or that to which it was set.
    pub(super) fn now(&mut self) -> &mut Instant {
        self.0.get_or_insert_with(Instant::now)
    }

    /// Time has passed.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_gateway_is_given_up_three_intervals_after_its_last_byte() {
        for interval in [100, 500, 2_500, 10_000, 3_600_000].map(Duration::from_millis) {
            let start = Instant::now();
            let mut timers = Timers::new(interval);
            let mut last = Some(start + interval * 11 / 10);
            let mut pings = 0;
            loop {
                std::future::poll_fn(|cx| timers.poll(cx, None, None)).await;
                let now = Instant::now();
                match timers.beat(now, || last.take_if(|at| *at <= now)) {
                    Beat::Dead => break,
                    Beat::Ping => pings += 1,
                    Beat::Wait(_) => {}
                }
            }
            let late = start.elapsed() - interval * 41 / 10;
            assert!(late < Duration::from_millis(10), "{late:?} at {interval:?}");
            assert_eq!(pings, 4);
        }
    }
}
