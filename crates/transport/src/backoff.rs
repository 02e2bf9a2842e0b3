//! Pauses between attempts that fail, the same for everyone who dials.

use std::time::Duration;

/// Pauses whose ceiling doubles from one failure to the next. Each is drawn at random below its ceiling, so that
/// those who have lost the same peer do not come back at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
    /// Which part of the ceiling a pause takes at least.
    floor: f64,
}

impl Backoff {
    /// Pauses from nothing to the ceiling. Spreads many clients best.
    #[must_use]
    pub fn full_jitter(min: Duration, max: Duration) -> Self {
        Self::new(min, max, 0.0)
    }

    /// Pauses from half of the ceiling to the ceiling, for the few who must not come back at once.
    #[must_use]
    pub fn equal_jitter(min: Duration, max: Duration) -> Self {
        Self::new(min, max, 0.5)
    }

    fn new(min: Duration, max: Duration, floor: f64) -> Self {
        let min = min.min(max);
        Self { min, max, ceiling: min, floor }
    }

    /// The pause after one more failure.
    pub fn next_pause(&mut self) -> Duration {
        self.draw(rand::random())
    }

    /// `chance` lies between 0 and 1.
    fn draw(&mut self, chance: f64) -> Duration {
        let part = self.floor + (1.0 - self.floor) * chance;
        // Fails only where rounding up leaves the range.
        let pause = Duration::try_from_secs_f64(self.ceiling.as_secs_f64() * part).unwrap_or(self.ceiling);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        pause
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.ceiling = self.min;
    }

    /// Whether nothing has failed since the start.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.ceiling == self.min
    }

    /// The highest ceiling.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum_and_starts_over() {
        let mut backoff = Backoff::full_jitter(ms(100), ms(350));
        assert_eq!([1.0; 4].map(|chance| backoff.draw(chance)), [ms(100), ms(200), ms(350), ms(350)]);
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
        assert_eq!(backoff.draw(0.5), ms(50));
        assert_eq!(backoff.draw(0.0), ms(0));
    }

    #[test]
    fn equal_jitter_waits_for_half_of_the_ceiling_at_least() {
        let mut backoff = Backoff::equal_jitter(ms(100), ms(350));
        assert_eq!([0.0, 0.5, 1.0].map(|chance| backoff.draw(chance)), [ms(50), ms(150), ms(350)]);
        for _ in 0..100 {
            let pause = backoff.next_pause();
            assert!(ms(175) <= pause && pause <= ms(350), "{pause:?}");
        }
    }

    #[test]
    fn senseless_bounds_do_no_harm() {
        let mut backoff = Backoff::full_jitter(ms(100), ms(10));
        assert_eq!(backoff.draw(1.0), ms(10));
        let mut backoff = Backoff::full_jitter(ms(1), Duration::MAX);
        for _ in 0..200 {
            backoff.draw(1.0);
        }
    }
}
