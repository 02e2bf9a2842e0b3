//! Ranges of EdgeIDs.

use frontier_config::{FromValue, Invalid, Value};
use frontier_protocol::EdgeId;
use std::fmt;

const WHAT: &str = "an EdgeID such as 7, a range such as 100-199, or *";

/// EdgeIDs from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    first: u64,
    last: u64,
}

impl IdRange {
    /// Reads `7`, `100-199` or `*`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = |text: &str| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        if text == "*" {
            return Some(Self { first: 0, last: u64::MAX });
        }
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (id(first.trim())?, id(last.trim())?),
            None => (id(text)?, id(text)?),
        };
        (first <= last).then_some(Self { first, last })
    }

    /// Whether `id` lies in it.
    #[must_use]
    pub fn contains(&self, id: EdgeId) -> bool {
        (self.first..=self.last).contains(&id.0)
    }
}

impl FromValue for IdRange {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let text = value.text(WHAT)?;
        Self::parse(text).ok_or_else(|| Invalid::expected(WHAT, text))
    }
}

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (0, u64::MAX) => f.write_str("*"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ranges_and_all() {
        let cases: [(&str, &[u64], &[u64]); 4] = [
            ("7", &[7], &[6, 8]),
            ("100-199", &[100, 150, 199], &[99, 200]),
            ("5 - 6", &[5, 6], &[4]),
            ("*", &[1, u64::MAX], &[]),
        ];
        for (text, inside, outside) in cases {
            let range = IdRange::parse(text).unwrap();
            assert!(inside.iter().all(|&id| range.contains(EdgeId(id))), "{text}");
            assert!(!outside.iter().any(|&id| range.contains(EdgeId(id))), "{text}");
            assert_eq!(IdRange::parse(&range.to_string()), Some(range));
        }
        for text in ["", "x", "7-", "-7", "9-7", "1-2-3", "+7", "18446744073709551616", "1*"] {
            assert_eq!(IdRange::parse(text), None, "{text}");
        }
    }
}
