//! Lengths of time as .NET writes them: `00:30:00`, `1.00:00:00`, `00:00:00.5000000`.

use std::time::Duration;

const TICKS_PER_SECOND: u64 = 10_000_000;

/// As .NET reads it; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let number = |text: &str, most: u64| {
        let is_fine = !text.is_empty() && text.len() <= 9 && text.bytes().all(|it| it.is_ascii_digit());
        is_fine.then(|| text.parse().ok()).flatten().filter(|number: &u64| *number <= most)
    };
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let fraction = number(fraction, u64::MAX).filter(|_| fraction.len() <= 7)?
        * 10_u64.pow(u32::try_from(7 - fraction.len()).ok()?);
    let hours = number(days, 10_000_000)? * 24 + number(hours, 23)?;
    let seconds = (hours * 60 + number(minutes, 59)?) * 60 + number(seconds, 59)?;
    Some(Duration::from_secs(seconds) + Duration::from_nanos(fraction * 100))
}

/// As .NET writes it.
pub(super) fn format(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let ticks = u64::from(time.subsec_nanos()) * TICKS_PER_SECOND / 1_000_000_000;
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if ticks > 0 { format!(".{ticks:07}") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}:{:02}{fraction}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dot_net_does() {
        let cases = [
            ("00:30:00", Duration::from_secs(1800)),
            ("1.00:00:00", Duration::from_secs(86_400)),
            ("00:00:00.5000000", Duration::from_millis(500)),
            ("12.23:59:59.0000001", Duration::new(13 * 86_400 - 1, 100)),
        ];
        for (text, time) in cases {
            assert_eq!((parse(text), format(time).as_str()), (Some(time), text));
        }
        assert_eq!(parse("0:0:1.5"), Some(Duration::from_millis(1500)));
        for wrong in
            ["", "30", "1:2", "24:00:00", "00:60:00", "-00:00:01", "a:b:c", "00:00:00.12345678", "1:1:1:1"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
