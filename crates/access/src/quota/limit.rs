//! A rate and a burst, and how they are written.

use crate::description::LimitDescription;
use frontier_config::{ByteSize, FromValue, Invalid, Section, Value};

/// The highest rate, and the largest burst: far above what a gateway carries, and low enough that no
/// arithmetic overflows.
const MAX_RATE: u64 = 1 << 40;

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// How much may pass: on average `rate`, and `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    rate: Rate,
    burst: u64,
    unit: Unit,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things: messages, calls, streams, connections.
    Things,
    /// Bytes.
    Bytes,
}

/// So many thousandths in so many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    thousandths: u64,
    nanos: u64,
}

impl Limit {
    /// `rate` things or bytes per second, and `burst` at once. Both are held between 1 and 2⁴⁰.
    #[must_use]
    pub fn per_second(rate: u64, burst: u64, unit: Unit) -> Self {
        let rate = Rate { thousandths: rate.clamp(1, MAX_RATE) * 1000, nanos: SECOND };
        Self { rate, burst: burst.clamp(1, MAX_RATE), unit }
    }

    /// Reads the `rate` and `burst` of a section; `None` if it is absent. The default burst is what passes in
    /// a second, at least 1.
    pub(super) fn read(section: &Section<'_>, unit: Unit) -> Option<Self> {
        let rate = match unit {
            Unit::Things => section.required("rate", Rate { thousandths: 1000, nanos: SECOND }),
            Unit::Bytes => {
                let bytes = section.required("rate", ByteSize::bytes(1)).as_u64();
                if !(1..=MAX_RATE).contains(&bytes) {
                    section.reject("rate", "must lie between 1B and 1TiB");
                }
                Rate { thousandths: bytes.clamp(1, MAX_RATE) * 1000, nanos: SECOND }
            }
        };
        let burst = match unit {
            Unit::Things => section.optional("burst"),
            Unit::Bytes => section.optional::<ByteSize>("burst").map(ByteSize::as_u64),
        };
        if burst.is_some_and(|burst| !(1..=MAX_RATE).contains(&burst)) {
            section.reject("burst", "must lie between 1 and 2^40");
        }
        let burst = burst.unwrap_or_else(|| rate.in_a_second()).clamp(1, MAX_RATE);
        Some(Self { rate, burst, unit })
    }

    /// What it says, of what it counts.
    pub(super) fn describe(&self, counts: &'static str) -> LimitDescription {
        let Rate { thousandths, nanos } = self.rate;
        #[expect(clippy::cast_precision_loss, reason = "it is shown, and nothing is counted by it")]
        let per_second = thousandths as f64 / 1000.0 / (nanos as f64 / SECOND as f64);
        LimitDescription { counts, per_second, burst: self.burst }
    }

    /// How long `count` of them take to come back, in nanoseconds, rounded up: a limit errs on the strict side.
    pub(super) fn cost(&self, count: u64) -> u64 {
        let cost = u128::from(count) * 1000 * u128::from(self.rate.nanos);
        u64::try_from(cost.div_ceil(u128::from(self.rate.thousandths))).unwrap_or(u64::MAX)
    }

    /// How long a whole burst takes to come back.
    ///
    /// Things come one by one, and the rounding of each must not add up to one less in the burst. With bytes
    /// it is the other way round: one by one they would add up to a lot.
    pub(super) fn capacity(&self) -> u64 {
        match self.unit {
            Unit::Things => self.burst.saturating_mul(self.cost(1)),
            Unit::Bytes => self.cost(self.burst),
        }
    }
}

impl Rate {
    fn in_a_second(self) -> u64 {
        let count = u128::from(self.thousandths) * u128::from(SECOND) / 1000 / u128::from(self.nanos);
        u64::try_from(count).unwrap_or(MAX_RATE)
    }
}

impl FromValue for Rate {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a rate such as 100 (per second), 0.5, 30/m or 1000/h";
        let text = value.text(what)?;
        parse(text).ok_or_else(|| Invalid::expected(what, text))
    }
}

fn parse(text: &str) -> Option<Rate> {
    let (number, seconds) = match text.split_once('/') {
        None | Some((_, "s")) => (text.trim_end_matches("/s"), 1),
        Some((number, "m")) => (number, 60),
        Some((number, "h")) => (number, 3600),
        Some(_) => return None,
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 3 {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|&whole| whole <= MAX_RATE)?;
    let decimals: u64 = format!("{decimals:0<3}").parse().ok()?;
    let thousandths = whole * 1000 + decimals;
    (thousandths > 0).then_some(Rate { thousandths, nanos: seconds * SECOND })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units_of_time_and_decimals() {
        let cases = [
            ("100", 100_000, 1),
            ("100/s", 100_000, 1),
            ("0.5", 500, 1),
            ("2.25", 2250, 1),
            ("30/m", 30_000, 60),
            ("0.001/h", 1, 3600),
        ];
        for (text, thousandths, seconds) in cases {
            assert_eq!(parse(text), Some(Rate { thousandths, nanos: seconds * SECOND }), "{text}");
        }
        for text in
            ["", "0", "0.0", "-1", "1.", ".5", "1.2345", "1/d", "1/s/s", "x", "1e9", "9999999999999999"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn costs_are_rounded_up_and_a_burst_is_whole() {
        let three = Limit::per_second(3, 3, Unit::Things);
        assert_eq!((three.cost(1), three.capacity()), (333_333_334, 1_000_000_002));
        let bytes = Limit::per_second(10 << 30, 1 << 20, Unit::Bytes);
        assert_eq!((bytes.cost(1), bytes.cost(1 << 20), bytes.capacity()), (1, 97_657, 97_657));
        assert_eq!(Limit::per_second(1, MAX_RATE, Unit::Things).cost(u64::MAX), u64::MAX);
    }
}
