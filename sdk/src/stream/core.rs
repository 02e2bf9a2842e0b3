//! What all users of a stream share: both halves, the queues, and how they end.

use super::config::StreamConfig;
use super::end::End;
use super::inbox::Inbox;
use super::pending::Pending;
use super::pump::Pump;
use super::reader::Reader;
use super::served::Served;
use super::signal::Signal;
use super::wire::Wire;
use bytes::BytesMut;
use frontier_protocol::{Code, EncodeError, MIN_MAX_FRAME};
use frontier_transport::MuxStream;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// Answers that the mux has not taken, in bytes, from which on the stream is given up: the other end
/// asks, and does not read what it is told.
const MAX_BACKLOG: usize = 1024 * 1024;

/// What the handles of a stream, its messages, its handlers and its pump share.
///
/// Locks are taken in the order of the fields and never held across an await.
pub(super) struct Core {
    pub(super) reader: Mutex<Reader>,
    pub(super) wire: Mutex<Wire>,
    pub(super) inbox: Inbox,
    pub(super) pending: Pending,
    pub(super) served: Served,
    /// The mux has bytes, or a queue has room for them.
    pub(super) readable: Arc<Signal>,
    /// The mux takes bytes.
    pub(super) writable: Arc<Signal>,
    pub(super) pump: Pump,
    pub(super) config: StreamConfig,
}

impl Core {
    pub(super) fn new(mux: MuxStream, mut config: StreamConfig, runtime: Handle) -> Arc<Self> {
        // Every peer takes as much, and raw bytes are cut to fit it.
        config.max_frame = config.max_frame.max(MIN_MAX_FRAME as usize);
        Arc::new(Self {
            reader: Mutex::new(Reader::new(config.max_frame)),
            wire: Mutex::new(Wire::new(mux)),
            inbox: Inbox::new(config.receive_queue),
            pending: Pending::default(),
            served: Served::default(),
            readable: Arc::default(),
            writable: Arc::default(),
            pump: Pump::new(runtime),
            config,
        })
    }

    /// Ends the reading side, and the whole stream unless the end is clean. The first end counts.
    pub(super) fn end(&self, reader: &mut Reader, end: End) {
        let (code, text) = end.reason();
        self.pending.fail(code, text);
        self.inbox.close();
        if end != End::Clean {
            let mux = self.wire.lock().mux.take();
            drop(mux);
            self.served.abort_all();
            self.writable.wake_all();
        }
        reader.end.get_or_insert(end);
        self.readable.wake_all();
    }

    /// Ends the stream here and now.
    pub(super) fn close(&self, end: End) {
        self.end(&mut self.reader.lock(), end);
        // Handlers may own handles of this stream: they are dropped with no lock held.
        drop(self.served.take_methods());
    }

    /// Whether nothing more will be read.
    pub(super) fn is_over(&self) -> bool {
        self.reader.lock().end.is_some()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.wire.lock().mux.is_none()
    }

    /// Polls the wire for whoever wants to write.
    pub(super) fn poll_wire<T>(
        self: &Arc<Self>,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Wire, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let result = self.writable.poll(cx, |cx| {
            let mut wire = self.wire.lock();
            poll(&mut wire, cx).map_ok(|value| (value, wire.backlog() > 0))
        });
        result.map_ok(|(value, unfinished)| {
            if unfinished {
                // Whoever wrote need not come back.
                Pump::start(self);
            }
            value
        })
    }

    /// Sends a frame that can't wait: a short answer. It is dropped if our half is over.
    ///
    /// # Errors
    /// The end of the stream, if the other end does not read.
    pub(super) fn answer(
        self: &Arc<Self>,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), End> {
        let mut wire = self.wire.lock();
        if wire.writable().is_err() {
            return Ok(());
        }
        if wire.backlog() > MAX_BACKLOG {
            return Err(End::Broken(Code::Overloaded, "the other end does not read its answers".into()));
        }
        encode(wire.stage()).map_err(End::protocol)?;
        let waker = self.writable.clone().into();
        let drained = wire.poll_drain(&mut Context::from_waker(&waker));
        drop(wire);
        if drained.is_pending() {
            Pump::start(self);
        }
        // That the stream is lost is noticed by who reads.
        Ok(())
    }

    /// As [`answer`](Self::answer), with no lock held.
    pub(super) fn answer_or_close(
        self: &Arc<Self>,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) {
        if let Err(end) = self.answer(encode) {
            self.close(end);
        }
    }
}
