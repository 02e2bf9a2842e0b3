//! A path that takes so many bytes a second, holds so many, and takes its time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// One direction.
struct Pipe {
    /// What is on its way, and when each piece has come.
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    held: usize,
    capacity: usize,
    rate: u64,
    delay: Duration,
    /// When all that was written has left.
    free: Instant,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end of a path.
pub(crate) struct End {
    from: Arc<Mutex<Pipe>>,
    to: Arc<Mutex<Pipe>>,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Both ends of a path whose directions take `rate` bytes a second, hold `capacity` bytes that have not left, and take
/// `delay` besides.
pub(crate) fn path(capacity: usize, rate: u64, delay: Duration) -> (End, End) {
    let pipe = || {
        Arc::new(Mutex::new(Pipe {
            pieces: VecDeque::new(),
            held: 0,
            capacity,
            rate,
            delay,
            free: Instant::now(),
            ended: false,
            reader: None,
            writer: None,
        }))
    };
    let (there, back) = (pipe(), pipe());
    let end = |from: &Arc<Mutex<Pipe>>, to: &Arc<Mutex<Pipe>>| End {
        from: from.clone(),
        to: to.clone(),
        waiting: None,
    };
    (end(&back, &there), end(&there, &back))
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut pipe = lock(&this.from);
        let Some((at, _)) = pipe.pieces.front() else {
            if !pipe.ended {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            return Poll::Ready(Ok(()));
        };
        if *at > Instant::now() {
            let waiting = this.waiting.insert(Box::pin(tokio::time::sleep_until(*at)));
            if waiting.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let Some((_, bytes)) = pipe.pieces.front_mut() else { return Poll::Pending };
        let n = bytes.len().min(into.remaining());
        let taken: Vec<u8> = bytes.drain(..n).collect();
        into.put_slice(&taken);
        if bytes.is_empty() {
            pipe.pieces.pop_front();
        }
        pipe.held -= n;
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.to);
        let n = bytes.len().min(pipe.capacity - pipe.held);
        if n == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // In packets, so that the first bytes of a long write do not wait for its last.
        for packet in bytes[..n].chunks(1024) {
            let took = Duration::from_nanos(packet.len() as u64 * 1_000_000_000 / pipe.rate);
            pipe.free = pipe.free.max(Instant::now()) + took;
            let comes = pipe.free + pipe.delay;
            pipe.pieces.push_back((comes, packet.iter().copied().collect()));
        }
        pipe.held += n;
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.to);
        pipe.ended = true;
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        for pipe in [&self.from, &self.to] {
            let mut pipe = lock(pipe);
            pipe.ended = true;
            [pipe.reader.take(), pipe.writer.take()].into_iter().flatten().for_each(Waker::wake);
        }
    }
}
