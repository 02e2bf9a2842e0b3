//! Durations: `500ms`, `10s`, `1m30s`, `1.5h`.

use std::time::Duration;

use super::value::{FromValue, Invalid, Value};

/// Nanoseconds per unit. Two-letter units come before the one-letter ones that they start with.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
];

const WHAT: &str = "a duration with a unit such as 500ms, 10s, 1m30s or 1h";

/// One or more numbers, each with a unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`); decimals are allowed.
///
/// Only `0` may go without a unit: a bare `10` means seconds to one reader and milliseconds to the next.
impl FromValue for Duration {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        parse_duration(value.text(WHAT)?)
    }
}

/// A duration of which a bare number gives the seconds, as files of others have it; `None` for a bare 0, which is the
/// default there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Option<Duration>);

impl FromValue for Seconds {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let text = value.text(WHAT)?;
        Ok(Self(match text.parse() {
            Ok(0) => None,
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => Some(parse_duration(text)?),
        }))
    }
}

/// Reads a duration that is written as in a configuration: for command lines.
///
/// # Errors
/// What is wrong with it.
pub fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.is_empty() {
        return Err(Invalid::new(format!("{text} needs a unit, such as {text}s or {text}ms")));
    }
    parse(text).map(Duration::from_nanos).ok_or_else(|| Invalid::expected(WHAT, text))
}

/// How long something took or may take, to three digits, for people: `0s`, `420µs`, `1.25ms`, `20s`.
#[must_use]
pub fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        0.0 => (0.0, "s"),
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

/// Nanoseconds; `None` if the text is no duration or too long for 64 bits (584 years).
fn parse(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let (unit, scale) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit))?;
        total = total.checked_add(scaled(number, scale)?)?;
        rest = &tail[unit.len()..];
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// `number` times `scale`, in whole nanoseconds; digits below one nanosecond are cut off.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut step = scale;
    for digit in fraction.chars() {
        step /= 10;
        total = total.checked_add(u64::from(digit.to_digit(10)?) * step)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    fn read(text: &str) -> Result<Duration, String> {
        let document = Document::parse(&format!("d: '{text}'"), &|_| None).unwrap();
        let duration = document.root().get("d", Duration::MAX);
        document.finish().map_err(|errors| errors.mistakes()[0].message().to_owned())?;
        Ok(duration)
    }

    #[test]
    fn numbers_with_units_are_read_exactly() {
        let cases = [
            ("0", Duration::ZERO),
            ("0s", Duration::ZERO),
            ("500ms", Duration::from_millis(500)),
            ("250us", Duration::from_micros(250)),
            ("7ns", Duration::from_nanos(7)),
            ("10s", Duration::from_secs(10)),
            ("2m", Duration::from_secs(120)),
            ("1h", Duration::from_secs(3600)),
            ("1d", Duration::from_secs(86_400)),
            ("1m30s", Duration::from_secs(90)),
            ("1.5h", Duration::from_secs(5400)),
            ("0.1s", Duration::from_millis(100)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_told_has_three_digits_and_no_fractions_of_nothing() {
        for (micros, text) in [
            (0, "0s"),
            (420, "420µs"),
            (1_250, "1.25ms"),
            (999_000, "999ms"),
            (100_000, "100ms"),
            (12_000_000, "12s"),
            (20_001_104, "20s"),
            (3_333_333, "3.33s"),
            (90_000_000, "90s"),
        ] {
            assert_eq!(format_duration(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn a_bare_number_is_told_to_add_a_unit() {
        assert_eq!(read("10").unwrap_err(), "10 needs a unit, such as 10s or 10ms");
        assert_eq!(read("1.5").unwrap_err(), "1.5 needs a unit, such as 1.5s or 1.5ms");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "s", "-1s", "1 s", "10 seconds", "1s2", "1x", ".5s", "1..5s", "600000000000s", "1h 5m"]
        {
            assert!(read(text).unwrap_err().contains("expected a duration"), "{text}");
        }
    }
}
