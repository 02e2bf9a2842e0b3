//! A number of bytes, as users write it.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use serde::{Deserialize, Serialize};

/// A number of bytes: `64`, `64B`, `64KiB`, `4MiB`, `1GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ByteSize(pub(crate) usize);

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let number: usize =
            digits.parse().with_context(|| format!("{text:?} does not start with a number"))?;
        let factor = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1_000,
            "kib" => KIB,
            "mb" => 1_000_000,
            "mib" => MIB,
            "gb" => 1_000_000_000,
            "gib" => GIB,
            other => bail!("unknown unit {other:?}: one of B, KB, KiB, MB, MiB, GB, GiB"),
        };
        number.checked_mul(factor).map(Self).with_context(|| format!("{text:?} is too large"))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= GIB && n % GIB == 0 => write!(f, "{} GiB", n / GIB),
            n if n >= MIB && n % MIB == 0 => write!(f, "{} MiB", n / MIB),
            n if n >= KIB && n % KIB == 0 => write!(f, "{} KiB", n / KIB),
            n => write!(f, "{n} B"),
        }
    }
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        for (text, bytes) in
            [("64", 64), ("64B", 64), ("64KiB", 65536), ("4 mib", 4 << 20), ("1GB", 1_000_000_000)]
        {
            assert_eq!(text.parse::<ByteSize>().unwrap(), ByteSize(bytes), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "KiB", "-1", "64 parsecs", "99999999999999999999", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn display_uses_the_largest_unit_that_divides() {
        assert_eq!(ByteSize(65536).to_string(), "64 KiB");
        assert_eq!(ByteSize(65537).to_string(), "65537 B");
        assert_eq!(ByteSize(0).to_string(), "0 B");
    }
}
