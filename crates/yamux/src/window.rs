//! The receive window of a stream: what its peer may still send.

use std::time::{Duration, Instant};

/// The size of a window at first, in bytes: fixed by the specification.
pub(crate) const FIRST: u32 = 256 * 1024;

/// What the peer may still send on a stream.
///
/// Credit goes out once half of a window was read. A window grows when its half was read in less than two round trips:
/// then the peer waits for credit rather than the reader for bytes.
#[derive(Debug)]
pub(crate) struct Window {
    size: u32,
    left: u32,
    granted: Option<Instant>,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self { size: FIRST, left: FIRST, granted: None }
    }

    /// Takes `len` bytes, or says how many there could be.
    pub(crate) fn take(&mut self, len: u32) -> Result<(), u32> {
        self.left = self.left.checked_sub(len).ok_or(self.left)?;
        Ok(())
    }

    /// What it has grown by.
    pub(crate) fn grown(&self) -> usize {
        (self.size - FIRST) as usize
    }

    /// The credit that is due with `unread` bytes still to be read; 0 if it can wait. `growth` is what all windows may
    /// still grow by.
    pub(crate) fn grant(
        &mut self,
        unread: usize,
        round_trip: Option<Duration>,
        growth: &mut usize,
        now: impl FnOnce() -> Instant,
    ) -> u32 {
        let unread = u32::try_from(unread).unwrap_or(u32::MAX);
        let mut due = self.size.saturating_sub(self.left).saturating_sub(unread);
        if due < self.size / 2 {
            return 0;
        }
        let now = now();
        let is_short = match (self.granted, round_trip) {
            (Some(granted), Some(round_trip)) => now.saturating_duration_since(granted) < 2 * round_trip,
            _ => false,
        };
        if is_short {
            let more = u32::try_from(*growth).unwrap_or(u32::MAX).min(self.size).min(u32::MAX - self.size);
            *growth -= more as usize;
            self.size += more;
            due += more;
        }
        self.granted = Some(now);
        self.left += due;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the one instant from which the synthetic ones count")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn what_was_read_is_granted_by_halves() {
        let (mut window, t, mut growth) = (Window::new(), start(), 0);
        assert_eq!(window.take(FIRST), Ok(()));
        assert_eq!(window.take(1), Err(0));
        assert_eq!(window.grant(FIRST as usize, None, &mut growth, || t), 0, "nothing was read");
        assert_eq!(window.grant(FIRST as usize / 2 + 1, None, &mut growth, || t), 0);
        assert_eq!(window.grant(FIRST as usize / 2, None, &mut growth, || t), FIRST / 2);
        assert_eq!(window.grant(0, None, &mut growth, || t), FIRST / 2);
        assert_eq!(window.take(FIRST + 1), Err(FIRST));
    }

    #[test]
    fn it_grows_while_its_half_lasts_less_than_two_round_trips_and_there_is_room() {
        let (mut window, t, mut growth) = (Window::new(), start(), FIRST as usize + 1000);
        let round_trip = Some(Duration::from_millis(10));
        let grant = |window: &mut Window, at: u64, growth: &mut usize| {
            assert_eq!(window.take(window.left), Ok(()));
            window.grant(0, round_trip, growth, || t + Duration::from_millis(at))
        };
        assert_eq!(grant(&mut window, 0, &mut growth), FIRST, "the first says nothing");
        assert_eq!(grant(&mut window, 19, &mut growth), 2 * FIRST);
        assert_eq!(grant(&mut window, 39, &mut growth), 2 * FIRST, "it lasted long enough");
        assert_eq!(grant(&mut window, 40, &mut growth), 2 * FIRST + 1000, "by what is left");
        assert_eq!((growth, window.grown()), (0, FIRST as usize + 1000));
    }
}
