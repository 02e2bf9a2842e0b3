//! A stream of this wire as a leg of the exchange.
//!
//! The wire has no half-close: an end from the other leg alone is kept back, until the peer ends the stream itself or has
//! sent nothing for a while. An end with which the other side is closed ends the stream at once.

use super::framing::{self, Unframer};
use super::lane::Lane;
use bytes::Bytes;
use frontier_exchange::{BoxFuture, Failure, IncomingLeg, Leg};
use frontier_geminio as wire;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How long an end is kept back while the peer sends nothing; and how long what is written is thrown away, without a word,
/// to a peer that has closed the stream, while the other side reads what came before.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct StreamLeg {
    lane: Arc<Lane>,
    session: u64,
    unframer: Unframer,
    /// The packet to answer, and the opener's number, of a stream that the peer opened.
    opening: Option<(u64, u64)>,
    /// What came while it was watched.
    early: Option<Bytes>,
    /// The end of what the peer sends was told.
    is_over: bool,
    is_lost: bool,
    is_shut: bool,
    /// What was written is to be dropped as well.
    drops_written: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What there is to read.
enum Read {
    Bytes(Bytes),
    Dismissed,
    Lost,
    Nothing,
}

impl StreamLeg {
    pub(super) fn new(lane: Arc<Lane>, session: u64, max_frame: usize, opening: Option<(u64, u64)>) -> Self {
        Self {
            lane,
            session,
            unframer: Unframer::new(max_frame),
            opening,
            early: None,
            is_over: false,
            is_lost: false,
            is_shut: false,
            drops_written: false,
            timer: None,
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Read {
        let read = self.lane.look(self.session, |stream, is_closed| match stream.pop() {
            _ if is_closed && stream.dismissed_at.is_none() => Read::Lost,
            Some(bytes) => Read::Bytes(bytes),
            None if stream.is_overrun => Read::Lost,
            // All of it has come, and it was closed before its connection was.
            None if is_closed => Read::Dismissed,
            None if stream.dismissed_at.is_some() && stream.has_dismissed => Read::Dismissed,
            None => {
                stream.wait_reader(cx.waker());
                Read::Nothing
            }
        });
        read.unwrap_or(Read::Lost)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        timer.as_mut().poll(cx)
    }

    fn answer(&mut self, error: &str) {
        if let Some((id, number)) = self.opening.take() {
            let (session, error) = (self.session, error.to_owned());
            self.lane.say(|out| {
                // A text that is too long is left out: nobody reads it.
                let ack = wire::OpenAck { number, session, error };
                if ack.encode(id, out).is_err() {
                    let _ = wire::OpenAck { error: String::new(), ..ack }.encode(id, out);
                }
            });
        }
    }
}

impl Leg for StreamLeg {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(early) = self.early.take() {
            return Poll::Ready(Some(Ok(early)));
        }
        if self.is_over || self.is_lost {
            return Poll::Ready(None);
        }
        match self.read(cx) {
            Read::Bytes(bytes) => {
                self.lane.read.notify_one();
                if let Some(timer) = &mut self.timer {
                    timer.as_mut().reset(Instant::now() + PATIENCE);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Read::Dismissed => {
                (self.is_over, self.timer) = (true, None);
                Poll::Ready(Some(Ok(framing::closed())))
            }
            Read::Lost => {
                self.is_lost = true;
                Poll::Ready(None)
            }
            // The other end writes nothing more, and nothing comes that it waits for.
            Read::Nothing if self.is_shut => {
                ready!(self.poll_timer(cx));
                (self.is_over, self.timer) = (true, None);
                Poll::Ready(Some(Ok(framing::closed())))
            }
            Read::Nothing => Poll::Pending,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (session, unframer, lane) = (self.session, &mut self.unframer, &self.lane);
        let taken = lane.write(session, |stream| {
            if stream.is_overrun {
                return (Err(io::ErrorKind::ConnectionReset.into()), false);
            }
            let taken = unframer.take(bytes, stream, session, || lane.next_id());
            if matches!(taken, Ok(0)) {
                stream.wait_writer(cx.waker());
            }
            (taken, stream.is_closed())
        });
        match taken {
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some((Ok(0), _)) if !bytes.is_empty() => Poll::Pending,
            // Nobody reads it. That is told once the other side has had time to read what came before.
            Some((Ok(_), true)) if self.poll_timer(cx).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Some((taken, _)) => Poll::Ready(taken),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        if self.unframer.is_closed {
            self.lane.release(self.session, true);
        }
        // Who reads waits from now on for no longer than a while.
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }

    fn is_reset(&self) -> bool {
        self.is_lost
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_lost {
            return Poll::Ready(());
        }
        let lane = self.lane.look(self.session, |stream, is_closed| {
            stream.wait_reader(cx.waker());
            (stream.is_overrun || (is_closed && stream.dismissed_at.is_none()), is_closed)
        });
        match lane {
            None | Some((true, _)) => Poll::Ready(()),
            // What a peer has left behind that is gone is kept as long as somebody takes it.
            Some((false, true)) => self.poll_timer(cx).map(|()| self.is_lost = true),
            Some((false, false)) => Poll::Pending,
        }
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        false
    }

    fn linger(self: Box<Self>) {}

    fn reset(mut self: Box<Self>) {
        // What was written to its end has to come, though nothing more is read.
        self.drops_written = !self.unframer.has_ended;
    }

    fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.early.is_some() {
            return Poll::Pending;
        }
        match self.read(cx) {
            Read::Bytes(bytes) => {
                self.early = Some(bytes);
                Poll::Pending
            }
            Read::Nothing => Poll::Pending,
            Read::Dismissed | Read::Lost => Poll::Ready(()),
        }
    }
}

impl IncomingLeg for StreamLeg {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async {
            self.answer("");
            Ok(())
        })
    }

    fn refuse<'a>(mut self: Box<Self>, failure: &'a Failure) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.answer(&super::text::refusal(failure)) })
    }
}

impl Drop for StreamLeg {
    fn drop(&mut self) {
        // One whose opener still waits: it is taken and closed, since openers do not look at errors.
        self.answer("");
        self.lane.release(self.session, !self.drops_written);
    }
}
