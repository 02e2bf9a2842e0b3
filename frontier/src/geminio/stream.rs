//! A stream of a connection: what waits in each direction, and how it ends.
//!
//! ```text
//!   Open ──(the peer's Dismiss)──▶ nothing more is written ──(nothing comes)──▶ our Dismiss ──(its leg is let go)──▶ forgotten
//!     └──(its leg is let go)──▶ our Dismiss, behind all that was written ──(the peer's Dismiss)─────────────────────────▲
//! ```

use bytes::{Bytes, BytesMut};
use frontier_geminio as wire;
use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

/// What may wait for a slow reader of a stream, in bytes. Beyond it the connection is read at the pace of that reader.
pub(super) const MAX_INBOUND: usize = 4 * 1024 * 1024;

/// The same for all streams of a connection together; and what each may still have then.
pub(super) const MAX_INBOUND_OF_ALL: usize = 16 * 1024 * 1024;
pub(super) const MIN_INBOUND: usize = 64 * 1024;

/// What may wait to be written, in bytes.
pub(super) const MAX_OUTBOUND: usize = 256 * 1024;

/// What each piece that waits counts for beside its bytes.
const PIECE_COST: usize = 64;

/// The longest packet of raw bytes.
const MAX_RAW: usize = 64 * 1024;

/// Messages on a stream that its acceptor has and has not acknowledged: as on the connection itself.
const MAX_UNACKED: usize = 32;

/// How long a stream stays open behind its last raw bytes: a client of the original that has not read them when it
/// learns of the end never will.
const LINGER: Duration = Duration::from_millis(200);

/// How long nothing comes on a stream that the peer has closed until it has all come: a client of the original writes its
/// Dismiss past what the application has written before, and sends nothing more once it has ours.
pub(super) const QUIET: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Stream {
    inbound: VecDeque<Bytes>,
    pub(super) inbound_len: usize,
    /// What its reader has taken so far.
    pub(super) taken: u64,
    outbound: VecDeque<Piece>,
    outbound_len: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The peer's answer to our opening.
    pub(super) answer: Option<Result<(), String>>,
    /// The peer has closed it, and the last that came for it has come at this time.
    pub(super) dismissed_at: Option<Instant>,
    /// We have, and what still comes is not read.
    pub(super) has_dismissed: bool,
    /// Nobody here has anything to do with it any more.
    pub(super) is_released: bool,
    /// It was given up, since nobody read it.
    pub(super) is_overrun: bool,
    /// Whether the writer knows of it.
    pub(super) is_ready: bool,
    last_raw: Option<Instant>,
    unacked: usize,
}

#[derive(Debug)]
enum Piece {
    Raw(BytesMut),
    Packet(Vec<u8>),
}

impl Stream {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if let Some(at) = &mut self.dismissed_at {
            *at = Instant::now();
        }
        self.inbound_len += bytes.len() + PIECE_COST;
        self.inbound.push_back(bytes);
        self.wake_reader();
    }

    /// Whether the peer, or we, have closed it: nothing more is written.
    pub(super) fn is_closed(&self) -> bool {
        self.dismissed_at.is_some() || self.has_dismissed
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let bytes = self.inbound.pop_front()?;
        self.inbound_len -= bytes.len() + PIECE_COST;
        self.taken += bytes.len() as u64;
        if self.inbound.is_empty() {
            self.inbound = VecDeque::new();
        }
        Some(bytes)
    }

    pub(super) fn discard(&mut self) {
        (self.inbound, self.inbound_len) = (VecDeque::new(), 0);
    }

    pub(super) fn room(&self) -> usize {
        MAX_OUTBOUND.saturating_sub(self.outbound_len)
    }

    pub(super) fn has_outbound(&self) -> bool {
        !self.outbound.is_empty()
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.outbound_len += bytes.len();
        match self.outbound.back_mut() {
            Some(Piece::Raw(raw)) if raw.len() + bytes.len() <= MAX_RAW => raw.extend_from_slice(bytes),
            _ => self.outbound.push_back(Piece::Raw(BytesMut::from(bytes))),
        }
    }

    pub(super) fn packet(&mut self, packet: Vec<u8>) {
        self.outbound_len += packet.len() + PIECE_COST;
        self.outbound.push_back(Piece::Packet(packet));
    }

    pub(super) fn clear_outbound(&mut self) {
        (self.outbound, self.outbound_len) = (VecDeque::new(), 0);
    }

    /// Moves one packet to `out`, in its turn among the streams.
    pub(super) fn write_one(&mut self, id: u64, session: u64, now: Instant, out: &mut Vec<u8>) {
        match self.outbound.pop_front() {
            Some(Piece::Raw(raw)) => {
                self.outbound_len -= raw.len();
                self.last_raw = Some(now);
                for piece in raw.chunks(MAX_RAW) {
                    if let Err(error) = wire::raw(id, session, piece, out) {
                        unreachable!("a piece is shorter than a packet may be: {error}");
                    }
                }
            }
            Some(Piece::Packet(packet)) => {
                self.outbound_len -= packet.len() + PIECE_COST;
                out.extend_from_slice(&packet);
            }
            None => {}
        }
        self.wake_writer();
    }

    /// How long to wait at `now` until it may be closed.
    pub(super) fn linger(&self, now: Instant) -> Duration {
        self.last_raw.map_or(Duration::ZERO, |last| (last + LINGER).saturating_duration_since(now))
    }

    /// Whether one more message may be sent.
    pub(super) fn may_send_message(&self) -> bool {
        self.is_closed() || self.unacked < MAX_UNACKED
    }

    pub(super) fn sent_message(&mut self) {
        self.unacked += 1;
    }

    pub(super) fn acked(&mut self) {
        self.unacked = self.unacked.saturating_sub(1);
        self.wake_writer();
    }

    pub(super) fn wait_reader(&mut self, waker: &Waker) {
        self.reader = Some(waker.clone());
    }

    pub(super) fn wait_writer(&mut self, waker: &Waker) {
        self.writer = Some(waker.clone());
    }

    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }

    /// Both who read and who write are to look again.
    pub(super) fn wake(&mut self) {
        self.wake_reader();
        self.wake_writer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_are_gathered_and_packets_keep_their_place() {
        let (mut stream, now) = (Stream::default(), Instant::now());
        for piece in [&b"ab"[..], b"cd"] {
            stream.raw(piece);
        }
        stream.packet(b"packet".to_vec());
        stream.raw(b"ef");
        let mut written = Vec::new();
        while stream.has_outbound() {
            let mut out = Vec::new();
            stream.write_one(1, 9, now, &mut out);
            written.push(out);
        }
        assert_eq!(written.len(), 3);
        assert!(written[0].ends_with(b"abcd") && written[1] == b"packet" && written[2].ends_with(b"ef"));
        assert_eq!((stream.room(), stream.linger(now)), (MAX_OUTBOUND, LINGER));
    }

    #[test]
    fn what_waits_is_counted_with_each_piece() {
        let mut stream = Stream::default();
        stream.push(Bytes::from_static(b"a"));
        assert_eq!(stream.inbound_len, 1 + PIECE_COST);
        assert_eq!(stream.pop().as_deref(), Some(&b"a"[..]));
        assert_eq!((stream.inbound_len, stream.pop()), (0, None));
    }
}
