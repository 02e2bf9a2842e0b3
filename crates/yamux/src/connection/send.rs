//! What goes to the peer.

use super::Connection;
use crate::flight::Flight;
use crate::{Bulk, Flags, HEADER_LEN, Header};
use std::time::Instant;

/// How much is gathered at a time beyond what is owed, in bytes.
const GATHERED: usize = 64 * 1024;

/// Frames of a stream that are longer are handed over as they are, in bytes.
const BULK: usize = 8 * 1024;

impl<W> Connection<W> {
    /// Fetches what is to go out next, once all that was fetched before has: first `out`, to which is appended, and then
    /// what is [permitted](Bulk::permitted) of `bulk`. Nothing of either if there is nothing, or if as much is on its way
    /// to the peer as should be.
    pub fn fetch(&mut self, out: &mut Vec<u8>, bulk: &mut Bulk, now: impl Fn() -> Instant) {
        if bulk.is_over() {
            self.sending = None;
        }
        self.owe_acks(bulk, &now);
        self.has_work = false;
        if let Some(flight) = &mut self.flight {
            flight.expire(&now);
        }
        self.gather_owed(out);
        self.gather_lane(out);
        self.gather_ends(out);
        // In front of the bytes that follow, of which its answer tells nothing.
        self.ask(bulk, out, &now);
        self.gather_short(out);
        if bulk.is_over()
            && let Some((number, frames)) = self.next_bulk()
        {
            self.sending = Some(number);
            *bulk = Bulk::new(frames);
        }
        let is_held_up = self.permit(bulk);
        if is_held_up && bulk.permitted().is_empty() {
            self.ask(bulk, out, &now);
        }
    }

    /// When [`fetch`](Self::fetch) is to be called although nothing has happened: what waits for a peer's answer, or for
    /// something to go out with, waits no longer than until then.
    #[must_use]
    pub fn overdue_at(&self) -> Option<Instant> {
        let late = self.flight.as_ref().and_then(|flight| flight.overdue_at());
        let due = self.acks.as_ref().map(|held| held.due);
        late.into_iter().chain(due).min()
    }

    /// Asks how much of what was sent has come, if that is due.
    fn ask(&mut self, bulk: &Bulk, out: &mut Vec<u8>, now: &impl Fn() -> Instant) {
        let next = self.ready.front().and_then(|number| self.streams.get(*number));
        let more = bulk.rest().len() + next.map_or(0, |stream| stream.queued.len());
        if let Some(flight) = &mut self.flight {
            let asked = flight.ask(more, now);
            self.ping = self.ping.or(asked);
        }
        if let Some(value) = self.ping.take() {
            out.extend_from_slice(&Header::ping(Flags::SYN, value).encode());
        }
    }

    fn gather_owed(&mut self, out: &mut Vec<u8>) {
        for value in std::mem::take(&mut self.pongs) {
            out.extend_from_slice(&Header::ping(Flags::ACK, value).encode());
        }
        for number in std::mem::take(&mut self.resets) {
            out.extend_from_slice(&Header::data(Flags::RST, number, 0).encode());
        }
        for number in std::mem::take(&mut self.owing) {
            let Some(stream) = self.streams.get_mut(number) else { continue };
            stream.is_owing = false;
            let flags = if std::mem::take(&mut stream.owes_ack) { Flags::ACK } else { Flags::NONE };
            let credit = std::mem::take(&mut stream.owed_credit);
            if flags != Flags::NONE || credit > 0 {
                out.extend_from_slice(&Header::window_update(flags, number, credit).encode());
            }
        }
    }

    fn gather_lane(&mut self, out: &mut Vec<u8>) {
        let Some(lane) = self.streams.get_mut(self.lane) else { return };
        if lane.queued.is_empty() {
            return;
        }
        let queued = lane.take_queued();
        self.woken.extend(lane.writer.take());
        if out.is_empty() {
            *out = queued;
        } else {
            out.extend_from_slice(&queued);
        }
        self.forget_if_sent(self.lane);
    }

    fn gather_ends(&mut self, out: &mut Vec<u8>) {
        for number in std::mem::take(&mut self.ending) {
            let Some(stream) = self.streams.get_mut(number) else { continue };
            if stream.has_only_ends() && self.sending != Some(number) {
                stream.is_queued = false;
                out.extend_from_slice(&stream.take_queued());
                self.forget_if_sent(number);
            } else {
                self.ready.push_back(number);
            }
        }
    }

    /// Streams that have little to send, each once at most.
    fn gather_short(&mut self, out: &mut Vec<u8>) {
        for _ in 0..self.ready.len() {
            if out.len() >= GATHERED {
                break;
            }
            let Some(number) = self.ready.front().copied() else { break };
            let Some(stream) = self.streams.get_mut(number) else {
                self.ready.pop_front();
                continue;
            };
            if self.sending == Some(number) || stream.queued.len() >= BULK {
                self.ready.rotate_left(1);
                continue;
            }
            let flight = self.flight.get_or_insert_with(|| Box::new(Flight::new()));
            if !stream.has_only_ends() {
                if !flight.takes(stream.queued.len()) {
                    break;
                }
                flight.sent(stream.queued.len());
            }
            let frames = self.take_ready(number, usize::MAX);
            out.extend_from_slice(&frames);
        }
        if self.ready.is_empty() {
            self.ready.tidy();
        }
    }

    /// The frames of the next stream that has many: as many as go at a time.
    fn next_bulk(&mut self) -> Option<(u32, Vec<u8>)> {
        let most = self.flight.as_ref().map_or(usize::MAX, |flight| flight.max_turn());
        for _ in 0..self.ready.len() {
            let number = *self.ready.front()?;
            match self.streams.get(number) {
                Some(stream) if stream.queued.len() >= BULK => {
                    return Some((number, self.take_ready(number, most)));
                }
                // Of little that waits, nothing could go.
                Some(_) => self.ready.rotate_left(1),
                None => drop(self.ready.pop_front()),
            }
        }
        None
    }

    /// Takes the frames of the first that is ready, which is ready again if it has more.
    fn take_ready(&mut self, number: u32, most: usize) -> Vec<u8> {
        self.ready.pop_front();
        let Some(stream) = self.streams.get_mut(number) else { return Vec::new() };
        let frames = stream.take_some(most);
        stream.is_queued = !stream.queued.is_empty();
        if stream.is_queued {
            self.ready.push_back(number);
        }
        self.woken.extend(stream.writer.take());
        self.forget_if_sent(number);
        frames
    }

    /// Permits as much of `bulk` as may go now. Whether something has to wait.
    fn permit(&mut self, bulk: &mut Bulk) -> bool {
        let flight = match &mut self.flight {
            Some(flight) if !bulk.is_over() => flight,
            _ => return !self.ready.is_empty(),
        };
        while let Some(len) = bulk.next_frame() {
            if len > HEADER_LEN && !flight.takes(len) {
                return true;
            }
            flight.sent(len);
            bulk.permit(len);
        }
        !self.ready.is_empty()
    }

    /// Whether something waits that was not fetched.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.acks.is_some() || self.waits()
    }

    pub(super) fn waits(&self) -> bool {
        !(self.ready.is_empty()
            && self.ending.is_empty()
            && self.owing.is_empty()
            && self.pongs.is_empty()
            && self.resets.is_empty())
    }
}
