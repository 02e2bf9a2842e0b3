//! Sizes in bytes: `64KiB`, `4MiB`, `1GB`, `4096`.

use std::fmt;
use std::str::FromStr;

use super::value::{FromValue, Invalid, Value};

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

const WHAT: &str = "a size such as 4096, 64KiB, 4MiB or 1GB";

/// A number of bytes.
///
/// Written as a whole number, bare (bytes) or with a unit: `KiB`, `MiB`, `GiB`, `TiB` are powers of 1024;
/// `KB`, `MB`, `GB`, `TB` powers of 1000. Case does not count. `64K` is refused, because it means both to
/// somebody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct ByteSize(u64);

impl ByteSize {
    /// That many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many times 1024 bytes; saturates.
    #[must_use]
    pub const fn kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// That many times 1024 × 1024 bytes; saturates.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; saturates where `usize` is narrower than 64 bits.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The largest unit of which this is a whole number, in a form that can be read back.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, scale)| self.0 >= *scale && self.0.is_multiple_of(*scale)) {
            Some((unit, scale)) => write!(f, "{}{unit}", self.0 / scale),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// As [`Display`](fmt::Display), because messages about ranges and logged settings print `Debug`.
impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ByteSize {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text).map(Self).ok_or_else(|| Invalid::expected(WHAT, text))
    }
}

impl FromValue for ByteSize {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        value.text(WHAT)?.parse()
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024_and_of_1000() {
        let cases = [
            ("4096", 4096),
            ("0", 0),
            ("12B", 12),
            ("64KiB", 65_536),
            ("64 kib", 65_536),
            ("4MiB", 4_194_304),
            ("1GB", 1_000_000_000),
            ("2TiB", 2_199_023_255_552),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "KiB", "64K", "1.5MiB", "-1", "99999999TiB", "4 apples"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_displayed_can_be_read_back() {
        for bytes in [0, 1, 1000, 1024, 1500, 65_536, 1 << 40, u64::MAX] {
            assert_eq!(parse(&ByteSize::bytes(bytes).to_string()), Some(bytes));
        }
        assert_eq!(format!("{:?}", ByteSize::kib(64)), "64KiB");
        assert_eq!(ByteSize::mib(4).to_string(), "4MiB");
    }
}
