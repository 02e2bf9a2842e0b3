//! What others do with a link while its owner drives it.

use super::outbox::Outbox;
use super::{CloseReason, LinkConfig};
use crate::mux::{MuxStream, StreamSlot, Streams};
use crate::signal::Signal;
use frontier_protocol::{Code, EncodeError};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use thiserror::Error;
use tokio::sync::oneshot;

/// How badly a frame wants to go out when the outbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A request, such as a call: refused from the outbox's soft limit on.
    Request,
    /// A reply or a notice: refused only from the hard limit on, at which the link is closed.
    Reply,
}

/// Why a frame was not queued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PushError {
    /// The outbox is full; the link's peer does not read fast enough.
    #[error("the outbox holds {0} bytes and is full")]
    Full(usize),
    /// The link is closed.
    #[error("the link is closed: {0}")]
    Closed(CloseReason),
    /// The link takes no more requests: its peer leaves.
    #[error("the receiver is leaving")]
    Sealed,
    /// The frame does not fit its layout.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl PushError {
    /// The code that a sender is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Full(_) => Code::Overloaded,
            Self::Closed(_) => Code::Disconnected,
            Self::Sealed => Code::Draining,
            Self::Encode(_) => Code::TooLarge,
        }
    }
}

/// Why a stream was not opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The link has as many streams as it may have.
    #[error("the link has {0} streams and may have no more")]
    TooMany(u32),
    /// The peer takes no more streams on this link.
    #[error("the peer takes no more streams on this link")]
    Leaving,
    /// The link is closed, or was closed before the stream was open.
    #[error("the link is closed")]
    Closed,
}

impl OpenError {
    /// The code that a sender is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooMany(_) => Code::Overloaded,
            Self::Leaving => Code::Draining,
            Self::Closed => Code::Disconnected,
        }
    }
}

/// What everyone but the owner may do with a link: queue frames, open streams, close it.
///
/// Cheap to clone. Nothing here waits, but for [`open_stream`](Self::open_stream).
#[derive(Clone, Debug)]
pub struct LinkHandle {
    pub(super) shared: Arc<Shared>,
}

/// What a link's owner and its handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) signal: Arc<Signal>,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) opens: Mutex<VecDeque<OpenRequest>>,
    pub(super) streams: Arc<Streams>,
    /// Bytes that the lane has accepted since the start.
    pub(super) written: AtomicU64,
    pub(super) config: Arc<LinkConfig>,
}

/// A wish for a stream, with the place for it already taken.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) slot: StreamSlot,
    pub(super) reply: oneshot::Sender<Result<MuxStream, OpenError>>,
}

impl LinkHandle {
    pub(super) fn new(config: Arc<LinkConfig>) -> Self {
        let shared = Shared {
            signal: Arc::default(),
            outbox: Mutex::new(Outbox::new()),
            opens: Mutex::new(VecDeque::new()),
            streams: Arc::new(Streams::new(config.bulk_rate)),
            written: AtomicU64::new(0),
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Queues one or more frames, whole, which `encode` appends to the buffer that it is given.
    ///
    /// Returns whether [`wake`](Self::wake) must be called for them to go out: the caller does so
    /// once for many frames.
    ///
    /// # Errors
    /// [`PushError`]; nothing was queued then. Beyond the hard limit the link is closed as well.
    pub fn push(
        &self,
        priority: Priority,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<bool, PushError> {
        self.push_locked(&mut self.shared.outbox.lock(), priority, encode)
    }

    /// Queues the frames behind which no request goes any more, as answers are queued. From here on
    /// requests are refused, though not answers.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn seal(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<bool, PushError> {
        let mut outbox = self.shared.outbox.lock();
        outbox.sealed = true;
        self.push_locked(&mut outbox, Priority::Reply, encode)
    }

    fn push_locked(
        &self,
        outbox: &mut Outbox,
        priority: Priority,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<bool, PushError> {
        if let Some(reason) = &outbox.closed {
            return Err(PushError::Closed(reason.clone()));
        }
        if outbox.sealed && priority == Priority::Request {
            return Err(PushError::Sealed);
        }
        let backlog = outbox.backlog();
        let limit = match priority {
            Priority::Request => self.shared.config.outbox_soft,
            Priority::Reply => self.shared.config.outbox_hard,
        };
        if backlog >= limit {
            if priority == Priority::Reply {
                outbox.close(CloseReason::SlowPeer);
                self.wake();
            }
            return Err(PushError::Full(backlog));
        }
        let buffer = outbox.buffer();
        let before = buffer.len();
        if let Err(error) = encode(buffer) {
            buffer.truncate(before);
            outbox.recycle();
            return Err(error.into());
        }
        if priority == Priority::Request {
            self.shared.streams.pace.note_sent();
        }
        Ok(before == 0)
    }

    /// Queues frames as [`push`](Self::push) does, and wakes the owner at once.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn send(
        &self,
        priority: Priority,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), PushError> {
        if self.push(priority, encode)? {
            self.wake();
        }
        Ok(())
    }

    /// Waits until the outbox has room for requests. Whoever comes next may have filled it again.
    ///
    /// # Errors
    /// The reason for which the link is closed.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn writable(&self) -> Result<(), CloseReason> {
        let room = self.shared.outbox.lock().room();
        loop {
            let notified = room.notified();
            tokio::pin!(notified);
            // Registered before the outbox is looked at, so that no room in between is missed.
            notified.as_mut().enable();
            {
                let outbox = self.shared.outbox.lock();
                if let Some(reason) = &outbox.closed {
                    return Err(reason.clone());
                }
                if outbox.backlog() < self.shared.config.outbox_soft {
                    return Ok(());
                }
            }
            notified.await;
        }
    }

    /// Makes the owner look at the outbox.
    pub fn wake(&self) {
        self.shared.signal.notify();
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// [`OpenError`] at the limit of streams, or when the link is closed.
    ///
    /// # Cancel safety
    /// Cancel safe: a stream that opens after the call was dropped is reset.
    pub async fn open_stream(&self) -> Result<MuxStream, OpenError> {
        let limit = self.shared.config.max_streams;
        let slot = StreamSlot::take(&self.shared.streams, limit).ok_or(OpenError::TooMany(limit))?;
        let (reply, opened) = oneshot::channel();
        {
            let outbox = self.shared.outbox.lock();
            if outbox.closed.is_some() {
                return Err(OpenError::Closed);
            }
            self.shared.opens.lock().push_back(OpenRequest { slot, reply });
        }
        self.wake();
        opened.await.unwrap_or(Err(OpenError::Closed))
    }

    /// Closes the link at once: what is queued is lost, the peer is not asked. The first reason counts.
    pub fn close(&self, reason: CloseReason) {
        self.shared.outbox.lock().close(reason);
        self.wake();
    }

    /// Whether the link is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.outbox.lock().closed.is_some()
    }

    /// Why the link is closed; `None` as long as it is not.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.shared.outbox.lock().closed.clone()
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.shared.outbox.lock().backlog()
    }

    /// Bytes that the peer's lane has taken since the start: stands still while the peer does not read.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// Streams that are open or being opened, the lane aside.
    #[must_use]
    pub fn streams(&self) -> u32 {
        self.shared.streams.open()
    }
}
