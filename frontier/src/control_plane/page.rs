//! Which page of a list is requested.

use super::order::{Order, Place};
use frontier_admin::ApiError;

/// As the original has it.
const DEFAULT_SIZE: i32 = 10;

/// The longest page; longer ones are cut to it. It bounds the memory of an answer.
const MAX_SIZE: i32 = 1000;

/// The most that a page by its number passes over. It bounds what is kept while a list is put in order.
const MAX_PASSED_OVER: usize = 100_000;

/// Where a page begins, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) start: Start,
    pub(super) size: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Behind so many.
    Offset(usize),
    /// Behind this place.
    Behind(Place),
}

/// A page of a list.
#[derive(Clone, Debug)]
pub(super) struct Listing<T> {
    pub(super) items: Vec<T>,
    /// How many there are on all pages.
    pub(super) count: usize,
    /// The token of the next page; empty if this is the last.
    pub(super) next: String,
}

impl Page {
    pub(super) fn new(page: i32, size: i32, token: &str, order: Order) -> Result<Self, ApiError> {
        let size = if size < 1 { DEFAULT_SIZE } else { size.min(MAX_SIZE) };
        let size = usize::try_from(size).unwrap_or_default();
        if !token.is_empty() {
            if page > 1 {
                return Err(ApiError::invalid("either page or page_token, not both"));
            }
            return Ok(Self { start: Start::Behind(Place::parse(token, order)?), size });
        }
        let offset = usize::try_from(page.max(1) - 1).unwrap_or_default().saturating_mul(size);
        if offset > MAX_PASSED_OVER {
            return Err(ApiError::invalid(format!(
                "page {page} is too far: {MAX_PASSED_OVER} may be passed over at most; go on by page_token"
            )));
        }
        Ok(Self { start: Start::Offset(offset), size })
    }

    /// How many must be known from the start of the order, or from the place on, to have this page and to know whether
    /// there is another one.
    pub(super) fn needed(&self) -> usize {
        self.size + 1 + self.offset()
    }

    pub(super) fn offset(&self) -> usize {
        match self.start {
            Start::Offset(offset) => offset,
            Start::Behind(_) => 0,
        }
    }

    pub(super) fn place(&self) -> Option<&Place> {
        match &self.start {
            Start::Offset(_) => None,
            Start::Behind(place) => Some(place),
        }
    }
}

impl<T> Listing<T> {
    pub(super) fn map<R>(self, make: impl FnMut(T) -> R) -> Listing<R> {
        let Self { items, count, next } = self;
        Listing { items: items.into_iter().map(make).collect(), count, next }
    }

    /// As the messages have it.
    pub(super) fn count(&self) -> i32 {
        i32::try_from(self.count).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::EDGES;
    use super::super::testing::documented;
    use super::*;

    fn page(page: i32, size: i32, token: &str) -> Result<Page, ApiError> {
        Page::new(page, size, token, Order::parse(None, EDGES, true).unwrap())
    }

    #[test]
    fn what_is_less_than_one_is_the_default() {
        let is = |page: Result<Page, ApiError>| page.map(|page| (page.offset(), page.size)).unwrap();
        assert_eq!(is(page(0, 0, "")), (0, 10));
        assert_eq!(is(page(i32::MIN, i32::MIN, "")), (0, 10));
        assert_eq!(is(page(3, 20, "")), (40, 20));
        assert_eq!(is(page(1, i32::MAX, "")), (0, 1000));
    }

    #[test]
    fn the_defaults_are_those_of_the_document() {
        for path in ["edges", "edges/rpcs", "services", "services/rpcs", "services/topics"] {
            let default = |name| documented(path, name)["default"].clone();
            assert_eq!(default("page"), 1, "{path}");
            assert_eq!(default("page_size"), DEFAULT_SIZE, "{path}");
            assert_eq!(default("order"), "-create_time", "{path}");
        }
    }

    #[test]
    fn a_page_that_would_walk_through_everything_is_refused() {
        assert_eq!(page(1001, 100, "").unwrap().needed(), 100_101);
        for far in [1002, i32::MAX] {
            let error = page(far, 100, "").unwrap_err().to_string();
            assert!(error.contains(&far.to_string()) && error.contains("page_token"), "{error}");
        }
    }

    #[test]
    fn a_page_begins_in_one_place() {
        assert_eq!(page(1, 5, "c7.").unwrap().place().map(|place| place.epoch), Some(7));
        page(2, 5, "c7.").unwrap_err();
        page(1, 5, "i7.").unwrap_err();
    }
}
