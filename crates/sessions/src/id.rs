//! Names and numbers.

use crate::fault::{Fault, FaultCode};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

macro_rules! hexadecimal {
    ($(#[$doc:meta])* $name:ident, $fault:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(hexadecimal(&mut [0; 32], self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            /// Of 32 hexadecimal digits, or with hyphens and braces as a GUID has them.
            fn from_str(text: &str) -> Result<Self, Fault> {
                guid(text).map(Self).ok_or_else(|| Fault::new(FaultCode::$fault, concat!($what, ": 32 hexadecimal digits, with hyphens or without")))
            }
        }
    };
}

hexadecimal! {
    /// Names a session. Whoever makes one up draws it at random.
    SessionId, InvalidSessionId, "this is no id of a session"
}

hexadecimal! {
    /// Names a request, by the choice of who sends it. Of two of one client with the same id the second is the first one
    /// again.
    MessageId, InvalidMessageId, "this is no id of a message"
}

/// 32 digits. Ids are written and read with each request and response, so it has to be quick.
fn hexadecimal(digits: &mut [u8; 32], number: u128) -> &str {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        // Copied as a slice of two bytes it would be a call of `memmove` for each.
        (pair[0], pair[1]) = (digit(byte >> 4), digit(byte & 15));
    }
    // They are all ASCII.
    std::str::from_utf8(digits).unwrap_or_default()
}

/// The number of 32 digits, and nothing else.
fn number(text: &[u8; 32]) -> Option<u128> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(u128::from);
    text.iter().try_fold(0, |number, byte| Some(number << 4 | digit(byte)?))
}

fn guid(text: &str) -> Option<u128> {
    if let Ok(digits) = text.as_bytes().try_into() {
        return number(digits);
    }
    let text = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    if !hyphens.is_empty() && hyphens != [8, 13, 18, 23] {
        return None;
    }
    let digits = text.len() - hyphens.len();
    (digits == 32).then(|| number(text.replace('-', "").as_bytes().try_into().ok()?)).flatten()
}

/// Names a client of a session: its queues of requests and responses. Case does not count. Cheap to clone, as each call has
/// one.
#[derive(Clone, Debug)]
pub struct ClientId(Arc<str>);

/// Mostly the same text in the same place, which need not be read.
impl Ord for ClientId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for ClientId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ClientId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for ClientId {}

impl Hash for ClientId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl ClientId {
    /// The most characters.
    pub const MAX: usize = 128;

    /// The client of those that name none.
    #[must_use]
    pub fn anonymous() -> Self {
        Self("default".into())
    }

    /// Of at most 128 characters: ASCII letters and digits, `_`, `-`, `{`, `}` and blanks.
    ///
    /// # Errors
    /// [`FaultCode::InvalidClientId`].
    pub fn new(text: &str) -> Result<Self, Fault> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-{} ".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(is_fine) {
            let text = "a client id has 1 to 128 characters: letters, digits, `_`, `-`, `{`, `}` and blanks";
            return Err(Fault::new(FaultCode::InvalidClientId, text));
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// In lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a client's life: one that is not sure what of its last requests arrived takes a higher one, and those that
/// were not committed are gone.
pub type BatchId = u64;

/// The place of a request among those of its client, from 0.
pub type Sequence = u64;

/// The place of a response among those of its client, from 0, in the order in which they were stored.
pub type Position = u64;

/// Counts the owners of a session. A store takes nothing from an owner once there is one with a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_digits_however_they_are_written() {
        let id = SessionId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for text in [
            "0123456789abcdef0123456789abcdef",
            "01234567-89ab-cdef-0123-456789abcdef",
            "{01234567-89AB-CDEF-0123-456789ABCDEF}",
        ] {
            assert_eq!(text.parse::<SessionId>().unwrap(), id, "{text}");
        }
        assert_eq!(id.to_string().parse::<SessionId>().unwrap(), id);
        for text in ["", "1", "{0123456789abcdef0123456789abcdef", "+123456789abcdef0123456789abcdef0"] {
            assert_eq!(text.parse::<MessageId>().unwrap_err().code, FaultCode::InvalidMessageId, "{text}");
        }
        let misplaced = "0123-456789ab-cdef-0123-456789abcdef";
        misplaced.parse::<SessionId>().unwrap_err();
    }

    #[test]
    fn client_ids_are_short_plain_and_of_no_case() {
        assert_eq!(ClientId::new("A-b_c {9}").unwrap(), ClientId::new("a-B_C {9}").unwrap());
        ClientId::new(&"x".repeat(128)).unwrap();
        for text in ["", "a/b", "ä", "a\n", "a:b", &"x".repeat(129)] {
            assert_eq!(ClientId::new(text).unwrap_err().code, FaultCode::InvalidClientId, "{text:?}");
        }
    }
}
