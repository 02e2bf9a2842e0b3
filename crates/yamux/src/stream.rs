//! One stream, as its connection knows it.

use crate::header::{HEADER_LEN, frame_len, set_length};
use crate::unread::Unread;
use crate::window::{FIRST, Window};
use crate::{Flags, Header};

/// Frames of a stream that wait to go out: no more bytes are taken beyond.
const MAX_QUEUED: usize = 64 * 1024;

/// A write from this size on asks for a buffer, in bytes.
const NEEDS_BUFFER: usize = 4 * 1024;

/// How far a half of a stream has come.
///
/// ```text
///   Open ──(FIN)──▶ Ended
///     └────(RST, or the connection is lost)──▶ Reset
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Open,
    Ended,
    Reset,
}

/// Who has the stream on our side.
///
/// ```text
///   Held ──(linger)──▶ Lingering ──(the peer sends more)──┐
///     └────(release; at once if nothing is to be told)────┴──▶ Released ──(all was sent)──▶ forgotten
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Held,
    /// Nobody, but the peer may still read what was sent.
    Lingering,
    Released,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream<W> {
    pub(crate) receiving: Half,
    pub(crate) sending: Half,
    pub(crate) holder: Holder,
    /// Whether the peer has taken it, if we opened it.
    pub(crate) is_taken: bool,
    /// Whether it gave it up without.
    pub(crate) is_refused: bool,
    /// Goes with the first frame.
    pub(crate) owes_syn: bool,
    /// Whether the peer may know of it: it opened the stream, or the first frame was fetched.
    pub(crate) is_announced: bool,
    pub(crate) owes_ack: bool,
    /// Whether it stands among those that owe something, and among those with frames to send.
    pub(crate) is_owing: bool,
    pub(crate) is_queued: bool,
    pub(crate) unread: Unread,
    pub(crate) window: Window,
    /// Credit that the peer was not told of yet.
    pub(crate) owed_credit: u32,
    /// What the peer allows us to send.
    pub(crate) credit: u32,
    /// Frames that wait to go out.
    pub(crate) queued: Vec<u8>,
    /// Where the last of them starts, if more may be put into it.
    last: Option<usize>,
    pub(crate) reader: Option<W>,
    pub(crate) writer: Option<W>,
}

impl<W> Stream<W> {
    pub(crate) fn opened() -> Self {
        Self { owes_syn: true, is_announced: false, ..Self::accepted() }
    }

    pub(crate) fn accepted() -> Self {
        Self {
            receiving: Half::Open,
            sending: Half::Open,
            holder: Holder::Held,
            is_taken: false,
            is_refused: false,
            owes_syn: false,
            is_announced: true,
            owes_ack: false,
            is_owing: false,
            is_queued: false,
            unread: Unread::default(),
            window: Window::new(),
            owed_credit: 0,
            credit: FIRST,
            queued: Vec::new(),
            last: None,
            reader: None,
            writer: None,
        }
    }

    /// Whether the peer gave the stream up, or it was lost, before both halves had ended.
    pub(crate) fn is_given_up(&self) -> bool {
        self.receiving == Half::Reset || self.sending == Half::Reset
    }

    /// Whether both halves have ended, one way or the other.
    pub(crate) fn is_over(&self) -> bool {
        self.receiving != Half::Open && self.sending != Half::Open
    }

    /// The peer gave it up, or the connection is lost. What has ended in good order stays so, except that what is still
    /// to be sent of it is not.
    pub(crate) fn reset(&mut self) {
        let was_ended = self.sending == Half::Ended && self.queued.is_empty();
        if self.receiving == Half::Open || !was_ended {
            self.sending = Half::Reset;
        }
        if self.receiving == Half::Open {
            self.receiving = Half::Reset;
        }
        (self.queued, self.last) = (Vec::new(), None);
        (self.owes_ack, self.owed_credit) = (false, 0);
    }

    /// How many of `len` bytes may be queued now.
    pub(crate) fn room(&self, len: usize) -> usize {
        let credit = usize::try_from(self.credit).unwrap_or(usize::MAX);
        len.min(credit).min(MAX_QUEUED.saturating_sub(self.queued.len()))
    }

    /// Queues bytes, of which [`room`](Self::room) knows, in frames with bodies of `max_body` at most.
    pub(crate) fn queue(
        &mut self,
        number: u32,
        mut bytes: &[u8],
        max_body: usize,
        buffer: impl FnOnce() -> Vec<u8>,
    ) {
        if self.queued.capacity() == 0 && bytes.len() >= NEEDS_BUFFER {
            self.queued = buffer();
        }
        self.credit -= u32::try_from(bytes.len()).unwrap_or(self.credit).min(self.credit);
        while !bytes.is_empty() {
            let (at, before) = match self.last {
                Some(at) if self.queued.len() - at - HEADER_LEN < max_body => {
                    (at, self.queued.len() - at - HEADER_LEN)
                }
                _ => {
                    let at = self.queued.len();
                    let flags = self.take_syn();
                    self.queued.extend_from_slice(&Header::data(flags, number, 0).encode());
                    (at, 0)
                }
            };
            let (body, rest) = bytes.split_at(bytes.len().min(max_body - before));
            self.queued.extend_from_slice(body);
            set_length(&mut self.queued, at, u32::try_from(before + body.len()).unwrap_or(u32::MAX));
            self.last = Some(at);
            bytes = rest;
        }
    }

    /// Queues the end of our half, in a frame without bytes: hashicorp/yamux looks at the end of a frame before it has its
    /// bytes, and a reader that comes in between misses them.
    pub(crate) fn queue_end(&mut self, number: u32) {
        self.sending = Half::Ended;
        self.last = None;
        let flags = Flags::FIN | self.take_syn();
        self.queued.extend_from_slice(&Header::data(flags, number, 0).encode());
    }

    /// Queues that it is given up, behind what is queued; and that it was taken before, if the peer has yet to hear that.
    pub(crate) fn queue_reset(&mut self, number: u32, owes_ack: bool) {
        self.last = None;
        let taken = if owes_ack { Flags::ACK } else { Flags::NONE };
        self.queued.extend_from_slice(&Header::data(Flags::RST | taken, number, 0).encode());
    }

    fn take_syn(&mut self) -> Flags {
        if std::mem::take(&mut self.owes_syn) { Flags::SYN } else { Flags::NONE }
    }

    /// Whether no bytes wait, but at most an end.
    pub(crate) fn has_only_ends(&self) -> bool {
        self.queued.len() <= 2 * HEADER_LEN
            && self.queued.chunks(HEADER_LEN).all(|header| header.ends_with(&[0; 4]))
    }

    /// Takes frames that wait, of some `most` bytes together.
    pub(crate) fn take_some(&mut self, most: usize) -> Vec<u8> {
        let mut taken = 0;
        while taken < self.queued.len() && taken < most {
            taken += frame_len(&self.queued[taken..]);
        }
        if taken == self.queued.len() {
            return self.take_queued();
        }
        self.is_announced |= taken > 0;
        let frames = self.queued[..taken].to_vec();
        self.queued.drain(..taken);
        self.last = self.last.and_then(|at| at.checked_sub(taken));
        frames
    }

    /// Takes all frames that wait.
    pub(crate) fn take_queued(&mut self) -> Vec<u8> {
        self.last = None;
        self.is_announced |= !self.queued.is_empty();
        std::mem::take(&mut self.queued)
    }
}
