//! Rates, from counters that are read again and again.

use super::{Counters, Counts, DIRECTIONS, Direction, Traffic};
use frontier_metrics::Distribution;
use std::time::{Duration, Instant};

/// Turns counters into rates, for one follower: each reads at its own pace.
#[derive(Debug)]
pub struct RateMeter {
    last: Reading,
    at: Instant,
}

/// What the counters said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    counts: Counts,
    /// How long calls took.
    calls: [Distribution; DIRECTIONS],
}

impl Reading {
    fn of(counters: &Counters) -> Self {
        let calls = &counters.cells[Traffic::Call as usize];
        Self { counts: counters.counts(), calls: std::array::from_fn(|way| calls[way].took.distribution()) }
    }
}

/// What has happened since the last reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    before: Reading,
    now: Reading,
    /// How long ago the last reading was.
    pub over: Duration,
}

impl RateMeter {
    /// Counts from `now` on.
    #[must_use]
    pub fn new(counters: &Counters, now: Instant) -> Self {
        Self { last: Reading::of(counters), at: now }
    }

    /// What has happened since the last reading.
    pub fn read(&mut self, counters: &Counters, now: Instant) -> Rates {
        let reading = Reading::of(counters);
        let before = std::mem::replace(&mut self.last, reading.clone());
        let over = now.saturating_duration_since(std::mem::replace(&mut self.at, now));
        Rates { before, now: reading, over }
    }
}

impl Rates {
    /// How many were begun, per second.
    #[must_use]
    pub fn begun(&self, traffic: Traffic, direction: Direction) -> f64 {
        self.per_second(
            self.now.counts.begun(traffic, direction) - self.before.counts.begun(traffic, direction),
        )
    }

    /// How many ended with an error, per second.
    #[must_use]
    pub fn failed(&self, traffic: Traffic, direction: Direction) -> f64 {
        self.per_second(
            self.now.counts.failed(traffic, direction) - self.before.counts.failed(traffic, direction),
        )
    }

    /// How long the calls took that have ended meanwhile.
    #[must_use]
    pub fn calls_took(&self, direction: Direction) -> Distribution {
        self.now.calls[direction as usize].since(&self.before.calls[direction as usize])
    }

    fn per_second(&self, count: u64) -> f64 {
        if self.over.is_zero() { 0.0 } else { count as f64 / self.over.as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tally;
    use super::*;
    use crate::RequestKind;
    use frontier_protocol::Code;

    #[test]
    fn a_meter_tells_what_has_happened_since_it_was_last_read() {
        let (counters, start) = (Counters::default(), Instant::now());
        let mut meter = RateMeter::new(&counters, start);
        let mut tally = Tally::default();
        (0..10).for_each(|_| tally.begun(RequestKind::Call, Direction::ToEdge, 3));
        counters.add(&tally);
        counters.ended(Traffic::Call, Direction::ToEdge, Code::Deadline);
        counters.cell(Traffic::Call, Direction::ToEdge).took.record(Duration::from_secs(2));
        let rates = meter.read(&counters, start + Duration::from_secs(2));
        assert_eq!(rates.begun(Traffic::Call, Direction::ToEdge), 5.0);
        assert_eq!(rates.failed(Traffic::Call, Direction::ToEdge), 0.5);
        assert_eq!(rates.begun(Traffic::Message, Direction::ToEdge), 0.0);
        assert_eq!(rates.calls_took(Direction::ToEdge).count(), 1);
        assert_eq!(rates.calls_took(Direction::ToService).count(), 0);
        let rates = meter.read(&counters, start + Duration::from_secs(3));
        assert_eq!(rates.calls_took(Direction::ToEdge).count(), 0, "it was told of before");
        assert_eq!(rates.begun(Traffic::Call, Direction::ToEdge), 0.0);
        assert_eq!(
            meter.read(&counters, start).begun(Traffic::Call, Direction::ToEdge),
            0.0,
            "no time has passed"
        );
    }
}
