//! Credentials that never show up in a log.

use std::borrow::Cow;
use std::fmt;

/// The longest [`Token`], in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// A dialler's credentials: text that only who issued it understands.
///
/// It is a secret, so `Debug` does not show it and there is no `Display`. `==` takes longer the more
/// is equal, so it is no way to check a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token<'a>(Cow<'a, str>);

impl<'a> Token<'a> {
    /// A token of this text.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself: not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its length, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, for as long as it is wanted.
    #[must_use]
    pub fn into_owned(self) -> Token<'static> {
        Token(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let token = Token::new("s3cret");
        assert_eq!(format!("{token:?} {:#?}", Some(token.clone().into_owned())).matches("s3cret").count(), 0);
        assert_eq!((token.expose(), token.len(), token.is_empty()), ("s3cret", 6, false));
    }
}
