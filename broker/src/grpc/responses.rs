//! Responses that go as a stream.

use super::convert;
use crate::api::Refusal;
use crate::reader::Reader;
use frontier_admin::WatchSlot;
use frontier_api::broker::BrokerResponse;
use frontier_sessions::{EndOfResponses, StoredResponse};
use futures_util::stream::{iter, unfold};
use futures_util::{Stream, StreamExt};
use std::vec;
use tonic::Status;

/// Responses, until none follows.
pub(super) struct Pushed {
    reader: Reader,
    /// How many may still be sent, if not all.
    left: Option<u64>,
    is_over: bool,
    _slot: WatchSlot,
}

/// Some of them, as they are stored: a message is several times as long.
pub(super) struct Page {
    responses: vec::IntoIter<StoredResponse>,
    /// What follows those.
    end: Option<EndOfResponses>,
}

impl Pushed {
    pub(super) fn new(reader: Reader, left: Option<u64>, slot: WatchSlot) -> Self {
        Self { reader, left, is_over: false, _slot: slot }
    }

    pub(super) fn stream(self) -> impl Stream<Item = Result<BrokerResponse, Status>> + Send {
        one_by_one(unfold(self, async |mut pushed| {
            let next = pushed.next().await.transpose()?;
            Some((next, pushed))
        }))
    }

    /// The next ones, once those before are written; `None` once there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, Status> {
        loop {
            if self.is_over || self.left == Some(0) {
                // It is asked for once what was before is written.
                self.reader.fetched().await;
                return Ok(None);
            }
            let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
            match self.reader.next(most).await {
                Ok(found) => {
                    let count = found.responses.len() as u64;
                    self.left = self.left.map(|left| left.saturating_sub(count));
                    self.is_over = found.end.is_some();
                    if count > 0 || self.is_over {
                        let responses = found.responses.into_iter();
                        return Ok(Some(Page { responses, end: found.end }));
                    }
                }
                Err(fault) => {
                    self.is_over = true;
                    return Err(Refusal::from(fault).into());
                }
            }
        }
    }
}

/// The messages of each page, as they are asked for. What a page comes from is not touched for each of them.
pub(super) fn one_by_one(
    pages: impl Stream<Item = Result<Page, Status>> + Send,
) -> impl Stream<Item = Result<BrokerResponse, Status>> + Send {
    pages.flat_map(|page| {
        let (page, failed) = match page {
            Ok(page) => (Some(page), None),
            Err(status) => (None, Some(Err(status))),
        };
        iter(page.into_iter().flatten().map(Ok).chain(failed))
    })
}

impl Iterator for Page {
    type Item = BrokerResponse;

    fn next(&mut self) -> Option<BrokerResponse> {
        let next = self.responses.next().map(convert::response);
        next.or_else(|| self.end.take().map(convert::end))
    }
}
