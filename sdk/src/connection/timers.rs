use frontier_protocol::{Beat, Heartbeat};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The least time between two sweeps for overdue calls. A deadline is late by no more than this.
const GRAIN: Duration = Duration::from_millis(10);

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
        let sweep = due.map(|due| due.max(self.swept + GRAIN));
        let next = [sweep, until].into_iter().flatten().fold(self.next_beat, Instant::min);
        if self.sleep.deadline() != next {
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut().poll(cx)
    }

    /// What the heartbeat wants. `heard` tells whether the gateway has sent anything of late.
    pub(super) fn beat(&mut self, now: Instant, heard: impl FnOnce() -> bool) -> Beat {
        if now < self.next_beat {
            return Beat::Wait(self.next_beat.into_std());
        }
        if heard() {
            self.heartbeat.heard(now.into_std());
        }
        let beat = self.heartbeat.poll(now.into_std());
        // What was asked for is done: the next question is when to ask again.
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
