//! How streams are let go of on our side.

use super::Connection;
use crate::stream::{Half, Holder};

/// Streams that linger at most. The oldest of more is forgotten, and its peer told if it sends more on it: hashicorp/yamux
/// throws away what it has not read of a stream that is reset.
pub(super) const MAX_LINGERING: usize = 256;

impl<W> Connection<W> {
    /// Gives a stream up: the peer is told, behind what was written, unless both halves have ended.
    pub fn release(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        (stream.reader, stream.writer) = (None, None);
        stream.unread.clear();
        if stream.owes_syn && stream.queued.is_empty() {
            // The peer has never heard of it.
            self.streams.remove(number);
            self.unacknowledged.forgotten();
            self.has_room();
            return;
        }
        let was_over = stream.is_over() || self.is_closed;
        stream.holder = Holder::Released;
        stream.owed_credit = 0;
        let owes_ack = std::mem::take(&mut stream.owes_ack);
        if was_over {
            return self.forget_if_sent(number);
        }
        // Without it the reset says that it was not taken.
        stream.queue_reset(number, owes_ack);
        // What was to be said of the end is said by the reset.
        (stream.sending, stream.receiving) = (Half::Ended, Half::Ended);
        self.queue_ends(number);
    }

    /// Lets go of a stream of which nothing more is to be read, but whose last bytes the peer may be reading for long.
    /// Only if it sends more it is told that nobody reads. As [`release`](Self::release) if our half has not ended.
    pub fn linger(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        if stream.sending == Half::Open || stream.is_over() || stream.unread.len() > 0 || self.is_closed {
            return self.release(number);
        }
        (stream.reader, stream.writer) = (None, None);
        stream.holder = Holder::Lingering;
        if self.lingering.len() == MAX_LINGERING {
            let streams = &self.streams;
            self.lingering.retain(|number| {
                streams.get(*number).is_some_and(|stream| stream.holder == Holder::Lingering)
            });
        }
        if self.lingering.len() == MAX_LINGERING
            && let Some(oldest) = self.lingering.pop_front()
            && let Some(stream) = self.streams.get_mut(oldest)
        {
            (stream.holder, stream.receiving) = (Holder::Released, Half::Ended);
            (stream.owes_ack, stream.owed_credit) = (false, 0);
            self.has_forgotten = true;
            self.forget_if_sent(oldest);
        }
        self.lingering.push_back(number);
    }

    /// Forgets a stream that nobody holds and of which nothing more is to be sent.
    pub(super) fn forget_if_sent(&mut self, number: u32) {
        let Some(stream) = self.streams.get(number) else { return };
        let is_sent = stream.queued.is_empty() || self.is_closed;
        if stream.holder == Holder::Held || !stream.is_over() || !is_sent {
            return;
        }
        self.growth += stream.window.grown();
        if self.role.opens(number) && !stream.is_taken {
            self.unacknowledged.given_up(number);
        }
        self.streams.remove(number);
        self.has_room();
    }
}
