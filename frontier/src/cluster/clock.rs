//! Directory time for connections: what the gateway's epochs are by the clock of the directory.

use frontier_protocol::Epoch;

/// What two readings may differ by beyond their errors without a clock having been set, in microseconds.
const TOLERANCE_US: u64 = 2_000;

/// Bounds the memory for settings, of 32 bytes each. With clocks that nobody corrects, and that drift apart
/// by a second a day, they last for more than a week; then the directory is not followed further.
const MAX_SETTINGS: usize = 4096;

/// An error of this much is good enough, in microseconds.
const GOOD_ERROR_US: u64 = 1_000;

/// What directory time is, as far as it can be known: asking takes time.
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

impl Setting {
    /// Whether a reading tells more: that a clock was set or has drifted, or much the same with less doubt.
    fn is_bettered(&self, offset: i64, error: u64) -> bool {
        offset.abs_diff(self.offset) > error + self.error + TOLERANCE_US
            || self.error > GOOD_ERROR_US && error <= self.error / 2
    }
}

impl Clock {
    /// Epochs from `next` on go by this reading, unless it says nothing new.
    pub(super) fn set(&mut self, reading: Reading, next: Epoch) {
        let Reading { epoch, directory, error } = reading;
        let offset = directory.cast_signed().wrapping_sub(epoch.cast_signed());
        match self.settings.last() {
            None => self.settings.push(Setting { from: 0, offset, floor: 0, error }),
            Some(last) if !last.is_bettered(offset, error) => {}
            Some(_) if self.settings.len() >= MAX_SETTINGS => {}
            Some(_) => {
                let floor = self.stamp(next.0);
                self.settings.push(Setting { from: next.0, offset, floor, error });
            }
        }
    }

    /// The stamp of a connection, in microseconds.
    pub(super) fn stamp(&self, epoch: u64) -> u64 {
        let later = self.settings.partition_point(|setting| setting.from <= epoch);
        let Some(setting) = later.checked_sub(1).map(|last| self.settings[last]) else { return epoch };
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
        clock.set(slow, Epoch(1_100));
        clock.set(quick, Epoch(2_200));
        assert_eq!(clock.stamp(501), 7_000, "both agree as far as they are known");
    }

    #[test]
    fn a_reading_that_is_much_more_exact_holds_for_later_connections() {
        let mut clock = Clock::default();
        clock.set(Reading::new(0, 60_000, 1_000_000), Epoch(60_000));
        assert_eq!(clock.stamp(30_000), 1_000_000);
        clock.set(Reading::new(SECOND, SECOND + 40_000, 2_000_000), Epoch(SECOND + 40_000));
        assert_eq!(clock.stamp(2 * SECOND), 2_970_000, "that was hardly better");
        clock.set(Reading::new(3 * SECOND, 3 * SECOND + 200, 3_990_100), Epoch(3 * SECOND + 300));
        assert_eq!(clock.stamp(3 * SECOND), 3_970_000, "it has been told already");
        assert_eq!(clock.stamp(4 * SECOND), 4_990_000);
    }

    #[test]
    fn a_directory_that_drifts_is_followed() {
        let mut clock = Clock::default();
        for turn in 0..1000 {
            let epoch = turn * 20 * SECOND;
            clock.set(exact(epoch, SECOND + epoch + turn * 1_000), Epoch(epoch));
        }
        let (epoch, exact) = (1000 * 20 * SECOND, SECOND + 1000 * 20 * SECOND + 1_000_000);
        let off = exact.abs_diff(clock.stamp(epoch));
        assert!(off <= 2 * TOLERANCE_US, "{off}");
        assert!(clock.settings.len() < 501, "{}", clock.settings.len());
    }

    #[test]
    fn what_was_connected_before_the_time_was_known_goes_by_it_as_well() {
        let mut clock = Clock::default();
        assert_eq!(clock.stamp(5 * SECOND), 5 * SECOND);
        clock.set(exact(10 * SECOND, 110 * SECOND), Epoch(10 * SECOND));
        assert_eq!((clock.stamp(5 * SECOND), clock.stamp(11 * SECOND)), (105 * SECOND, 111 * SECOND));
    }

    #[test]
    fn another_time_holds_for_later_connections_only() {
        let mut clock = Clock::default();
        clock.set(exact(10 * SECOND, 110 * SECOND), Epoch(10 * SECOND));
        clock.set(exact(20 * SECOND, 120 * SECOND + TOLERANCE_US), Epoch(20 * SECOND));
        assert_eq!(clock.stamp(21 * SECOND), 121 * SECOND, "that was the network");
        clock.set(exact(30 * SECOND, 930 * SECOND), Epoch(30 * SECOND));
        assert_eq!((clock.stamp(29 * SECOND), clock.stamp(31 * SECOND)), (129 * SECOND, 931 * SECOND));
    }

    #[test]
    fn a_time_that_goes_back_is_reached_at_half_the_pace() {
        let mut clock = Clock::default();
        clock.set(exact(10 * SECOND, 20 * SECOND), Epoch(10 * SECOND));
        clock.set(exact(20 * SECOND, 26 * SECOND), Epoch(20 * SECOND));
        let stamps = [20, 22, 28, 30].map(|epoch| clock.stamp(epoch * SECOND) / SECOND);
        assert_eq!(stamps, [30, 31, 34, 36]);
    }

    proptest! {
        #[test]
        fn stamps_never_go_back(steps in proptest::collection::vec((1..1000u64, -500..500i64, 0..9_000u64), 1..100)) {
            let mut clock = Clock::default();
            let (mut epoch, mut last) = (SECOND, 0);
            for (step, offset, error) in steps {
                epoch += step * 1000;
                let directory = epoch.saturating_add_signed(offset * 1000);
                clock.set(Reading::new(epoch - 2 * error, epoch, directory), Epoch(epoch));
                let stamp = clock.stamp(epoch);
                prop_assert!(stamp >= last, "{stamp} after {last}");
                last = stamp;
            }
        }
    }
}
