//! Responses that go as a stream.

use super::convert;
use crate::api::Refusal;
use crate::reader::Reader;
use crate::session;
use frontier_admin::WatchSlot;
use frontier_api::broker::BrokerResponse;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::collections::VecDeque;
use tonic::Status;

/// Responses, until none follows.
pub(super) struct Pushed {
    reader: Reader,
    /// How many may still be sent, if not all.
    left: Option<u64>,
    waiting: VecDeque<BrokerResponse>,
    is_over: bool,
    _slot: WatchSlot,
}

impl Pushed {
    pub(super) fn new(reader: Reader, left: Option<u64>, slot: WatchSlot) -> Self {
        Self { reader, left, waiting: VecDeque::new(), is_over: false, _slot: slot }
    }

    pub(super) fn stream(self) -> impl Stream<Item = Result<BrokerResponse, Status>> + Send {
        unfold(self, async |mut pushed| {
            let next = pushed.next().await.transpose()?;
            Some((next, pushed))
        })
    }

    /// The next one; `None` once there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<BrokerResponse>, Status> {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Ok(Some(next));
            }
            if self.is_over || self.left == Some(0) {
                // It is asked for once what was before is written.
                self.reader.fetched().await;
                return Ok(None);
            }
            let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
            match self.reader.next(most).await {
                Ok(found) => self.take(found),
                Err(fault) => {
                    self.is_over = true;
                    return Err(Refusal::from(fault).into());
                }
            }
        }
    }

    fn take(&mut self, found: session::Responses) {
        let count = found.responses.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(count));
        self.waiting.extend(found.responses.into_iter().map(convert::response));
        if let Some(end) = found.end {
            self.waiting.push_back(convert::end(end));
            self.is_over = true;
        }
    }
}
