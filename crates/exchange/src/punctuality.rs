//! Whether the gateway keeps up: while it does not, it has no right to call others silent.

use std::time::{Duration, Instant};

/// The longest time between two sweeps of a gateway that keeps up. They are due once a second.
const ON_TIME: Duration = Duration::from_secs(2);

/// How long it may take at most to catch up, as after a pause of the process.
const CATCH_UP: Duration = Duration::from_secs(10);

/// When the last sweep was, and whether it or what else has a time was late.
#[derive(Debug, Default)]
pub(crate) struct Punctuality {
    last: Option<Instant>,
    behind_until: Option<Instant>,
}

impl Punctuality {
    /// Notes a sweep. Whether peers may be judged by what has come from them: after one that was late, what came
    /// meanwhile may not have been read, and it takes about as long to read it.
    pub(crate) fn sweep(&mut self, now: Instant) -> bool {
        let since_last =
            self.last.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.judges(now, since_last, ON_TIME)
    }

    /// The same of anything that comes `late`, where `on_time` is not too late.
    pub(crate) fn judges(&mut self, now: Instant, late: Duration, on_time: Duration) -> bool {
        if late > on_time {
            self.behind_until = Some(now + late.min(CATCH_UP));
        }
        !self.is_behind(now)
    }

    /// Whether there is something to catch up with.
    pub(crate) fn is_behind(&self, now: Instant) -> bool {
        self.behind_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_judges_nobody_until_about_as_much_time_has_passed() {
        let start = Instant::now();
        let mut punctuality = Punctuality::default();
        let mut judges = |seconds: f64| punctuality.sweep(start + Duration::from_secs_f64(seconds));
        assert!(judges(0.0) && judges(1.5) && judges(2.0));
        assert!(!judges(4.2), "as late as that");
        for at in [5.0, 6.0, 6.3] {
            assert!(!judges(at), "at {at}");
        }
        assert!(judges(6.5));
        assert!(!judges(3600.0));
        for at in 3601..3610 {
            assert!(!judges(at.into()), "at {at}");
        }
        assert!(judges(3610.0), "a pause of an hour takes no hour to catch up with");
    }
}
