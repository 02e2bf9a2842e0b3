//! A limit on log lines about peers that are refused.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Whether a line may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDecision {
    /// Yes; and so many were left out since the last line that was not.
    Log {
        /// How many to mention as "… more suppressed".
        suppressed: u64,
    },
    /// No: there were enough in this second. It is counted.
    Suppress,
}

/// Lets through a few log lines per second and counts the others, so that whoever fails in a loop fills no
/// disk.
#[derive(Debug)]
pub struct LogLimiter {
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    second: Option<Instant>,
    logged: u32,
    suppressed: u64,
}

impl LogLimiter {
    /// At most `per_second` lines in each second that begins with a line.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), state: Mutex::default() }
    }

    /// Asks for one line.
    pub fn admit(&self, now: Instant) -> LogDecision {
        let mut state = self.state.lock();
        if state.is_over(now) {
            (state.second, state.logged) = (Some(now), 0);
        }
        if state.logged >= self.per_second {
            state.suppressed += 1;
            return LogDecision::Suppress;
        }
        state.logged += 1;
        LogDecision::Log { suppressed: std::mem::take(&mut state.suppressed) }
    }

    /// How many were left out and not yet mentioned, once the second is over; 0 otherwise. For a timer, so
    /// that the end of a burst is mentioned though no line follows.
    pub fn take_suppressed(&self, now: Instant) -> u64 {
        let mut state = self.state.lock();
        if state.is_over(now) { std::mem::take(&mut state.suppressed) } else { 0 }
    }
}

impl State {
    fn is_over(&self, now: Instant) -> bool {
        self.second.is_none_or(|start| now.saturating_duration_since(start) >= Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_per_second_and_then_a_count() {
        let limiter = LogLimiter::new(2);
        let start = Instant::now();
        let at = |millis| limiter.admit(start + Duration::from_millis(millis));
        assert_eq!(at(0), LogDecision::Log { suppressed: 0 });
        assert_eq!(at(0), LogDecision::Log { suppressed: 0 });
        assert_eq!(at(500), LogDecision::Suppress);
        assert_eq!(at(999), LogDecision::Suppress);
        assert_eq!(at(1000), LogDecision::Log { suppressed: 2 });
        assert_eq!(at(1001), LogDecision::Log { suppressed: 0 });
        assert_eq!(at(1002), LogDecision::Suppress);
    }

    #[test]
    fn the_end_of_a_burst_is_mentioned() {
        let limiter = LogLimiter::new(1);
        let start = Instant::now();
        for _ in 0..5 {
            limiter.admit(start);
        }
        assert_eq!(limiter.take_suppressed(start), 0);
        assert_eq!(limiter.take_suppressed(start + Duration::from_secs(1)), 4);
        assert_eq!(limiter.take_suppressed(start + Duration::from_secs(2)), 0);
    }
}
