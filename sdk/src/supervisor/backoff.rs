use std::time::Duration;

/// Pauses that grow from one failure to the next, and differ from one client to the next.
///
/// The pause is drawn evenly from zero to a ceiling, which doubles. So the clients of a gateway that
/// comes back spread over the whole pause instead of arriving at once.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        let min = min.min(max);
        Self { min, max, ceiling: min }
    }

    /// The next pause. `chance` lies between 0 and 1.
    pub(crate) fn next(&mut self, chance: f64) -> Duration {
        let pause = self.ceiling.as_secs_f64() * chance.clamp(0.0, 1.0);
        // Fails only where rounding up leaves the range.
        let pause = Duration::try_from_secs_f64(pause).unwrap_or(self.ceiling);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        pause
    }

    /// It went well: start over.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.min;
    }

    /// How long something must go well to count.
    pub(crate) fn trial(&self) -> Duration {
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
        let mut backoff = Backoff::new(ms(100), ms(350));
        assert_eq!([1.0; 4].map(|chance| backoff.next(chance)), [ms(100), ms(200), ms(350), ms(350)]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), ms(50));
        assert_eq!(backoff.next(0.0), ms(0));
    }

    #[test]
    fn senseless_bounds_do_no_harm() {
        let mut backoff = Backoff::new(ms(100), ms(10));
        assert_eq!(backoff.next(1.0), ms(10));
        let mut backoff = Backoff::new(ms(1), Duration::MAX);
        for _ in 0..200 {
            backoff.next(1.0);
        }
    }
}
