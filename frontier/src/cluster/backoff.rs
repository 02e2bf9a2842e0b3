use std::time::Duration;

/// Pauses that grow from one failure to the next, from half of a ceiling to the ceiling, which doubles. The
/// gateways of a frontlas that comes back do not all come at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, ceiling: min }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.ceiling.mul_f64(rand::random_range(0.5..=1.0));
        self.ceiling = (self.ceiling * 2).min(self.max);
        pause
    }

    /// Whether nothing has failed since it started over.
    pub(crate) fn is_fresh(&self) -> bool {
        self.ceiling == self.min
    }

    /// It went well: start over.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_most_and_start_over() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(350));
        for ceiling in [100, 200, 350, 350] {
            let pause = backoff.next();
            assert!(ms(ceiling / 2) <= pause && pause <= ms(ceiling), "{pause:?} of {ceiling} ms");
        }
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
        assert!(backoff.next() <= ms(100));
    }
}
