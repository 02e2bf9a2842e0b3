//! The wait that an overloaded peer asks for.

use crate::Code;
use std::time::Duration;

/// How long to wait before the same is tried again, as the `detail` of an answer says. `None` if it
/// does not.
#[must_use]
pub fn retry_after(code: Code, detail: u32) -> Option<Duration> {
    (code == Code::Overloaded && detail != 0).then(|| Duration::from_millis(detail.into()))
}

/// The `detail` that asks for such a wait, beside [`Code::Overloaded`]: in whole milliseconds, rounded
/// up, some 49 days at most. Nothing is asked for with a wait of zero.
#[must_use]
pub fn retry_detail(after: Duration) -> u32 {
    u32::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_makes_the_round_trip_in_milliseconds_that_are_rounded_up() {
        for (after, then) in [(0, None), (1, Some(1)), (1_000_000, Some(1)), (1_000_001, Some(2))] {
            let detail = retry_detail(Duration::from_nanos(after));
            assert_eq!(retry_after(Code::Overloaded, detail), then.map(Duration::from_millis), "{after} ns");
        }
        assert_eq!(retry_detail(Duration::MAX), u32::MAX);
    }

    #[test]
    fn only_an_overload_says_when_to_come_again() {
        for &code in Code::ALL {
            assert_eq!(retry_after(code, 5).is_some(), code == Code::Overloaded, "{code}");
        }
    }
}
