//! The outbox of a link: frames that wait to be written.

use super::CloseReason;
use crate::buffer;
use std::sync::Arc;
use tokio::sync::Notify;

/// Frames that wait for the link's owner to write them, and what keeps others from adding more.
///
/// Bounded in bytes, in two steps: requests are refused from `soft` on, answers and notices from
/// `hard` on, so that a peer which does not read can't be asked more but is still answered for a
/// while. The bytes that the owner has taken but not yet written count as well.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) queued: Vec<u8>,
    /// Bytes in the owner's hands.
    pub(crate) taken: usize,
    pub(crate) closed: Option<CloseReason>,
    /// Whether no more requests are taken.
    pub(crate) sealed: bool,
    /// Tells those who wait for room, once somebody has.
    room: Option<Arc<Notify>>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { queued: Vec::new(), taken: 0, closed: None, sealed: false, room: None }
    }

    pub(crate) fn backlog(&self) -> usize {
        self.queued.len() + self.taken
    }

    /// The buffer to append to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.queued.capacity() == 0 {
            self.queued = buffer::take();
        }
        &mut self.queued
    }

    /// Gives the buffer back if there is nothing in it.
    pub(crate) fn recycle(&mut self) {
        if self.queued.is_empty() {
            buffer::recycle(std::mem::take(&mut self.queued));
        }
    }

    /// Hands everything to the owner, who has written all that it took before.
    pub(crate) fn take(&mut self, soft: usize) -> Vec<u8> {
        self.taken = self.queued.len();
        if self.taken < soft {
            self.tell_room();
        }
        std::mem::take(&mut self.queued)
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.closed.get_or_insert(reason);
        self.tell_room();
    }

    /// What tells that there is room.
    pub(crate) fn room(&mut self) -> Arc<Notify> {
        self.room.get_or_insert_default().clone()
    }

    fn tell_room(&self) {
        if let Some(room) = &self.room {
            room.notify_waiters();
        }
    }
}
