//! One user stream, behind the exchange of `Open` and `OpenAck`.
//!
//! ```text
//!   AsyncWrite · publish · call · done ──▶ Wire ──▶ mux stream ──▶ Cutter ──▶ Reader ─┬▶ AsyncRead
//!                                          (finishes what was started)                ├▶ Inbox ▶ recv
//!   whoever reads raw bytes drives the Reader in place; else the Pump does            ├▶ Pending ▶ call
//!                                                                                     └▶ Served ▶ handler
//! ```

mod call;
mod config;
mod core;
mod cutter;
mod dispatch;
mod end;
mod error;
mod inbox;
mod message;
mod peer;
mod pending;
mod pump;
mod read;
mod reader;
mod request;
mod serve;
mod served;
mod signal;
#[cfg(test)]
mod tests;
mod wire;

pub use self::call::Outgoing;
pub use self::config::StreamConfig;
pub use self::error::StreamError;
pub use self::message::StreamMessage;
pub use self::peer::Peer;
pub use self::request::{StreamRequest, StreamResponse};

use self::core::Core;
use self::end::End;
use self::pump::Pump;
use crate::{HandlerError, TraceContext};
use bytes::Bytes;
use frontier_protocol::Kind;
use frontier_transport::MuxStream;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

/// A stream to an edge or a service: raw bytes, messages and calls, in both directions.
///
/// Raw bytes are read and written as on a socket, through [`AsyncRead`] and [`AsyncWrite`]; messages
/// and calls have methods. What one end sends is **one ordered sequence** with one flow control: raw
/// bytes or messages that nobody takes stop, once their buffers are full ([`StreamConfig`]), whatever
/// is behind them, answers included. An end that uses several of them takes them concurrently; clones
/// are cheap and made for it.
///
/// # Ends
/// - [`shutdown`](Self::shutdown) ends this side: the other end reads what was written, then its end.
/// - [`reset`](Self::reset), or dropping the last clone without a shutdown, resets the stream. Reading
///   at the other end fails with [`io::ErrorKind::ConnectionReset`], as it does when a connection on
///   the way is lost: what was read until then must not be taken for the whole.
/// - Reading returns 0 bytes only after the other end's shutdown.
///
/// # Cost
/// While only raw bytes are used there is no task behind a stream, unless a write had to be cut short
/// because the other end reads slowly. The first message or call starts one. A write of up to 32 KiB
/// is copied once more than on a socket, of a longer one the part that does not fill 32 KiB.
#[derive(Clone)]
pub struct Stream {
    handle: Arc<Handle>,
}

/// Resets the stream when the last clone is gone.
struct Handle {
    core: Arc<Core>,
    peer: Peer,
    meta: Bytes,
    trace: Option<TraceContext>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.wire.lock().linger();
        self.core.close(End::Lost);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("peer", &self.handle.peer).finish_non_exhaustive()
    }
}

impl Stream {
    /// A stream over `mux`, on which everything up to the good `OpenAck` has been read and written.
    /// Called within a runtime.
    pub(crate) fn new(
        mux: MuxStream,
        peer: Peer,
        meta: Bytes,
        config: StreamConfig,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let core = Core::new(mux, config, runtime);
        Self { handle: Arc::new(Handle { core, peer, meta, trace: None }) }
    }

    /// The same stream, which belongs to a trace. It has no clone yet.
    pub(crate) fn traced(mut self, trace: Option<TraceContext>) -> Self {
        if let Some(handle) = Arc::get_mut(&mut self.handle) {
            handle.trace = trace;
        }
        self
    }

    /// The trace that the stream belongs to, if its opener has said so.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.handle.trace.as_ref()
    }

    /// Who is at the other end: for the one who opened the stream, whom it asked for.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.handle.peer
    }

    /// What the one who opened the stream said about it.
    #[must_use]
    pub fn meta(&self) -> &Bytes {
        &self.handle.meta
    }

    /// Sends a message and waits until its receiver is done with it.
    ///
    /// Await it, or add a header or a timeout first: `stream.publish(topic, data).timeout(d).await`.
    ///
    /// # Errors
    /// [`StreamError`] with the receiver's code, or `NotDone` if it dropped the message, `TooLarge` if
    /// the message does not fit a frame, `Deadline` if nobody answered in time, `Denied` after a
    /// shutdown of this side, `Disconnected` if the stream ended before the answer came.
    ///
    /// # Cancel safety
    /// Dropped before it was sent, the message is not sent; dropped later, it is, and whether it had
    /// its effect is not known. The stream is sound in either case.
    pub fn publish(&self, topic: impl Into<String>, data: impl Into<Bytes>) -> Outgoing<()> {
        Outgoing::new(self.core(), Kind::Publish, topic.into(), data.into(), |_| ())
    }

    /// Calls a method that the other end has registered on this stream.
    ///
    /// Await it, or add a header or a timeout first: `stream.call(method, data).timeout(d).await`.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish); `MethodNotFound`, `Panicked`, `Overloaded` and `Application`
    /// come from the other end.
    ///
    /// # Cancel safety
    /// As for [`publish`](Self::publish). The other end is told, and drops its handler.
    pub fn call(&self, method: impl Into<String>, data: impl Into<Bytes>) -> Outgoing<StreamResponse> {
        Outgoing::new(self.core(), Kind::Request, method.into(), data.into(), |response| response)
    }

    /// The next message, or `None` when no more will come. Reading tells how the stream ended.
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub async fn recv(&self) -> Option<StreamMessage> {
        let core = self.core();
        Pump::read(core);
        let (delivery, was_full) = std::future::poll_fn(|cx| core.inbox.poll_pop(cx)).await?;
        if was_full {
            core.readable.wake_all();
        }
        Some(StreamMessage::new(delivery, core))
    }

    /// Answers calls of `method` from the other end, in place of an earlier handler of it.
    ///
    /// Each call runs in a task of its own, `max_calls` at most at once. It is dropped when the caller
    /// cancels it, when its deadline passes and when the stream is lost. A call that comes after
    /// [`shutdown`](Self::shutdown) is not run, for it could not be answered. A handler that owns a
    /// clone of the stream keeps it open until the other end ends its side.
    pub fn register<F, Fut>(&self, method: impl Into<String>, handler: F)
    where
        F: Fn(StreamRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<StreamResponse, HandlerError>> + Send + 'static,
    {
        let core = self.core();
        core.served.register(method.into(), handler);
        Pump::read(core);
        if core.is_over() {
            // Nobody would forget the handler, which may own a clone of this stream.
            drop(core.served.take_methods());
        }
    }

    /// Ends this side in good order: the other end reads what was written, then its end.
    ///
    /// Nothing more is sent from here, of any kind: publishing, calling and writing fail, messages
    /// that are said to be [`done`](StreamMessage::done) later and calls that are answered later are
    /// not reported to their senders. It waits for nothing but the way out of what was written. The
    /// reading side goes on, and answers still come in.
    ///
    /// # Errors
    /// When the stream was reset or lost.
    ///
    /// # Cancel safety
    /// Once polled, the side is shut down, and what was written still goes out while a clone lives.
    pub async fn shutdown(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_end(cx)).await
    }

    /// Ends the stream here and now, in both directions and for all clones. What was not yet sent is
    /// lost, and the other end learns that something was.
    pub fn reset(&self) {
        self.core().close(End::Lost);
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    fn poll_end(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.core().poll_wire(cx, |wire, cx| {
            wire.end();
            wire.poll_settle(cx)
        });
        if polled.is_pending() {
            Pump::start(self.core());
        }
        polled
    }
}

/// Several clones may read; each byte goes to one of them.
impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let coop = ready!(poll_proceed(cx));
        let polled = self.core().poll_read(cx, into);
        if polled.is_ready() {
            coop.made_progress();
        }
        polled
    }
}

/// Several clones may write; each write is a frame of its own, up to 64 KiB of it.
///
/// What was written goes out without a flush.
impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let coop = ready!(poll_proceed(cx));
        let polled = self.core().poll_wire(cx, |wire, cx| wire.poll_data(cx, bytes));
        if polled.is_ready() {
            coop.made_progress();
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.core().poll_wire(cx, |wire, cx| wire.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}
