//! What comes from the peer.

use super::Connection;
use crate::header::HEADER_LEN;
use crate::stream::{Half, Holder, Stream};
use crate::{Flags, Header, Kind, Violation};
use std::time::Instant;

/// Pings that wait for their answer: more than come with one read, so that only who does not read has so many.
const MAX_PONGS: usize = 8192;

/// Streams that were forgotten whose peers are told at a time. Whoever sends more is told again.
const MAX_RESETS: usize = 16;

/// Stands for a stream that is not there: no stream has this number.
const NOBODY: u32 = 0;

/// How far a frame has come.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    header: [u8; HEADER_LEN],
    /// How much of the header has come.
    filled: usize,
    body: Option<Body>,
}

/// What is still to come of a frame.
#[derive(Clone, Copy, Debug)]
struct Body {
    stream: u32,
    left: usize,
    is_first: bool,
    is_last: bool,
}

impl<W> Connection<W> {
    /// Takes what has come, all of it.
    ///
    /// # Errors
    /// [`Violation`]; the connection is [closed](Self::close) then.
    pub fn receive(&mut self, input: &[u8], now: Instant) -> Result<(), Violation> {
        let received = self.receive_frames(input, now);
        if received.is_err() {
            self.close();
        }
        received
    }

    fn receive_frames(&mut self, mut input: &[u8], now: Instant) -> Result<(), Violation> {
        loop {
            if let Some(mut body) = self.decoder.body.take() {
                let (piece, rest) = input.split_at(body.left.min(input.len()));
                self.on_bytes(body.stream, piece);
                (input, body.left) = (rest, body.left - piece.len());
                if body.left > 0 {
                    self.decoder.body = Some(body);
                    return Ok(());
                }
                if body.is_first {
                    // Whole, so that what a stream is for can be read at once, as a rule.
                    self.offer(body.stream);
                }
                if body.is_last {
                    self.on_end(body.stream);
                }
            }
            if input.is_empty() {
                return Ok(());
            }
            let Decoder { header, filled, .. } = &mut self.decoder;
            let (piece, rest) = input.split_at((HEADER_LEN - *filled).min(input.len()));
            header[*filled..*filled + piece.len()].copy_from_slice(piece);
            (input, *filled) = (rest, *filled + piece.len());
            if *filled < HEADER_LEN {
                return Ok(());
            }
            *filled = 0;
            let header = Header::decode(*header)?;
            self.on_header(header, now)?;
        }
    }

    fn on_header(&mut self, header: Header, now: Instant) -> Result<(), Violation> {
        let Header { kind, flags, stream: number, length } = header;
        match kind {
            Kind::Ping if flags.contains(Flags::ACK) => self.on_pong(length, now),
            Kind::Ping => {
                if self.pongs.len() == MAX_PONGS {
                    return Err(Violation::TooManyPings(MAX_PONGS));
                }
                self.pongs.push_back(length);
                self.has_work = true;
            }
            Kind::GoAway if length != 0 => return Err(Violation::GoAway(length)),
            Kind::GoAway => {
                self.peer_leaves = true;
                self.has_room();
            }
            Kind::Data | Kind::WindowUpdate => {
                let is_first = flags.contains(Flags::SYN);
                if is_first {
                    self.on_new_stream(number)?;
                }
                let number = self.known(number);
                self.on_taken(number, flags.contains(Flags::RST) && !flags.contains(Flags::ACK));
                if flags.contains(Flags::RST) {
                    self.on_reset(number);
                }
                let is_last = flags.contains(Flags::FIN);
                if kind == Kind::WindowUpdate {
                    self.on_credit(number, length)?;
                    if is_first {
                        self.offer(number);
                    }
                    if is_last {
                        self.on_end(number);
                    }
                } else {
                    self.on_length(number, length)?;
                    let left = usize::try_from(length).unwrap_or(usize::MAX);
                    self.decoder.body = Some(Body { stream: number, left, is_first, is_last });
                }
            }
        }
        Ok(())
    }

    /// A stream of the peer's is there for who accepts it.
    fn offer(&mut self, number: u32) {
        self.backlog.get_or_insert_default().push(number);
        self.note_given_up(number);
    }

    /// A stream that the peer gave up before anybody had it: of no use if nothing came, and the first to make room if
    /// bytes did. Not the lane, whose end is the connection's.
    fn note_given_up(&mut self, number: u32) {
        let Some(stream) = self.streams.get(number).filter(|stream| stream.is_given_up()) else { return };
        let is_empty = stream.unread.len() == 0;
        let Some(backlog) = &mut self.backlog else { return };
        let is_lane = self.lane == 0 && backlog.first() == Some(number);
        if !is_lane && backlog.give_up(number) && is_empty {
            self.drop_unaccepted(number);
        }
    }

    /// Makes room for one more stream. Whether there was one to drop.
    fn make_room(&mut self) -> bool {
        let oldest = self.backlog.as_mut().and_then(|backlog| backlog.oldest_given_up());
        let Some(oldest) = oldest else { return false };
        self.drop_unaccepted(oldest);
        true
    }

    fn drop_unaccepted(&mut self, number: u32) {
        if let Some(backlog) = &mut self.backlog {
            backlog.remove(number);
        }
        self.streams.remove(number);
        self.has_room();
    }

    /// `number`, unless it is of a stream of ours that the peer has not heard of: it guesses, and means none.
    fn known(&self, number: u32) -> u32 {
        let is_guessed =
            self.role.opens(number) && self.streams.get(number).is_some_and(|stream| !stream.is_announced);
        if is_guessed { NOBODY } else { number }
    }

    fn on_pong(&mut self, value: u32, now: Instant) {
        if let Some(flight) = &mut self.flight {
            flight.answered(value, now);
            self.has_work = true;
        }
    }

    fn on_new_stream(&mut self, number: u32) -> Result<(), Violation> {
        if number == 0 || self.role.opens(number) {
            return Err(Violation::Number(number));
        }
        if self.streams.contains(number) {
            return Err(Violation::Duplicate(number));
        }
        if self.streams.len() >= self.config.max_streams && !self.make_room() {
            return Err(Violation::TooManyStreams(self.config.max_streams));
        }
        self.streams.insert(number, Stream::accepted());
        Ok(())
    }

    /// Whatever comes for a stream of ours shows that the peer has taken it: not everyone says so of one that was
    /// half-closed meanwhile.
    fn on_taken(&mut self, number: u32, is_refused: bool) {
        if self.role.opens(number)
            && let Some(stream) = self.streams.get_mut(number)
            && !std::mem::replace(&mut stream.is_taken, true)
        {
            stream.is_refused = is_refused;
            self.woken.extend(stream.writer.take());
            self.unacknowledged.taken(number);
            self.has_room();
        }
    }

    fn on_credit(&mut self, number: u32, credit: u32) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(number) else { return Ok(()) };
        stream.credit = stream.credit.checked_add(credit).ok_or(Violation::Credit(number))?;
        if credit > 0 {
            self.woken.extend(stream.writer.take());
        }
        Ok(())
    }

    fn on_length(&mut self, number: u32, len: u32) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(number) else {
            // Of a stream that was given up, as a rule; nothing of it is kept.
            if self.has_forgotten
                && number != NOBODY
                && len > 0
                && self.resets.len() < MAX_RESETS
                && !self.resets.contains(&number)
            {
                self.resets.push_back(number);
                self.has_work = true;
            }
            return Ok(());
        };
        stream.window.take(len).map_err(|window| Violation::Window { stream: number, len, window })
    }

    fn on_bytes(&mut self, number: u32, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        match stream.holder {
            Holder::Held if stream.receiving == Half::Open && !bytes.is_empty() => {
                stream.unread.push(bytes);
                self.woken.extend(stream.reader.take());
            }
            Holder::Lingering if !bytes.is_empty() => self.release(number),
            _ => {}
        }
    }

    fn on_end(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        if stream.receiving == Half::Open {
            stream.receiving = Half::Ended;
            // It needs no more credit.
            stream.owed_credit = 0;
            self.woken.extend(stream.reader.take());
        }
        self.forget_if_sent(number);
    }

    fn on_reset(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        stream.reset();
        self.woken.extend(stream.reader.take());
        self.woken.extend(stream.writer.take());
        self.note_given_up(number);
        self.forget_if_sent(number);
    }
}
