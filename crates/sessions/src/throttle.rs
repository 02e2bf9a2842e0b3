//! When no more is taken, and from when on again.

/// Stops at one number of messages and goes on below a smaller one, so that it does not turn with every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    start: usize,
    stop: usize,
    is_throttling: bool,
}

impl Throttle {
    /// Takes no more above `start`, until there are fewer than `stop`, which is made no greater than that.
    #[must_use]
    pub fn new(start: usize, stop: usize) -> Self {
        Self { start, stop: stop.min(start), is_throttling: false }
    }

    /// Whether no more is taken, now that there are `messages`: requests that are not answered, and responses that were not
    /// fetched.
    pub fn update(&mut self, messages: usize) -> bool {
        if messages > self.start {
            self.is_throttling = true;
        } else if messages < self.stop || messages == 0 {
            self.is_throttling = false;
        }
        self.is_throttling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_later_than_it_stops() {
        let mut throttle = Throttle::new(4, 2);
        let taken = [4, 5, 4, 3, 2, 1, 4, 5].map(|messages| !throttle.update(messages));
        assert_eq!(taken, [true, false, false, false, false, true, true, false]);
        let mut nothing = Throttle::new(0, 9);
        assert_eq!([0, 1, 0].map(|messages| nothing.update(messages)), [false, true, false]);
    }
}
