//! Pages: where one starts, how long it is, and what the next one is called.

mod token;

pub(crate) use token::List;

use super::error::ApiError;
use crate::directory::MAX_PAGE;

/// The length of a page when the request does not say.
const DEFAULT: usize = 100;

/// The most ids in one question.
const MAX_IDS: usize = 1000;

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) start: Start,
    pub(crate) count: usize,
}

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After this many. The list may change between two pages, so this may miss or repeat some; it is for
    /// clients whose cursor has 32 bits, in which no id fits.
    Over(u32),
    /// Where this token says.
    Token(String),
}

impl Asked {
    pub(crate) fn new(cursor: Option<u32>, count: Option<u32>, token: String) -> Result<Self, ApiError> {
        let start = match (cursor, token.is_empty()) {
            (cursor, true) => Start::Over(cursor.unwrap_or(0)),
            (None | Some(0), false) => Start::Token(token),
            (Some(_), false) => return Err(ApiError::invalid("either cursor or page_token, not both")),
        };
        let count = match usize::try_from(count.unwrap_or(0)) {
            Ok(0) => DEFAULT,
            Ok(count) => count.min(MAX_PAGE),
            Err(_) => MAX_PAGE,
        };
        Ok(Self { start, count })
    }

    /// The `cursor` of the next page, of this one's length.
    fn next_cursor(&self, len: usize) -> u32 {
        match self.start {
            Start::Over(over) => over.saturating_add(u32::try_from(len).unwrap_or(u32::MAX)),
            // Who came by a token goes on by a token.
            Start::Token(_) => 0,
        }
    }
}

/// A list, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed<T> {
    /// `None` for one that was asked for by id and is not there.
    pub(crate) items: Vec<Option<T>>,
    /// What the next page is called; empty if this is the last.
    pub(crate) next_token: String,
    /// The same for clients of old; `None` if they have not asked for a page.
    pub(crate) cursor: Option<u32>,
}

impl<T> Listed<T> {
    /// The answer to a question by ids, or for everything.
    pub(crate) fn whole(items: Vec<Option<T>>) -> Self {
        Self { items, next_token: String::new(), cursor: None }
    }

    pub(crate) fn page(asked: &Asked, items: Vec<T>, next_token: Option<String>) -> Self {
        let cursor = next_token.as_ref().map_or(0, |_| asked.next_cursor(items.len()));
        let items = items.into_iter().map(Some).collect();
        Self { items, next_token: next_token.unwrap_or_default(), cursor: Some(cursor) }
    }
}

/// Refuses a question by ids that is too long, or asks for a page as well.
pub(crate) fn check_ids(ids: usize, paged: bool) -> Result<(), ApiError> {
    if paged {
        return Err(ApiError::invalid("either a page or ids, not both"));
    }
    if ids > MAX_IDS {
        return Err(ApiError::invalid(format!("{ids} ids are too many: {MAX_IDS} at most")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_page_is_bounded() {
        let count = |count| Asked::new(None, count, String::new()).unwrap().count;
        assert_eq!(
            [None, Some(0), Some(7), Some(1000), Some(u32::MAX)].map(count),
            [100, 100, 7, 1000, 1000]
        );
    }

    #[test]
    fn a_page_starts_in_one_place() {
        let token = || "e1".to_owned();
        assert_eq!(Asked::new(Some(0), None, token()).unwrap().start, Start::Token(token()));
        Asked::new(Some(1), None, token()).unwrap_err();
        check_ids(1001, false).unwrap_err();
        check_ids(1, true).unwrap_err();
        check_ids(1000, false).unwrap();
    }

    #[test]
    fn the_old_cursor_counts_and_ends_with_zero() {
        let asked = Asked::new(Some(5), Some(2), String::new()).unwrap();
        assert_eq!(Listed::page(&asked, vec![1, 2], Some("e9".to_owned())).cursor, Some(7));
        assert_eq!(Listed::page(&asked, vec![1], None).cursor, Some(0));
    }
}
