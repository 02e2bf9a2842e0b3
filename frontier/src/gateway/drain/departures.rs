//! When each edge is to go.

use std::time::Duration;

/// The longest time between two departures: few edges go soon, for they are no burden to anyone.
const PACE: Duration = Duration::from_millis(2);

/// More departures in a second than those who take the edges in can be asked to bear without a word in the log: a TLS
/// handshake costs them half a millisecond of a processor and more.
const FAST: u128 = 2_000;

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

    /// How many go in a second, if they are so many that it is worth a warning.
    pub(super) fn rush(self) -> Option<u128> {
        let per_second = self.count as u128 * 1_000 / self.over.as_millis().max(1);
        (self.count as u128 > FAST && per_second > FAST).then_some(per_second)
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
        assert_eq!(departures.over(), ms(10));
        assert_eq!([0, 1, 4].map(|index| departures.delay(index)), [ms(0), ms(2), ms(8)]);
        assert_eq!(Departures::new(0, ms(15_000)).delay(3), Duration::ZERO);
        assert_eq!(Departures::new(5, Duration::ZERO).delay(3), Duration::ZERO);
    }

    #[test]
    fn more_than_others_can_take_in_a_second_is_told() {
        assert_eq!(Departures::new(2_000, ms(100)).rush(), None, "they are few");
        assert_eq!(Departures::new(10_000, ms(5_000)).rush(), None);
        assert_eq!(Departures::new(10_000, ms(4_000)).rush(), Some(2_500));
        assert_eq!(Departures::new(10_000, ms(0)).rush(), Some(10_000_000));
    }
}
