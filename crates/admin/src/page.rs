//! Lists by pages: where one starts, how long it is, and the token of the next one.

mod token;

pub use token::PageTokens;

use crate::error::ApiError;

/// The length of a page when the request does not say.
const DEFAULT_PAGE_SIZE: usize = 100;

/// The longest page; longer ones are cut to it. It bounds the memory of an answer.
const MAX_PAGE_SIZE: usize = 1000;

/// The most items that an old client's cursor passes over. It bounds what one page costs: all before it are read.
const MAX_OFFSET: u32 = 100_000;

/// The most ids in one request: as many answers as in the longest page.
const MAX_IDS: usize = 1000;

/// Which page is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where it starts.
    pub start: PageStart,
    /// How many items it has at most.
    pub count: usize,
}

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// After this many items. The list may change between two pages, so this may miss or repeat some; it is for
    /// old clients, whose cursor has 32 bits, in which no id fits.
    Offset(u32),
    /// Where this token says.
    Token(String),
}

impl PageRequest {
    /// From the fields of a request for a list.
    ///
    /// # Errors
    /// If there are both a cursor and a token, or the cursor is more than 100,000.
    pub fn new(cursor: Option<u32>, count: Option<u32>, token: String) -> Result<Self, ApiError> {
        if let Some(cursor) = cursor.filter(|cursor| *cursor > MAX_OFFSET) {
            return Err(ApiError::invalid(format!(
                "cursor {cursor} is too far: a number may be {MAX_OFFSET} at most; go on by page_token"
            )));
        }
        let start = match (cursor, token.is_empty()) {
            (cursor, true) => PageStart::Offset(cursor.unwrap_or(0)),
            (None | Some(0), false) => PageStart::Token(token),
            (Some(_), false) => return Err(ApiError::invalid("either cursor or page_token, not both")),
        };
        let count = match usize::try_from(count.unwrap_or(0)) {
            Ok(0) => DEFAULT_PAGE_SIZE,
            Ok(count) => count.min(MAX_PAGE_SIZE),
            Err(_) => MAX_PAGE_SIZE,
        };
        Ok(Self { start, count })
    }

    /// The `cursor` of the next page, of this one's length.
    fn next_cursor(&self, len: usize) -> u32 {
        match self.start {
            PageStart::Offset(offset) => offset.saturating_add(u32::try_from(len).unwrap_or(u32::MAX)),
            // A client that came by a token goes on by a token.
            PageStart::Token(_) => 0,
        }
    }
}

/// A list, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// `None` for one that was requested by its id and is not there.
    pub items: Vec<Option<T>>,
    /// The token of the next page; empty if this is the last.
    pub next_token: String,
    /// The same for old clients; `None` if they have not requested a page.
    pub cursor: Option<u32>,
}

impl<T> Listing<T> {
    /// The answer to a request by ids, or for everything.
    #[must_use]
    pub fn whole(items: Vec<Option<T>>) -> Self {
        Self { items, next_token: String::new(), cursor: None }
    }

    /// One page, and the token of the next one if there is one.
    #[must_use]
    pub fn page(request: &PageRequest, items: Vec<T>, next_token: Option<String>) -> Self {
        let cursor = next_token.as_ref().map_or(0, |_| request.next_cursor(items.len()));
        let items = items.into_iter().map(Some).collect();
        Self { items, next_token: next_token.unwrap_or_default(), cursor: Some(cursor) }
    }
}

/// Fills a page of a list that is ordered by numeric ids. `read` gives items from an id on, at most so many, and the
/// id at which the next ones begin, if there are any; it may give fewer than it was asked for.
///
/// # Errors
/// That of `read`, or if the token is not one of this list.
pub async fn collect<T, F>(
    request: &PageRequest,
    tokens: PageTokens,
    read: impl Fn(u64, usize) -> F,
) -> Result<Listing<T>, ApiError>
where
    F: Future<Output = Result<(Vec<T>, Option<u64>), ApiError>>,
{
    let (mut next, mut offset) = match &request.start {
        PageStart::Offset(offset) => (Some(0), usize::try_from(*offset).unwrap_or(usize::MAX)),
        PageStart::Token(token) => (Some(tokens.parse_from(token)?), 0),
    };
    let mut items = Vec::new();
    while let Some(from) = next
        && items.len() < request.count
    {
        let wanted = if offset > 0 { offset } else { request.count - items.len() };
        let (found, following) = read(from, wanted.min(MAX_PAGE_SIZE)).await?;
        next = following;
        let skipped = offset.min(found.len());
        offset -= skipped;
        items.extend(found.into_iter().skip(skipped));
    }
    Ok(Listing::page(request, items, next.map(|from| tokens.token_from(from))))
}

/// Refuses a request by ids that has too many of them, or asks for a page as well.
///
/// # Errors
/// [`ApiError::Invalid`] in both cases.
pub fn check_ids(ids: usize, paged: bool) -> Result<(), ApiError> {
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
        let count = |count| PageRequest::new(None, count, String::new()).unwrap().count;
        assert_eq!(
            [None, Some(0), Some(7), Some(1000), Some(u32::MAX)].map(count),
            [100, 100, 7, 1000, 1000]
        );
    }

    #[test]
    fn a_page_starts_in_one_place() {
        let token = || "e1".to_owned();
        assert_eq!(PageRequest::new(Some(0), None, token()).unwrap().start, PageStart::Token(token()));
        PageRequest::new(Some(1), None, token()).unwrap_err();
        check_ids(1001, false).unwrap_err();
        check_ids(1, true).unwrap_err();
        check_ids(1000, false).unwrap();
    }

    #[test]
    fn a_cursor_that_would_walk_through_everything_is_refused() {
        let page = |cursor| PageRequest::new(Some(cursor), None, String::new());
        assert_eq!(page(MAX_OFFSET).unwrap().start, PageStart::Offset(MAX_OFFSET));
        for cursor in [MAX_OFFSET + 1, 4_000_000_000, u32::MAX] {
            let error = page(cursor).unwrap_err().to_string();
            assert!(error.contains(&cursor.to_string()) && error.contains("page_token"), "{error}");
        }
    }

    #[test]
    fn the_old_cursor_counts_and_ends_with_zero() {
        let request = PageRequest::new(Some(5), Some(2), String::new()).unwrap();
        assert_eq!(Listing::page(&request, vec![1, 2], Some("e9".to_owned())).cursor, Some(7));
        assert_eq!(Listing::page(&request, vec![1], None).cursor, Some(0));
    }
}
