//! The SHA-256 of a token, as it stands in a file.

use frontier_config::{FromValue, Invalid, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write;
use subtle::ConstantTimeEq;

const PREFIX: &str = "sha256:";

/// The SHA-256 of a token. Displays as it stands in the file: `sha256:` and 64 hex digits.
///
/// Compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash(pub(super) [u8; 32]);

impl TokenHash {
    /// Of no token; stands in for a hash that could not be read.
    pub(super) const NONE: Self = Self([0; 32]);

    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads the form of the file.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(bytes))
    }

    /// The first digits, by which a log can name a token that has no name.
    pub(super) fn short(&self) -> String {
        format!("token {}", hex(&self.0[..4]))
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex(&self.0))
    }
}

/// Shortened: nobody needs the whole of it in a log.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}…", hex(&self.0[..4]))
    }
}

impl FromValue for TokenHash {
    /// The message does not repeat the value, which may be the token itself.
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let text = value.text("a hash")?;
        Self::parse(text).ok_or_else(|| {
            Invalid::new(
                "expected `sha256:` and 64 hex digits; the token itself does not belong here, only its hash",
            )
        })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOO: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    #[test]
    fn it_is_sha256_and_reads_what_it_writes() {
        assert_eq!(TokenHash::of("foo").to_string(), FOO);
        assert_eq!(TokenHash::parse(FOO), Some(TokenHash::of("foo")));
        assert_eq!(TokenHash::parse(&FOO.replace('a', "A")), None, "the prefix is in lower case");
        assert_eq!(format!("{:?}", TokenHash::of("foo")), "sha256:2c26b46b…");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "foo", "sha256:", &FOO[7..], &FOO[..70], &format!("{FOO}0"), &FOO.replace('2', "é")]
        {
            assert_eq!(TokenHash::parse(text), None, "{text}");
        }
    }
}
