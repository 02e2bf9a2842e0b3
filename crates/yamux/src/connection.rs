//! A connection: its streams, and what is asked of them on our side.

mod acks;
mod receive;
mod release;
mod send;
#[cfg(test)]
mod tests;

use crate::backlog::Backlog;
use crate::flight::Flight;
use crate::queue::Queue;
use crate::stream::{Half, Holder, Stream};
use crate::streams::Streams;
use crate::unacknowledged::Unacknowledged;
use crate::{Config, Role};
use acks::HeldAcks;
use bytes::Bytes;
use receive::Decoder;
use std::time::Instant;
use thiserror::Error;

/// Why no stream is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The peer takes no more streams on this connection; those that are open go on.
    #[error("the peer takes no more streams on this connection")]
    GoAway,
    /// The connection is closed, or has used up its stream numbers.
    #[error("the connection opens no more streams")]
    Closed,
}

/// What is to be read of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// This has come.
    Some(T),
    /// Nothing more will come: the peer has ended its half, or [it is reset](Connection::is_reset).
    End,
    /// Nothing yet.
    Blocked,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes were taken.
    Some(usize),
    /// The stream is reset, or its half has ended.
    Closed,
    /// There is no room now.
    Blocked,
}

/// A yamux connection.
///
/// Everything that is held is bounded: streams by [`Config::max_streams`]; what waits to be read of each by its window;
/// what waits to be sent by 64 KiB of frames for each; what is owed by one entry for each and 8192 answers to pings.
#[derive(Debug)]
pub struct Connection<W> {
    role: Role,
    config: Config,
    streams: Streams<W>,
    /// The number of the first stream; 0 before there is one.
    lane: u32,
    /// The number of our next stream, unless all are used up.
    next: Option<u32>,
    unacknowledged: Unacknowledged,
    decoder: Decoder,
    /// While there are any.
    backlog: Option<Box<Backlog>>,
    /// Values of pings to answer.
    pongs: Queue,
    /// The value of a ping of our own that is to go out.
    ping: Option<u32>,
    /// Acknowledgements that wait for something to go out with.
    acks: Option<Box<HeldAcks>>,
    /// Streams that owe something to the peer.
    owing: Queue,
    /// Streams that have nothing to send but ends.
    ending: Queue,
    /// Streams that have bytes to send.
    ready: Queue,
    /// Streams that linger, the oldest first; some of them may be over.
    lingering: Queue,
    /// Whether one of them was forgotten.
    has_forgotten: bool,
    /// Streams that were forgotten, on which more has come.
    resets: Queue,
    /// The stream whose frames the socket's owner is sending, behind which all others of it go.
    sending: Option<u32>,
    /// Of those that have bytes to send, once there were any.
    flight: Option<Box<Flight>>,
    /// What windows may still grow by.
    growth: usize,
    /// Who waits to open a stream.
    opener: Option<W>,
    woken: Vec<W>,
    has_work: bool,
    peer_leaves: bool,
    is_closed: bool,
}

impl<W> Connection<W> {
    /// A connection on which nothing has been said.
    #[must_use]
    pub fn new(role: Role, config: Config) -> Self {
        Self {
            role,
            streams: Streams::default(),
            lane: 0,
            next: Some(role.first_stream()),
            unacknowledged: Unacknowledged::default(),
            decoder: Decoder::default(),
            backlog: None,
            pongs: Queue::default(),
            ping: None,
            acks: None,
            owing: Queue::default(),
            ending: Queue::default(),
            ready: Queue::default(),
            lingering: Queue::default(),
            has_forgotten: false,
            resets: Queue::default(),
            sending: None,
            flight: None,
            growth: config.window_growth,
            opener: None,
            woken: Vec::new(),
            has_work: false,
            peer_leaves: false,
            is_closed: false,
            config,
        }
    }

    /// Opens a stream, of which the peer hears with the first write. `None` if the peer has to take others first: try
    /// again when `waiter` was woken.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, waiter: impl FnOnce() -> W) -> Result<Option<u32>, OpenError> {
        if self.is_closed {
            return Err(OpenError::Closed);
        }
        if self.peer_leaves {
            return Err(OpenError::GoAway);
        }
        let number = self.next.ok_or(OpenError::Closed)?;
        if self.unacknowledged.is_full() || self.streams.len() >= self.config.max_streams {
            self.opener = Some(waiter());
            return Ok(None);
        }
        self.next = number.checked_add(2);
        self.unacknowledged.opened();
        self.streams.insert(number, Stream::opened());
        self.note_lane(number);
        Ok(Some(number))
    }

    /// The next stream that the peer opened. It is acknowledged with this: with what goes out next, or soon.
    pub fn accept(&mut self, now: impl FnOnce() -> Instant) -> Option<u32> {
        let backlog = self.backlog.as_mut()?;
        let number = backlog.pop();
        if backlog.is_empty() {
            self.backlog = None;
        }
        let number = number?;
        self.note_lane(number);
        if let Some(stream) = self.streams.get_mut(number)
            && stream.sending == Half::Open
        {
            stream.owes_ack = true;
            self.hold_ack(number, now);
        }
        Some(number)
    }

    fn note_lane(&mut self, number: u32) {
        if self.lane == 0 {
            self.lane = number;
        }
    }

    /// The next bytes of a stream, in one piece.
    pub fn read(&mut self, number: u32, now: impl FnOnce() -> Instant) -> Read<Bytes> {
        let Some(stream) = self.streams.get_mut(number) else { return Read::End };
        match stream.unread.pop() {
            Some(bytes) => {
                self.grant(number, now);
                Read::Some(bytes)
            }
            None => Self::nothing(stream),
        }
    }

    /// As [`read`](Self::read), into a buffer that is not empty.
    pub fn read_into(&mut self, number: u32, into: &mut [u8], now: impl FnOnce() -> Instant) -> Read<usize> {
        let Some(stream) = self.streams.get_mut(number) else { return Read::End };
        match stream.unread.read(into) {
            0 => Self::nothing(stream),
            n => {
                self.grant(number, now);
                Read::Some(n)
            }
        }
    }

    fn nothing<T>(stream: &Stream<W>) -> Read<T> {
        if stream.receiving == Half::Open { Read::Blocked } else { Read::End }
    }

    /// Lets the peer send more once enough was read.
    fn grant(&mut self, number: u32, now: impl FnOnce() -> Instant) {
        let Self { streams, flight, growth, ping, config, .. } = self;
        let Some(stream) = streams.get_mut(number) else { return };
        if stream.receiving != Half::Open {
            return;
        }
        let round_trip = flight.as_ref().and_then(|flight| flight.round_trip());
        let mut granted = None;
        let credit = stream.window.grant(stream.unread.len(), round_trip, growth, || {
            let now = now();
            granted = Some(now);
            now
        });
        if credit == 0 {
            return;
        }
        if let Some(now) = granted
            && config.window_growth > 0
            && number != self.lane
        {
            let asked = flight.get_or_insert_with(|| Box::new(Flight::new())).ask_round_trip(now);
            *ping = ping.or(asked);
        }
        stream.owed_credit = stream.owed_credit.saturating_add(credit);
        self.owe(number);
    }

    fn owe(&mut self, number: u32) {
        if let Some(stream) = self.streams.get_mut(number)
            && !std::mem::replace(&mut stream.is_owing, true)
        {
            self.owing.push_back(number);
        }
        self.has_work = true;
    }

    /// Queues bytes of a stream. `buffer` is for many of them: an empty one, whatever its capacity.
    pub fn write(&mut self, number: u32, bytes: &[u8], buffer: impl FnOnce() -> Vec<u8>) -> Write {
        let is_lane = number == self.lane;
        let mut max_body = self.config.max_body;
        if !is_lane {
            max_body = self.flight.get_or_insert_with(|| Box::new(Flight::new())).max_body(max_body);
        }
        let Some(stream) = self.streams.get_mut(number) else { return Write::Closed };
        if stream.sending != Half::Open {
            return Write::Closed;
        }
        if bytes.is_empty() {
            return Write::Some(0);
        }
        let n = stream.room(bytes.len());
        if n == 0 {
            return Write::Blocked;
        }
        stream.queue(number, &bytes[..n], max_body, buffer);
        self.has_work = true;
        if !is_lane && !std::mem::replace(&mut stream.is_queued, true) {
            self.ready.push_back(number);
        }
        Write::Some(n)
    }

    /// Ends our half of a stream, behind what was written. Does nothing where it has ended, or is reset.
    pub fn finish(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        if stream.sending == Half::Open {
            stream.queue_end(number);
            self.queue_ends(number);
        }
    }

    fn queue_ends(&mut self, number: u32) {
        self.has_work = true;
        let Some(stream) = self.streams.get_mut(number) else { return };
        if number != self.lane && !std::mem::replace(&mut stream.is_queued, true) {
            self.ending.push_back(number);
        }
    }

    /// Whether the peer has given the stream up, or the connection was lost, before the peer's half had ended: what was
    /// read is not the whole.
    #[must_use]
    pub fn is_reset(&self, number: u32) -> bool {
        self.streams.get(number).is_none_or(|stream| stream.receiving == Half::Reset)
    }

    /// Whether the peer has given the stream up, or the connection was lost, before both halves had ended.
    #[must_use]
    pub fn is_given_up(&self, number: u32) -> bool {
        self.streams.get(number).is_none_or(|stream| stream.is_given_up())
    }

    /// Whether the peer has taken a stream of ours: it has said so, or anything else about it.
    #[must_use]
    pub fn is_taken(&self, number: u32) -> bool {
        self.streams.get(number).is_some_and(|stream| stream.is_taken)
    }

    /// Whether the peer gave a stream of ours up without having taken it, as one does that has too many.
    #[must_use]
    pub fn is_refused(&self, number: u32) -> bool {
        self.streams.get(number).is_some_and(|stream| stream.is_refused)
    }

    /// Wakes `waiter` once there is something to read.
    pub fn wait_readable(&mut self, number: u32, waiter: W) {
        if let Some(stream) = self.streams.get_mut(number) {
            stream.reader = Some(waiter);
        }
    }

    /// Wakes `waiter` once there may be room to write, or the stream is reset.
    pub fn wait_writable(&mut self, number: u32, waiter: W) {
        if let Some(stream) = self.streams.get_mut(number) {
            stream.writer = Some(waiter);
        }
    }

    fn has_room(&mut self) {
        self.woken.extend(self.opener.take());
    }

    /// The connection is lost, or is given up: nothing comes or goes any more. What has come may still be read.
    pub fn close(&mut self) {
        self.is_closed = true;
        (self.pongs, self.owing, self.resets) = (Queue::default(), Queue::default(), Queue::default());
        self.acks = None;
        (self.ending, self.ready) = (Queue::default(), Queue::default());
        self.has_room();
        let mut left = Vec::new();
        let Self { streams, woken, .. } = self;
        streams.for_each(|number, stream| {
            stream.reset();
            woken.extend(stream.reader.take());
            woken.extend(stream.writer.take());
            if stream.holder != Holder::Held {
                left.push(number);
            }
        });
        left.into_iter().for_each(|number| self.streams.remove(number));
    }

    /// Those who waited for what has happened since the last call.
    pub fn take_woken(&mut self) -> Vec<W> {
        std::mem::take(&mut self.woken)
    }

    /// Whether something was queued since the last call that the socket's owner is to fetch.
    pub fn take_work(&mut self) -> bool {
        std::mem::take(&mut self.has_work)
    }

    /// Whether the peer takes no more streams on this connection.
    #[must_use]
    pub fn peer_leaves(&self) -> bool {
        self.peer_leaves
    }

    /// Streams that are held, the lane included.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }
}
