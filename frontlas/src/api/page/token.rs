//! What the next page is called. Opaque to clients; they only hand it back.

use crate::api::error::ApiError;

/// What a token is for. A token starts with a letter, so that it is never a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Frontiers,
    Edges,
    Services,
}

impl List {
    fn letter(self) -> char {
        match self {
            Self::Frontiers => 'f',
            Self::Edges => 'e',
            Self::Services => 's',
        }
    }

    /// The token for what begins at a numeric id.
    pub(crate) fn token_from(self, id: u64) -> String {
        format!("{}{id:x}", self.letter())
    }

    /// The token for what follows a text id.
    pub(crate) fn token_after(self, id: &str) -> String {
        id.bytes().fold(self.letter().to_string(), |token, byte| format!("{token}{byte:02x}"))
    }

    pub(crate) fn parse_from(self, token: &str) -> Result<u64, ApiError> {
        // `from_str_radix` takes a sign.
        let digits = token.strip_prefix(self.letter()).filter(|it| !it.starts_with('+'));
        digits.and_then(|it| u64::from_str_radix(it, 16).ok()).ok_or_else(wrong)
    }

    pub(crate) fn parse_after(self, token: &str) -> Result<String, ApiError> {
        let digits = token.strip_prefix(self.letter()).ok_or_else(wrong)?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? << 4 | low?).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let text = bytes.filter(|_| rest.is_empty()).and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(wrong)
    }
}

fn wrong() -> ApiError {
    ApiError::invalid("the cursor or page_token is not one that an answer to this question has given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back_and_nothing_else_is() {
        for id in [0, 1, u64::MAX] {
            assert_eq!(List::Edges.parse_from(&List::Edges.token_from(id)), Ok(id));
            List::Services.parse_from(&List::Edges.token_from(id)).unwrap_err();
        }
        for id in ["", "f1", "pod-ü", "\u{1}"] {
            assert_eq!(List::Frontiers.parse_after(&List::Frontiers.token_after(id)).as_deref(), Ok(id));
        }
        for wrong in ["", "e", "e+1", "e-1", "e 1", "ex", "1", "e10000000000000000", "ü"] {
            List::Edges.parse_from(wrong).expect_err(wrong);
        }
        for wrong in ["", "f1", "fzz", "fff", "e61", "f+1", "fü"] {
            List::Frontiers.parse_after(wrong).expect_err(wrong);
        }
    }
}
