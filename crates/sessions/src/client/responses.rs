//! The responses of a client, as numbers.

use crate::id::{MessageId, Position};
use crate::message::{Outcome, Response};
use crate::store::RecoveredClient;
use std::collections::VecDeque;

/// Why there are no more responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// All requests are answered.
    Success,
    /// The client's queues were dropped.
    ClientPurged,
    /// The client was not heard of for too long.
    ClientTimeout,
}

impl EndReason {
    /// As clients see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::ClientPurged => "ClientPurged",
            Self::ClientTimeout => "ClientTimeout",
        }
    }
}

/// No response follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfResponses {
    /// How many there were.
    pub count: u64,
    /// Why.
    pub reason: EndReason,
}

/// What a response takes beside its own bytes, so that short ones count as well.
const ITEM: usize = 128;

/// Those of one client.
///
/// ```text
///   0 ─── first ──── acknowledged ──── next
///    gone     kept, fetched     not fetched
/// ```
#[derive(Debug, Default)]
pub(crate) struct Responses {
    next: Position,
    acknowledged: Position,
    first: Position,
    failed: u64,
    /// Of those from `first` on: which request, and how many bytes with what they take beside.
    kept: VecDeque<(MessageId, usize)>,
    /// How many bytes those have that were fetched.
    fetched_size: usize,
}

impl Responses {
    pub(crate) fn recovered(was: &RecoveredClient) -> Self {
        let kept: VecDeque<_> = was.answered.iter().map(|(_, id, size)| (*id, size + ITEM)).collect();
        let first = was.next_position.saturating_sub(kept.len() as u64);
        let fetched = usize::try_from(was.acknowledged.saturating_sub(first)).unwrap_or(usize::MAX);
        Self {
            next: was.next_position,
            acknowledged: was.acknowledged,
            first,
            failed: was.failed,
            fetched_size: kept.iter().take(fetched).map(|(_, size)| size).sum(),
            kept,
        }
    }

    /// One more: its place.
    pub(crate) fn add(&mut self, response: &Response) -> Position {
        self.failed += u64::from(matches!(response.outcome, Outcome::Fault(_)));
        self.kept.push_back((response.request, response.size() + ITEM));
        self.next += 1;
        self.next - 1
    }

    /// Those before this place were fetched. Whether that is new.
    pub(crate) fn acknowledge(&mut self, before: Position) -> bool {
        let before = before.min(self.next);
        let is_new = before > self.acknowledged;
        while self.acknowledged < before {
            let at = usize::try_from(self.acknowledged - self.first).unwrap_or(usize::MAX);
            self.fetched_size += self.kept.get(at).map_or(0, |(_, size)| *size);
            self.acknowledged += 1;
        }
        is_new
    }

    /// Forgets the oldest that were fetched, as long as they take more than `size`.
    pub(crate) fn trim(&mut self, size: usize, mut forget: impl FnMut(MessageId)) -> Option<Position> {
        let before = self.first;
        while self.fetched_size > size && self.first < self.acknowledged {
            let Some((id, size)) = self.kept.pop_front() else { break };
            self.fetched_size -= size;
            self.first += 1;
            forget(id);
        }
        (self.first > before).then_some(self.first)
    }

    pub(crate) fn next(&self) -> Position {
        self.next
    }

    pub(crate) fn acknowledged(&self) -> Position {
        self.acknowledged
    }

    pub(crate) fn first(&self) -> Position {
        self.first
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }
}
