//! What waits to be written on a connection, but for the bytes of its streams.

use ahash::AHashSet;
use frontier_exchange::QueueError;
use frontier_transport::CloseReason;
use std::collections::VecDeque;
use std::time::Instant;

/// Messages that a client has and has not acknowledged. A client of the original whose application takes none reads nothing
/// more of its connection once it holds some more than these.
const MAX_UNACKED: usize = 32;

/// Packets for a peer, in order. From `soft` bytes on requests are refused, from `hard` on the connection is closed.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) queued: Vec<u8>,
    /// Bytes that are being written.
    pub(super) taken: usize,
    pub(super) closed: Option<CloseReason>,
    pub(super) sealed: bool,
    soft: usize,
    unacked: AHashSet<u64>,
    /// Messages that wait until others are acknowledged.
    waiting: VecDeque<Waiting>,
    waiting_len: usize,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    packet: Vec<u8>,
    deadline: Instant,
}

impl Outbox {
    pub(super) fn new(soft: usize) -> Self {
        Self {
            queued: Vec::new(),
            taken: 0,
            closed: None,
            sealed: false,
            soft,
            unacked: AHashSet::new(),
            waiting: VecDeque::new(),
            waiting_len: 0,
        }
    }

    pub(super) fn backlog(&self) -> usize {
        self.queued.len() + self.taken + self.waiting_len
    }

    pub(super) fn has_room(&self) -> bool {
        self.backlog() < self.soft
    }

    /// Whether a request may be queued.
    pub(super) fn admits(&self) -> Result<(), QueueError> {
        match &self.closed {
            Some(reason) => Err(QueueError::Closed(reason.to_string().into())),
            None if self.sealed => Err(QueueError::Sealed),
            None if !self.has_room() => Err(QueueError::Full),
            None => Ok(()),
        }
    }

    /// Queues a message, or has it wait for others.
    pub(super) fn message(&mut self, id: u64, packet: Vec<u8>, deadline: Instant) {
        if self.unacked.len() < MAX_UNACKED {
            self.unacked.insert(id);
            self.queued.extend_from_slice(&packet);
        } else {
            self.waiting_len += packet.len();
            self.waiting.push_back(Waiting { id, packet, deadline });
        }
    }

    /// A message was acknowledged: the next one that waits may go, unless its sender waits no more. Whether anything was
    /// queued.
    pub(super) fn acked(&mut self, id: u64, now: Instant) -> bool {
        self.unacked.remove(&id);
        let before = self.queued.len();
        while self.unacked.len() < MAX_UNACKED
            && let Some(Waiting { id, packet, deadline }) = self.waiting.pop_front()
        {
            self.waiting_len -= packet.len();
            if deadline > now {
                self.unacked.insert(id);
                self.queued.extend_from_slice(&packet);
            }
        }
        self.queued.len() > before
    }

    /// Takes everything that was not written: what is queued, and what waits.
    pub(super) fn take_unsent(&mut self) -> Vec<u8> {
        let mut unsent = std::mem::take(&mut self.queued);
        for waiting in self.waiting.drain(..) {
            unsent.extend_from_slice(&waiting.packet);
        }
        self.waiting_len = 0;
        unsent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_client_has_so_many_unacknowledged_messages_and_the_others_wait_in_order() {
        let (mut outbox, now) = (Outbox::new(1000), Instant::now());
        let later = now + Duration::from_secs(9);
        let count = MAX_UNACKED as u64;
        for id in 1..=count + 3 {
            // The second of those that wait has nobody who waits for it.
            let deadline = if id == count + 2 { now } else { later };
            outbox.message(id, vec![u8::try_from(id).unwrap()], deadline);
        }
        assert_eq!((outbox.queued.len(), outbox.backlog()), (MAX_UNACKED, MAX_UNACKED + 3));
        assert!(outbox.acked(1, now) && outbox.acked(2, now));
        assert_eq!(outbox.queued[MAX_UNACKED..], [33, 35]);
        assert!(!outbox.acked(77, now) && outbox.backlog() == MAX_UNACKED + 2);
    }

    #[test]
    fn a_full_or_closed_outbox_takes_no_request() {
        let mut outbox = Outbox::new(4);
        assert_eq!(outbox.admits(), Ok(()));
        outbox.queued = vec![0; 4];
        assert_eq!(outbox.admits(), Err(QueueError::Full));
        outbox.sealed = true;
        assert_eq!(outbox.admits(), Err(QueueError::Sealed));
        outbox.closed = Some(CloseReason::Silent);
        assert!(matches!(outbox.admits(), Err(QueueError::Closed(_))));
        outbox.message(1, vec![9], Instant::now());
        assert_eq!(outbox.take_unsent(), [0, 0, 0, 0, 9]);
    }
}
