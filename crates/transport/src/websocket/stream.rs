//! A WebSocket as a byte stream.

#[cfg(test)]
mod tests;

use super::Role;
use super::frame::{self, Header, Opcode, Violation};
use crate::outgoing::Outgoing;
use crate::staging::Staging;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much goes into one message at most, in bytes, so that it fits a buffer with its header.
const WRITE: usize = 60 * 1024;

/// From so many bytes on that the socket does not take, only the last ping is answered, as the protocol allows: more
/// than all the answers to what is read at once. So nobody has to stop reading for the answers.
const BACKLOG: usize = 128 * 1024;

/// So many frames are looked at before other tasks run: frames without data are no reason to go on for as long as
/// they come.
const FRAMES: usize = 1024;

/// The status code of a close in good order.
const NORMAL: u16 = 1000;

/// A WebSocket as a byte stream.
///
/// Its end is a Close frame. The connection below is then left to whoever drops it: many a proxy takes
/// the end of one direction for that of both.
pub(crate) struct WebSocket<T> {
    io: T,
    role: Role,
    incoming: Staging,
    outgoing: Outgoing,
    /// The payload of a ping whose answer goes out behind all that waits.
    pong: Option<Vec<u8>>,
    /// What is left of the data frame that is being read.
    frame: Option<Rest>,
    /// Whether the message that is being read has further frames.
    more: bool,
    ended: bool,
    closed: bool,
}

/// What is to come of a frame. The mask is turned so that it fits what comes next.
struct Rest {
    len: u64,
    mask: [u8; 4],
}

impl<T: AsyncRead + AsyncWrite + Unpin> WebSocket<T> {
    /// Over `io`, of which `incoming` has been read already.
    pub(super) fn new(io: T, role: Role, incoming: Staging) -> Self {
        let outgoing = Outgoing::default();
        Self {
            io,
            role,
            incoming,
            outgoing,
            pong: None,
            frame: None,
            more: false,
            ended: false,
            closed: false,
        }
    }

    /// Goes through what has come, through so many `frames` at most, and puts data into `into` as far as there is
    /// room.
    fn take(&mut self, into: &mut ReadBuf<'_>, frames: &mut usize) -> Result<(), Violation> {
        while !self.ended && into.remaining() > 0 && *frames > 0 {
            if let Some(rest) = &mut self.frame {
                let n = usize::try_from(rest.len).unwrap_or(usize::MAX);
                let n = n.min(self.incoming.len()).min(into.remaining());
                if n == 0 {
                    break;
                }
                let bytes = &mut self.incoming.bytes_mut()[..n];
                frame::apply(rest.mask, bytes);
                into.put_slice(bytes);
                self.incoming.consume(n);
                rest.mask.rotate_left(n % 4);
                rest.len -= n as u64;
                if rest.len == 0 {
                    self.frame = None;
                }
            } else if self.next_frame()? {
                *frames -= 1;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Starts on the next frame, or is done with it if it is a control frame. Whether it was there.
    fn next_frame(&mut self) -> Result<bool, Violation> {
        let Some((header, size)) = Header::parse(self.incoming.bytes())? else { return Ok(false) };
        if header.mask.is_some() != (self.role == Role::Server) {
            return Err(Violation::Frame("what a client sends is masked, and nothing else"));
        }
        let mask = header.mask.unwrap_or_default();
        if header.opcode.is_control() {
            // 125 bytes at most.
            let Ok(len) = usize::try_from(header.len) else { return Err(Violation::TooLong) };
            if header.opcode == Opcode::Close && len == 1 {
                return Err(Violation::Frame("half a status code"));
            }
            let Some(payload) = self.incoming.bytes_mut().get_mut(size..size + len) else { return Ok(false) };
            frame::apply(mask, payload);
            let payload = payload.to_vec();
            self.incoming.consume(size + len);
            self.control(header.opcode, &payload);
            return Ok(true);
        }
        match (header.opcode, self.more) {
            (Opcode::Text, _) => return Err(Violation::Text),
            (Opcode::Continuation, false) => return Err(Violation::Frame("nothing is to be continued")),
            (Opcode::Binary, true) => return Err(Violation::Frame("a message inside another")),
            _ => {}
        }
        self.incoming.consume(size);
        self.more = !header.last;
        self.frame = (header.len > 0).then_some(Rest { len: header.len, mask });
        Ok(true)
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        match opcode {
            Opcode::Ping if self.closed => {}
            Opcode::Ping if self.outgoing.len() < BACKLOG => self.put(Opcode::Pong, payload),
            Opcode::Ping => self.pong = Some(payload.to_vec()),
            Opcode::Close => {
                self.ended = true;
                // With the same status code, if there is one.
                self.close(&payload[..payload.len().min(2)]);
            }
            _ => {}
        }
    }

    fn close(&mut self, payload: &[u8]) {
        if !self.closed {
            self.closed = true;
            self.put_pong();
            self.put(Opcode::Close, payload);
        }
    }

    /// Whether there was one that waited.
    fn put_pong(&mut self) -> bool {
        let pong = self.pong.take();
        pong.inspect(|payload| self.put(Opcode::Pong, payload)).is_some()
    }

    /// Sends all that waits.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.outgoing.poll_send(&mut self.io, cx))?;
            if !self.put_pong() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn put(&mut self, opcode: Opcode, payload: &[u8]) {
        frame::put(opcode, self.role.mask(), [payload].into_iter(), self.outgoing.queue().tail());
    }

    fn poll_write_slices(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        if self.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut taken = 0;
        let pieces = slices.iter().map(|slice| {
            let n = slice.len().min(WRITE - taken);
            taken += n;
            &slice[..n]
        });
        let pieces: Vec<&[u8]> = pieces.collect();
        if taken == 0 {
            return Poll::Ready(Ok(0));
        }
        frame::put(Opcode::Binary, self.role.mask(), pieces.iter().copied(), self.outgoing.queue().tail());
        // What the socket does not take now goes with the next write or flush.
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(taken))
    }
}

impl Role {
    /// A mask that nobody can foresee, for those who mask.
    fn mask(self) -> Option<[u8; 4]> {
        (self == Self::Client).then(rand::random)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let (before, mut frames) = (into.filled().len(), FRAMES);
        loop {
            let mut taken = this.take(into, &mut frames);
            if into.filled().len() > before {
                // What came before a violation is handed on first. It is still there for the next read.
                taken = Ok(());
            }
            if let Err(violation) = taken {
                this.ended = true;
                this.close(&violation.status().to_be_bytes());
            }
            // Answers. If they don't go at once, a flush takes them, or the next read does. Where nothing goes out any
            // more, what comes is read on.
            let _ = this.poll_send(cx);
            if let Err(violation) = taken {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
            }
            if into.filled().len() > before || this.ended || into.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if frames == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if ready!(this.incoming.poll_fill(&mut this.io, cx))? == 0 {
                this.ended = true;
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close(&NORMAL.to_be_bytes());
        self.poll_flush(cx)
    }
}
