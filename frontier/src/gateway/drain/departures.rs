//! When each edge is to go.

use std::time::Duration;

/// The longest time between two departures: few edges go soon, for they are no burden to anyone.
const PACE: Duration = Duration::from_millis(10);

/// When the edges are to go: one after the other, evenly, so that they do not arrive elsewhere at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departures {
    count: usize,
    over: Duration,
}

impl Departures {
    /// For so many edges within `spread`.
    pub(super) fn new(count: usize, spread: Duration) -> Self {
        let paced = PACE.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        Self { count, over: spread.min(paced) }
    }

    pub(super) fn count(self) -> usize {
        self.count
    }

    /// Within which time all are to go.
    pub(super) fn over(self) -> Duration {
        self.over
    }

    /// After how long one of them is to go. More than were counted go last.
    pub(super) fn delay(self, index: usize) -> Duration {
        let share = index.min(self.count) as u128;
        let nanos = self.over.as_nanos() * share / (self.count.max(1) as u128);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn many_are_spread_evenly_and_the_first_goes_at_once() {
        let departures = Departures::new(10_000, ms(15_000));
        assert_eq!((departures.count(), departures.over()), (10_000, ms(15_000)));
        assert_eq!(departures.delay(0), Duration::ZERO);
        assert_eq!(departures.delay(5_000), ms(7_500));
        assert_eq!(departures.delay(9_999), Duration::from_micros(14_998_500));
        assert_eq!(departures.delay(usize::MAX), ms(15_000));
    }

    #[test]
    fn few_are_not_kept_waiting() {
        let departures = Departures::new(5, ms(15_000));
        assert_eq!(departures.over(), ms(50));
        assert_eq!([0, 1, 4].map(|index| departures.delay(index)), [ms(0), ms(10), ms(40)]);
        assert_eq!(Departures::new(0, ms(15_000)).delay(3), Duration::ZERO);
        assert_eq!(Departures::new(5, Duration::ZERO).delay(3), Duration::ZERO);
    }
}
