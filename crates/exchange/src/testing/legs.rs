//! Legs in memory: two ends of a pipe in each direction, which a window bounds.

use super::sent::{SentReply, SentRequest};
use crate::leg::{BeginError, Begun};
use crate::outgoing::{Head, StreamSender};
use crate::{BoxFuture, Failure, IncomingLeg, Leg, NewLeg, RequestKind};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How many bytes a direction holds that were not read.
pub(crate) const WINDOW: usize = 1024;

/// What was said on a leg before its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Accepted,
    Refused(Failure),
    Stream { from: StreamFrom, meta: Vec<u8>, timeout_ms: u32 },
    Request(SentRequest, u64),
    Reply(SentReply, u64),
}

/// Who opened a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamFrom {
    Edge(u64, String),
    Service(u64, String),
    Remote(u64, u64),
    ByName(u64, String),
}

/// What becomes of a leg that is opened.
#[derive(Clone, Debug, Default)]
pub(crate) enum Acceptance {
    #[default]
    Taken,
    Refused(Failure),
    Lost,
    /// Neither is ever said.
    Never,
}

/// One direction.
#[derive(Debug)]
struct Pipe {
    bytes: BytesMut,
    window: usize,
    is_ended: bool,
    is_reset: bool,
    /// Whether that was the other leg's.
    is_passed_on: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Who waits for a reset.
    watcher: Option<Waker>,
}

/// One end of both directions.
#[derive(Debug)]
pub(crate) struct MemoryLeg {
    read: Arc<Mutex<Pipe>>,
    write: Arc<Mutex<Pipe>>,
    said: Arc<Mutex<Vec<Said>>>,
}

/// A leg that was opened, on which nothing was said yet.
#[derive(Debug)]
struct OpenedLeg(MemoryLeg, Acceptance);

/// Both ends of a leg whose directions hold `window` bytes each.
pub(crate) fn pair(window: usize) -> (MemoryLeg, MemoryLeg) {
    let pipe = || {
        let (bytes, reader, writer) = (BytesMut::new(), None, None);
        Arc::new(Mutex::new(Pipe {
            bytes,
            window,
            is_ended: false,
            is_reset: false,
            is_passed_on: false,
            reader,
            writer,
            watcher: None,
        }))
    };
    let (there, back, said) = (pipe(), pipe(), Arc::<Mutex<Vec<Said>>>::default());
    let near = MemoryLeg { read: back.clone(), write: there.clone(), said: said.clone() };
    (near, MemoryLeg { read: there, write: back, said })
}

impl Pipe {
    fn wake(&mut self) {
        [self.reader.take(), self.writer.take(), self.watcher.take()]
            .into_iter()
            .flatten()
            .for_each(Waker::wake);
    }
}

impl MemoryLeg {
    /// As an outlet gives it, with what is to become of it.
    pub(super) fn opened(self, acceptance: Acceptance) -> Box<dyn NewLeg> {
        Box::new(OpenedLeg(self, acceptance))
    }

    /// What was said on it, at either end.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.said.lock().clone()
    }

    /// Whether the reset was passed on from another leg.
    pub(crate) fn is_passed_on(&self) -> bool {
        self.read.lock().is_passed_on
    }

    /// Writes all of it, as fast as it is read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        crate::write_all(self, bytes).await.expect("it is read");
    }

    /// Ends the direction that is written.
    pub(crate) async fn end(&mut self) {
        std::future::poll_fn(|cx| self.poll_shutdown(cx)).await.expect("the leg stands");
    }

    /// The next bytes, if it has not ended.
    pub(crate) async fn chunk(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await.map(|chunk| chunk.expect("the leg stands"))
    }

    /// Everything until the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await {
            all.extend_from_slice(&chunk);
        }
        all
    }
}

impl Leg for MemoryLeg {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut pipe = self.read.lock();
        if !pipe.bytes.is_empty() {
            let chunk = pipe.bytes.split().freeze();
            pipe.wake();
            return Poll::Ready(Some(Ok(chunk)));
        }
        if pipe.is_ended || pipe.is_reset {
            return Poll::Ready(None);
        }
        pipe.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.write.lock();
        if pipe.is_reset || pipe.is_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = pipe.window.saturating_sub(pipe.bytes.len()).min(bytes.len());
        if room == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend_from_slice(&bytes[..room]);
        pipe.wake();
        Poll::Ready(Ok(room))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.write.lock();
        if pipe.is_reset {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        pipe.is_ended = true;
        pipe.wake();
        Poll::Ready(Ok(()))
    }

    fn is_reset(&self) -> bool {
        self.read.lock().is_reset || self.write.lock().is_reset
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_reset() {
            return Poll::Ready(());
        }
        self.read.lock().watcher = Some(cx.waker().clone());
        self.write.lock().watcher = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        false
    }

    fn linger(self: Box<Self>) {
        if self.write.lock().is_ended {
            self.read.lock().is_ended = true;
        }
    }

    fn reset(self: Box<Self>) {
        self.write.lock().is_passed_on = true;
    }

    fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut pipe = self.read.lock();
        if pipe.is_reset {
            return Poll::Ready(());
        }
        pipe.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl IncomingLeg for MemoryLeg {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        self.said.lock().push(Said::Accepted);
        let is_lost = self.is_reset();
        Box::pin(async move { if is_lost { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) } })
    }

    fn refuse<'a>(self: Box<Self>, failure: &'a Failure) -> BoxFuture<'a, ()> {
        self.said.lock().push(Said::Refused(failure.clone()));
        Box::pin(async {})
    }
}

impl NewLeg for OpenedLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Begun> {
        let Self(leg, acceptance) = *self;
        leg.said.lock().push(Said::of(&head));
        Box::pin(async move {
            match acceptance {
                Acceptance::Taken => Ok(Box::new(leg) as Box<dyn Leg>),
                Acceptance::Refused(failure) => Err(BeginError::Refused(failure)),
                Acceptance::Lost => Err(BeginError::Lost),
                Acceptance::Never => {
                    let _kept = leg;
                    std::future::pending().await
                }
            }
        })
    }
}

impl Said {
    fn of(head: &Head<'_>) -> Self {
        match head {
            Head::Stream(head) => {
                let from = match head.from {
                    StreamSender::Edge(id, name) => StreamFrom::Edge(id.0, name.to_owned()),
                    StreamSender::Service(id, name) => StreamFrom::Service(id.0, name.to_owned()),
                    StreamSender::Remote(service, edge) => StreamFrom::Remote(service.id.0, edge.0),
                    StreamSender::ByName(edge, name) => StreamFrom::ByName(edge.id.0, name.to_owned()),
                };
                Self::Stream { from, meta: head.meta.to_vec(), timeout_ms: head.timeout_ms }
            }
            Head::Request(request, len) => Self::Request(SentRequest::of(request), *len),
            Head::Reply(id, edge, outcome, len) => {
                Self::Reply(SentReply::of(*id, RequestKind::Call, *edge, *outcome), *len)
            }
        }
    }
}

impl Drop for MemoryLeg {
    /// Whatever has not ended is reset.
    fn drop(&mut self) {
        let is_over = self.read.lock().is_ended && self.write.lock().is_ended;
        for pipe in [&self.read, &self.write] {
            let mut pipe = pipe.lock();
            if !is_over {
                pipe.is_reset = true;
            }
            pipe.wake();
        }
    }
}
