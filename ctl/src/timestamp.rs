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

/// How long something took, to three digits: `420µs`, `1.25ms`, `12s`.
pub(crate) fn took(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        _ if seconds < 1e-3 => (seconds * 1e6, "µs"),
        _ if seconds < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    let digits = match value {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    // Zeros behind the point say nothing.
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
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
    fn what_took_long_is_told_in_three_digits() {
        for (micros, text) in [
            (0, "0µs"),
            (420, "420µs"),
            (1_250, "1.25ms"),
            (999_000, "999ms"),
            (12_000_000, "12s"),
            (100_000, "100ms"),
        ] {
            assert_eq!(took(Duration::from_micros(micros)), text);
        }
    }

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
