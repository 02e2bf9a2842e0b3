/// What two readings may differ by beyond their errors without a clock having been set, in microseconds.
const TOLERANCE: u64 = 2_000;

/// How many settings there are at most: a directory whose time is set more often is not followed further.
const SETTINGS: usize = 64;

/// What directory time is, as far as it can be known: the question takes its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// By the gateway's own clock, the one of epochs.
    epoch: u64,
    directory: u64,
    /// How far off it may be, in microseconds.
    error: u64,
}

impl Reading {
    /// It was asked for and answered at these epochs.
    pub(super) fn new(asked: u64, answered: u64, directory: u64) -> Self {
        let error = answered.saturating_sub(asked).div_ceil(2);
        Self { epoch: asked + error, directory, error }
    }

    /// The better one.
    pub(super) fn best(self, other: Self) -> Self {
        if other.error < self.error { other } else { self }
    }
}

/// What epochs are in directory time.
///
/// The stamp of a connection is the directory time of its epoch. It never changes: when another frontlas
/// shows another time, this holds for later connections only. Later connections have greater stamps, also
/// when the time goes back: then it goes on at half its pace until it is right again.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// By epoch. The first holds for all epochs before it as well.
    settings: Vec<Setting>,
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    /// From which epoch on.
    from: u64,
    /// Directory time less epoch.
    offset: i64,
    /// The stamp of `from` by the settings before.
    floor: u64,
    error: u64,
}

impl Clock {
    pub(super) fn set(&mut self, reading: Reading) {
        let Reading { epoch, directory, error } = reading;
        let offset = directory.cast_signed().wrapping_sub(epoch.cast_signed());
        match self.settings.last() {
            None => self.settings.push(Setting { from: 0, offset, floor: 0, error }),
            Some(last) if offset.abs_diff(last.offset) <= error + last.error + TOLERANCE => {}
            Some(_) if self.settings.len() >= SETTINGS => {}
            Some(_) => {
                let floor = self.stamp(epoch);
                self.settings.push(Setting { from: epoch, offset, floor, error });
            }
        }
    }

    /// The stamp of a connection, in microseconds.
    pub(super) fn stamp(&self, epoch: u64) -> u64 {
        let setting = self.settings.iter().rev().find(|setting| setting.from <= epoch);
        let Some(setting) = setting else { return epoch };
        let stamp = epoch.saturating_add_signed(setting.offset);
        if setting.from == 0 { stamp } else { stamp.max(setting.floor + (epoch - setting.from) / 2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    fn exact(epoch: u64, directory: u64) -> Reading {
        Reading::new(epoch, epoch, directory)
    }

    #[test]
    fn the_quickest_answer_counts_and_its_error_is_half_of_what_it_took() {
        let slow = Reading::new(0, 1001, 7_000);
        let quick = Reading::new(2_000, 2_100, 9_040);
        for reading in [slow.best(quick), quick.best(slow)] {
            assert_eq!((reading.epoch, reading.directory, reading.error), (2_050, 9_040, 50));
        }
        let mut clock = Clock::default();
        clock.set(slow);
        clock.set(quick);
        assert_eq!(clock.stamp(501), 7_000, "both agree as far as they are known");
    }

    #[test]
    fn what_was_connected_before_the_time_was_known_goes_by_it_as_well() {
        let mut clock = Clock::default();
        assert_eq!(clock.stamp(5 * SECOND), 5 * SECOND);
        clock.set(exact(10 * SECOND, 110 * SECOND));
        assert_eq!((clock.stamp(5 * SECOND), clock.stamp(11 * SECOND)), (105 * SECOND, 111 * SECOND));
    }

    #[test]
    fn another_time_holds_for_later_connections_only() {
        let mut clock = Clock::default();
        clock.set(exact(10 * SECOND, 110 * SECOND));
        clock.set(exact(20 * SECOND, 120 * SECOND + TOLERANCE));
        assert_eq!(clock.stamp(21 * SECOND), 121 * SECOND, "that was the network");
        clock.set(exact(30 * SECOND, 930 * SECOND));
        assert_eq!((clock.stamp(29 * SECOND), clock.stamp(31 * SECOND)), (129 * SECOND, 931 * SECOND));
    }

    #[test]
    fn a_time_that_goes_back_is_reached_at_half_the_pace() {
        let mut clock = Clock::default();
        clock.set(exact(10 * SECOND, 20 * SECOND));
        clock.set(exact(20 * SECOND, 26 * SECOND));
        let stamps = [20, 22, 28, 30].map(|epoch| clock.stamp(epoch * SECOND) / SECOND);
        assert_eq!(stamps, [30, 31, 34, 36]);
    }

    proptest! {
        #[test]
        fn stamps_never_go_back(steps in proptest::collection::vec((1..1000u64, -500..500i64), 1..100)) {
            let mut clock = Clock::default();
            let (mut epoch, mut last) = (1_000_000, 0);
            for (step, offset) in steps {
                epoch += step * 1000;
                clock.set(exact(epoch, epoch.saturating_add_signed(offset * 1000)));
                let stamp = clock.stamp(epoch);
                prop_assert!(stamp >= last, "{stamp} after {last}");
                last = stamp;
            }
        }
    }
}
