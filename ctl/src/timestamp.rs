//! Times, as people and programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Now, to the millisecond: `2026-11-29T12:00:00.123Z`.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let millis = now.millisecond();
    let rounded = now.replace_nanosecond(u32::from(millis) * 1_000_000).unwrap_or(now);
    rounded.format(&Rfc3339).unwrap_or_default()
}

/// In whole microseconds, of which 64 bits hold 500,000 years.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How long ago this was, in its greatest unit: `5s`, `3h`.
pub(crate) fn age(since_1970: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.saturating_sub(since_1970).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        for (ago, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (7300, "2h"), (200_000, "2d")] {
            assert_eq!(age(now - Duration::from_secs(ago)), text);
        }
        // Another clock may be ahead.
        assert_eq!(age(now + Duration::from_secs(100)), "0s");
        assert!(super::now().ends_with('Z') && super::now().len() <= 24, "{}", super::now());
    }
}
