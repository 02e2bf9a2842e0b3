//! QUIC as the mux of a link.

mod error;
mod liveness;
mod shared;
mod stream;

pub(crate) use error::{alert, into_io};
pub(crate) use liveness::KEEP_ALIVE;
pub(crate) use stream::QuicStream;

use super::{Mux, RawStream, Traffic};
use liveness::Liveness;
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use shared::Shared;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;
use tokio_util::sync::ReusableBoxFuture;

/// Streams that a peer may have open at first. QUIC sets aside a place for each that it allows, which
/// an idle connection must not pay for, so more are allowed only to those who use what they have.
pub(crate) const FIRST_STREAMS: u32 = 8;

/// Told to the peer when the connection is dropped.
const CLOSED: VarInt = VarInt::from_u32(0);

type Halves = Result<(SendStream, RecvStream), ConnectionError>;
type BoxedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The streams of a QUIC connection. The connection is driven by tasks of its endpoint, which go on by
/// themselves; dropping this closes it.
pub(crate) struct QuicMux {
    connection: Connection,
    /// Never over: started again whenever it has yielded something.
    accepting: ReusableBoxFuture<'static, Halves>,
    /// Waits for the peer to allow one more stream.
    opening: Option<BoxedFuture<Halves>>,
    /// Waits until the peer has all of the streams that were finished.
    acknowledging: Option<BoxedFuture<()>>,
    shared: Arc<Shared>,
    /// Streams that the peer may have open now, and at most.
    allowed: u32,
    max_streams: u32,
    /// Datagrams that had come at the last look, and when the last of them had if the owner does not know yet.
    datagrams: u64,
    heard: Option<Instant>,
    /// Of a connection that was dialled. Whoever accepts hears of the dialler by its heartbeats.
    liveness: Option<Liveness>,
}

impl QuicMux {
    /// `max_streams` counts the lane too, where the peer opens it. Peers that want more wait.
    pub(crate) fn new(connection: Connection, max_streams: u32) -> Self {
        Self {
            accepting: ReusableBoxFuture::new(accept(connection.clone())),
            opening: None,
            acknowledging: None,
            shared: Arc::default(),
            allowed: FIRST_STREAMS.min(max_streams),
            max_streams,
            datagrams: 0,
            heard: None,
            liveness: None,
            connection,
        }
    }

    /// Gives up a peer that is silent, though it is asked for a sign of life.
    pub(crate) fn watch_peer(mut self) -> Self {
        self.liveness = Some(Liveness::new());
        self
    }

    /// The dialler's lane. The peer hears of it with the first frame.
    pub(crate) async fn open_lane(&mut self) -> io::Result<RawStream> {
        let lane = poll_fn(|cx| self.poll_open(cx)).await?;
        start_lane(lane.ok_or(io::ErrorKind::UnexpectedEof)?)
    }

    /// The gateway's lane.
    pub(crate) async fn accept_lane(&mut self) -> io::Result<RawStream> {
        start_lane(poll_fn(|cx| self.poll_accept(cx)).await?)
    }

    fn note_heard(&mut self) {
        let datagrams = self.connection.stats().udp_rx.datagrams;
        if std::mem::replace(&mut self.datagrams, datagrams) != datagrams {
            self.heard = Some(Instant::now());
        }
    }

    /// Lets the peer have more streams if it has used up half of those that it may have.
    fn allow_more(&mut self) {
        if self.shared.accepted() >= self.allowed / 2 && self.allowed < self.max_streams {
            self.allowed = self.allowed.saturating_mul(2).min(self.max_streams);
            self.connection.set_max_concurrent_bi_streams(self.allowed.into());
        }
    }

    /// Waits until the peer has all of what was written to streams that were then finished.
    fn poll_acknowledged(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(acknowledging) = &mut self.acknowledging {
                ready!(acknowledging.as_mut().poll(cx));
                self.acknowledging = None;
            }
            let finished = self.shared.take_finished();
            if finished.is_empty() {
                return Poll::Ready(());
            }
            self.acknowledging = Some(Box::pin(all_acknowledged(finished)));
        }
    }
}

fn start_lane(lane: RawStream) -> io::Result<RawStream> {
    if let RawStream::Quic(lane) = &lane {
        lane.start_lane();
    }
    Ok(lane)
}

async fn accept(connection: Connection) -> Halves {
    connection.accept_bi().await
}

async fn open(connection: Connection) -> Halves {
    connection.open_bi().await
}

async fn all_acknowledged(finished: Vec<Arc<SendStream>>) {
    for half in finished {
        // An error is the loss of the connection, which is noticed elsewhere.
        let _ = half.stopped().await;
    }
}

impl Mux for QuicMux {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>> {
        self.note_heard();
        let Poll::Ready(halves) = self.accepting.poll(cx) else {
            let Some(liveness) = &mut self.liveness else { return Poll::Pending };
            let came = || self.connection.stats().udp_rx.datagrams;
            let silence = ready!(liveness.poll_lost(cx, came));
            // Ends the lane, and what others read.
            self.connection.close(CLOSED, b"");
            let text = format!("no packet has come for {silence:?}");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        };
        self.accepting.set(accept(self.connection.clone()));
        let halves = halves.map_err(into_io)?;
        let stream = QuicStream::accepted(halves, self.shared.clone());
        self.allow_more();
        Poll::Ready(Ok(RawStream::Quic(stream)))
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<RawStream>>> {
        let halves = match &mut self.opening {
            Some(opening) => ready!(opening.as_mut().poll(cx)),
            None => match pin!(self.connection.open_bi()).poll(cx) {
                Poll::Ready(halves) => halves,
                Poll::Pending => {
                    let mut opening: BoxedFuture<Halves> = Box::pin(open(self.connection.clone()));
                    match opening.as_mut().poll(cx) {
                        Poll::Ready(halves) => halves,
                        Poll::Pending => {
                            self.opening = Some(opening);
                            return Poll::Pending;
                        }
                    }
                }
            },
        };
        self.opening = None;
        let stream = QuicStream::opened(halves.map_err(into_io)?, self.shared.clone());
        Poll::Ready(Ok(Some(RawStream::Quic(stream))))
    }

    /// What was written goes out by itself.
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// The end of the lane is the end of our side. It must not overtake what streams still carry, for
    /// the peer closes the connection when it has read it.
    fn poll_shutdown(&mut self, lane: &mut RawStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_acknowledged(cx));
        if let RawStream::Quic(lane) = lane {
            lane.finish()?;
        }
        Poll::Ready(match self.connection.close_reason() {
            Some(reason) => Err(into_io(reason)),
            None => Ok(()),
        })
    }

    fn traffic(&self) -> Traffic {
        let stats = self.connection.stats();
        Traffic { received: stats.udp_rx.bytes, sent: stats.udp_tx.bytes }
    }

    fn take_heard(&mut self) -> Option<Instant> {
        // What came on streams alone has not woken the link.
        self.note_heard();
        self.heard.take()
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        0
    }
}

impl Drop for QuicMux {
    /// Streams that others hold must end with the link, and would keep the connection alive.
    fn drop(&mut self) {
        self.connection.close(CLOSED, b"");
        drop(self.shared.take_finished());
    }
}
