//! How fast the edges of one frontier come and go.

use std::time::Duration;

use tokio::time::Instant;

use crate::dialogue::Churn;

/// When the edges of one frontier come and go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    Never,
    Every { interval: Duration, next: Instant },
    FlatOut,
}

impl Pace {
    /// The share that one of so many frontiers has.
    pub(super) fn new(churn: Churn, frontiers: u32, now: Instant) -> Self {
        match churn {
            Churn::Never => Self::Never,
            Churn::FlatOut => Self::FlatOut,
            Churn::PerSecond(rate) => {
                let interval = Duration::from_secs(frontiers.into()) / rate.max(1);
                Self::Every { interval: interval.max(Duration::from_nanos(1)), next: now }
            }
        }
    }

    /// When those that are due by `now` should have happened, so many at most. They count as done.
    pub(super) fn take(&mut self, now: Instant, limit: usize) -> Vec<Instant> {
        match self {
            Self::Never => Vec::new(),
            Self::FlatOut => vec![now; limit],
            Self::Every { interval, next } => {
                let mut due = Vec::new();
                while *next <= now && due.len() < limit {
                    due.push(*next);
                    *next += *interval;
                }
                due
            }
        }
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        match self {
            Self::Every { next, .. } => Some(*next),
            Self::Never | Self::FlatOut => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_late_is_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(Churn::PerSecond(100), 10, start);
        assert_eq!(pace.take(start, 10), [start]);
        let due = pace.take(start + Duration::from_secs(1), 4);
        assert_eq!(due, [1, 2, 3, 4].map(|tenth| start + tenth * Duration::from_millis(100)));
        assert_eq!(pace.next(), Some(start + Duration::from_millis(500)));
    }
}
