//! Page tokens. Opaque to clients, who only hand them back.

use crate::error::ApiError;

/// The tokens of one list. They start with a letter of the list: a token of another list is refused, and none is
/// taken for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageTokens(char);

impl PageTokens {
    /// The tokens that start with this letter, which must be ASCII and no digit.
    #[must_use]
    pub const fn new(letter: char) -> Self {
        assert!(letter.is_ascii_alphabetic(), "a token must not look like a number");
        Self(letter)
    }

    /// The token for the page that begins at a numeric id.
    #[must_use]
    pub fn token_from(self, id: u64) -> String {
        format!("{}{id:x}", self.0)
    }

    /// The token for the page that follows a text id.
    #[must_use]
    pub fn token_after(self, id: &str) -> String {
        id.bytes().fold(self.0.to_string(), |token, byte| format!("{token}{byte:02x}"))
    }

    /// The numeric id that a page begins at.
    ///
    /// # Errors
    /// If the token is not one of [`token_from`](Self::token_from).
    pub fn parse_from(self, token: &str) -> Result<u64, ApiError> {
        // `from_str_radix` takes a sign.
        let digits = token.strip_prefix(self.0).filter(|it| !it.starts_with('+'));
        digits.and_then(|it| u64::from_str_radix(it, 16).ok()).ok_or_else(unknown)
    }

    /// The text id that a page follows.
    ///
    /// # Errors
    /// If the token is not one of [`token_after`](Self::token_after).
    pub fn parse_after(self, token: &str) -> Result<String, ApiError> {
        let digits = token.strip_prefix(self.0).ok_or_else(unknown)?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? << 4 | low?).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let text = bytes.filter(|_| rest.is_empty()).and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(unknown)
    }
}

fn unknown() -> ApiError {
    ApiError::invalid("the cursor or page_token is not one that an answer to this query has given")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONTIERS: PageTokens = PageTokens::new('f');
    const EDGES: PageTokens = PageTokens::new('e');
    const SERVICES: PageTokens = PageTokens::new('s');

    #[test]
    fn tokens_are_read_back_and_nothing_else_is() {
        for id in [0, 1, u64::MAX] {
            assert_eq!(EDGES.parse_from(&EDGES.token_from(id)), Ok(id));
            SERVICES.parse_from(&EDGES.token_from(id)).unwrap_err();
        }
        for id in ["", "f1", "pod-ü", "\u{1}"] {
            assert_eq!(FRONTIERS.parse_after(&FRONTIERS.token_after(id)).as_deref(), Ok(id));
        }
        for wrong in ["", "e", "e+1", "e-1", "e 1", "ex", "1", "e10000000000000000", "ü"] {
            EDGES.parse_from(wrong).expect_err(wrong);
        }
        for wrong in ["", "f1", "fzz", "fff", "e61", "f+1", "fü"] {
            FRONTIERS.parse_after(wrong).expect_err(wrong);
        }
    }
}
