//! Points in time, as they stand in JSON: RFC 3339. The zero time of Go, in the year 1, stands for none.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What Go writes where there is no time.
pub(crate) const ZERO: &str = "0001-01-01T00:00:00Z";

/// The point in time; `None` for none, and for what can't be read: nobody depends on it.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    if text == ZERO {
        return None;
    }
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    UNIX_EPOCH.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

/// Appends it in quotes.
pub(crate) fn put(out: &mut Vec<u8>, at: Option<SystemTime>) {
    let at = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).and_then(|since| {
        let at = OffsetDateTime::from_unix_timestamp(i64::try_from(since.as_secs()).ok()?).ok()?;
        Some((at, since.subsec_millis()))
    });
    out.push(b'"');
    match at {
        Some((at, millis)) => {
            let (hour, minute, second) = at.to_hms();
            digits(out, at.year().unsigned_abs(), 4);
            for (before, number) in
                [(b'-', u8::from(at.month())), (b'-', at.day()), (b'T', hour), (b':', minute), (b':', second)]
            {
                out.push(before);
                digits(out, number.into(), 2);
            }
            out.push(b'.');
            digits(out, millis, 3);
            out.push(b'Z');
        }
        None => out.extend_from_slice(ZERO.as_bytes()),
    }
    out.push(b'"');
}

/// Appends a number that has so many digits at most. Formatting takes several times as long, and each call has a time.
fn digits(out: &mut Vec<u8>, number: u32, count: u32) {
    for place in (0..count).rev() {
        // The rest of a division by ten is one digit.
        out.push(b'0' + u8::try_from(number / 10_u32.pow(place) % 10).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_to_the_millisecond() {
        for millis in [0, 1, 951_782_400_123, 1_767_323_045_678, 4_102_444_799_999] {
            let at = UNIX_EPOCH + Duration::from_millis(millis);
            let mut out = Vec::new();
            put(&mut out, Some(at));
            let text = String::from_utf8(out).unwrap();
            assert_eq!(parse(text.trim_matches('"')), Some(at), "{text}");
        }
        let mut out = Vec::new();
        put(&mut out, None);
        assert_eq!(out, format!("\"{ZERO}\"").into_bytes());
    }

    #[test]
    fn what_others_write_is_read() {
        let at = parse("2026-01-02T03:04:05.678901234+08:00").unwrap();
        let since = at.duration_since(UNIX_EPOCH).unwrap();
        assert_eq!((since.as_secs(), since.subsec_nanos()), (1_767_294_245, 678_901_234));
        for none in [ZERO, "", "tomorrow", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"] {
            let far =
                parse(none).is_some_and(|at| at > SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 37));
            assert!(parse(none).is_none() || far, "{none}");
        }
    }
}
