//! A byte link that is simulated: seeded, in virtual time, and as unpleasant as a network may be.
//!
//! Each read and write moves a random number of bytes, often one, and may first ask its caller to wait.
//! Who polls again before the wait is over gets through, and is then not woken: nothing may rely on a
//! wake-up that it was not promised. A direction may stall for a while, end early, or break.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The longest random wait before a read or a write.
const WAIT: Duration = Duration::from_millis(5);

/// What happens to one direction, counted in bytes that its reader has got.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Nothing is read for a while from this byte on.
    pub(crate) stall: Option<(u64, Duration)>,
    /// The reader is told of an end here, though the writer goes on.
    pub(crate) end: Option<u64>,
    /// The whole link breaks here.
    pub(crate) cut: Option<u64>,
}

/// One end of a link.
pub(crate) struct End {
    link: Arc<Mutex<Link>>,
    side: usize,
    rng: StdRng,
    reading: Wait,
    writing: Wait,
    /// When this end's reads stall.
    stall: Option<(u64, Duration)>,
}

struct Link {
    /// Indexed by the side that writes.
    pipes: [Pipe; 2],
    cut: bool,
}

struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    read: u64,
    ended: bool,
    weather: Weather,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Default)]
struct Wait {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether polling before the time is no way out.
    strict: bool,
}

/// Two ends. `weather` is that of what the first and what the second end writes.
pub(crate) fn link(rng: &mut StdRng, weather: [Weather; 2]) -> (End, End) {
    let pipes = weather.map(|weather| Pipe {
        bytes: VecDeque::new(),
        capacity: rng.random_range(1..100_000),
        read: 0,
        ended: false,
        weather,
        reader: None,
        writer: None,
    });
    let link = Arc::new(Mutex::new(Link { pipes, cut: false }));
    let mut end = |side: usize| End {
        link: link.clone(),
        side,
        rng: StdRng::seed_from_u64(rng.random()),
        reading: Wait::default(),
        writing: Wait::default(),
        stall: weather[1 - side].stall,
    };
    (end(0), end(1))
}

impl Pipe {
    fn wake(&mut self) {
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }
}

impl Wait {
    /// Whether the caller must wait, decided by chance unless it waits already.
    fn poll(&mut self, cx: &mut Context<'_>, rng: &mut StdRng) -> Poll<()> {
        if let Some(timer) = &mut self.timer {
            let over = timer.as_mut().poll(cx).is_ready();
            if self.strict && !over {
                return Poll::Pending;
            }
            (self.timer, self.strict) = (None, false);
        } else if rng.random_bool(0.1) {
            return self.start(cx, rng.random_range(Duration::ZERO..WAIT), false);
        }
        Poll::Ready(())
    }

    fn start(&mut self, cx: &mut Context<'_>, time: Duration, strict: bool) -> Poll<()> {
        let mut timer = Box::pin(tokio::time::sleep(time));
        let polled = timer.as_mut().poll(cx);
        if polled.is_pending() {
            (self.timer, self.strict) = (Some(timer), strict);
        }
        polled
    }
}

fn lock(link: &Mutex<Link>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

fn some_of(rng: &mut StdRng, most: usize) -> usize {
    if rng.random_bool(0.2) { 1 } else { rng.random_range(1..=most) }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.reading.poll(cx, &mut this.rng).is_pending() {
            return Poll::Pending;
        }
        let mut link = lock(&this.link);
        let cut = link.cut;
        let pipe = &mut link.pipes[1 - this.side];
        if let Some((at, time)) = this.stall
            && pipe.read >= at
        {
            this.stall = None;
            if this.reading.start(cx, time, true).is_pending() {
                return Poll::Pending;
            }
        }
        let up_to = |limit: Option<u64>| limit.map_or(u64::MAX, |limit| limit.saturating_sub(pipe.read));
        let (end, break_off) = (up_to(pipe.weather.end), up_to(pipe.weather.cut));
        if break_off == 0 || (cut && pipe.bytes.is_empty()) {
            link.cut = true;
            link.pipes.iter_mut().for_each(Pipe::wake);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if end == 0 || (pipe.ended && pipe.bytes.is_empty()) {
            return Poll::Ready(Ok(()));
        }
        let most = into.remaining().min(pipe.bytes.len());
        let most = usize::try_from(end.min(break_off)).map_or(most, |limit| most.min(limit));
        if most == 0 {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = some_of(&mut this.rng, most);
        let bytes: Vec<u8> = pipe.bytes.drain(..n).collect();
        into.put_slice(&bytes);
        pipe.read += n as u64;
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.writing.poll(cx, &mut this.rng).is_pending() {
            return Poll::Pending;
        }
        let mut link = lock(&this.link);
        let cut = link.cut;
        let pipe = &mut link.pipes[this.side];
        if cut || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let most = bytes.len().min(pipe.capacity - pipe.bytes.len());
        if most == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = some_of(&mut this.rng, most);
        pipe.bytes.extend(&bytes[..n]);
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let pipe = &mut lock(&self.link).pipes[self.side];
        pipe.ended = true;
        pipe.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut link = lock(&self.link);
        link.pipes.iter_mut().for_each(|pipe| {
            pipe.ended = true;
            pipe.wake();
        });
    }
}
