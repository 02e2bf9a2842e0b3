//! How much of the hosts a session has had.

use std::time::Duration;

/// What a session of the middle priority is charged for a microsecond. A power of two: that of the lowest priority is 16
/// times as much, that of the highest a sixteenth.
const MIDDLE: u32 = 1 << 16;

/// A call of which nothing is known is charged as if it took so long.
const FIRST_GUESS: Duration = Duration::from_millis(1);

/// Calls that took longer than they were charged for are made up for, but by no more than this at once: nobody waits for
/// ever because of a guess.
const MOST_OWED: Duration = Duration::from_secs(10);

/// What one session has had, weighed: microseconds of hosts, times what one costs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    had: u128,
    price: u128,
    /// How long its calls take, averaged.
    usual: Duration,
    /// How many of them have ended, up to some that say enough.
    known: u8,
}

/// How many calls say how long they take.
const ENOUGH: u8 = 8;

impl Share {
    pub(super) fn new(priority: u16) -> Self {
        Self { had: 0, price: price(priority), usual: FIRST_GUESS, known: 0 }
    }

    pub(super) fn had(&self) -> u128 {
        self.had
    }

    /// How long its calls take, once that is known.
    pub(super) fn usual(&self) -> Option<Duration> {
        (self.known >= ENOUGH).then_some(self.usual)
    }

    /// It has had no less than others who have waited meanwhile.
    pub(super) fn catch_up(&mut self, clock: u128) {
        self.had = self.had.max(clock);
    }

    /// A call begins: what it is charged.
    pub(super) fn charge(&mut self) -> u128 {
        let charged = self.price * self.usual.as_micros().max(1);
        self.had += charged;
        charged
    }

    /// The call took so long.
    pub(super) fn settle(&mut self, charged: u128, took: Duration, clock: u128) {
        // An eighth of each counts, so a hundred calls show what is usual.
        self.usual = (self.usual * 7 + took) / 8;
        self.known = self.known.saturating_add(1).min(ENOUGH);
        let cost = self.price * took.as_micros().max(1);
        let most = clock.max(self.had) + self.price * MOST_OWED.as_micros();
        self.had = (self.had + cost).saturating_sub(charged).min(most);
    }

    /// There was no call.
    pub(super) fn refund(&mut self, charged: u128) {
        self.had = self.had.saturating_sub(charged);
    }
}

/// Halved with each 500 of priority, and on a line between those.
fn price(priority: u16) -> u128 {
    let steps = u32::from(priority / 500);
    let (upper, rest) = ((MIDDLE * 16) >> steps, u32::from(priority % 500));
    u128::from(upper - upper / 2 * rest / 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_500_of_priority_halve_the_price() {
        let prices = [0, 500, 2000, 3500, 4000].map(price);
        let middle = u128::from(MIDDLE);
        assert_eq!(prices, [middle * 16, middle * 8, middle, middle / 8, middle / 16]);
        assert!((0..4000).all(|priority| price(priority) > price(priority + 1)));
    }
}
