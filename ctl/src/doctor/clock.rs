//! The clock, compared with the `Date` of a server.

use super::report::Report;
use crate::plane::Health;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// `Date` has whole seconds, and a server may be late by one.
const EXACT: Duration = Duration::from_secs(2);

/// From here on credentials with times in them, such as JWTs, are refused or taken too long.
const FAR: Duration = Duration::from_secs(30);

pub(super) fn look(check: &str, health: &Health, report: &mut Report) {
    let Some(theirs) = health.date.as_deref().and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok())
    else {
        return report.warning(check, "it does not tell", "compare the clocks by hand");
    };
    let difference = (OffsetDateTime::now_utc() - theirs).unsigned_abs().saturating_sub(health.round_trip);
    let text = format!("{:.0} s from this machine's", difference.as_secs_f64());
    match difference {
        _ if difference <= EXACT => report.good(check, "as this machine's, to 2 s"),
        _ if difference <= FAR => report.warning(check, text, "set the clocks by NTP"),
        _ => {
            let failure = crate::failure::Failure::usage(text);
            report.failure(
                check,
                &failure.advise("set the clocks by NTP: tokens and certificates have times in them"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(seconds: i64) -> String {
        let then = OffsetDateTime::now_utc() - time::Duration::seconds(seconds);
        let (day, month) = (&then.weekday().to_string()[..3], &then.month().to_string()[..3]);
        let time = format!("{:02}:{:02}:{:02}", then.hour(), then.minute(), then.second());
        let date = format!("{day}, {:02} {month} {} {time} GMT", then.day(), then.year());
        let mut report = Report::default();
        look("clock", &Health { date: Some(date), round_trip: Duration::ZERO }, &mut report);
        format!("{report:?}")
    }

    #[test]
    fn a_clock_is_right_to_seconds_far_or_wrong() {
        for (seconds, state) in
            [(0, "Ok"), (-1, "Ok"), (10, "Warning"), (-20, "Warning"), (100, "Failure"), (-100, "Failure")]
        {
            let found = found(seconds);
            assert!(found.contains(&format!("state: {state}")), "{seconds}: {found}");
        }
    }
}
