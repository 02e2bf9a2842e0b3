//! A stream on the line wire: its bytes are framed as lines.

use crate::wire::Lines;
use bytes::Bytes;
use frontier_exchange::{BeginError, BoxFuture, Failure, Head, IncomingLeg, Leg, NewLeg, StreamSender};
use frontier_protocol::Code;
use std::io;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// What comes on a stream.
#[derive(Debug)]
pub(crate) enum Part {
    Accepted,
    Refused(String),
    Data(Bytes),
    End,
    Reset,
}

#[derive(Debug)]
pub(crate) struct LineLeg {
    id: String,
    lines: Lines,
    parts: mpsc::UnboundedReceiver<Part>,
    /// What came while it was only watched.
    held: Option<Bytes>,
    is_read: bool,
    is_written: bool,
    is_reset: bool,
}

/// One that the peer has not heard of yet.
#[derive(Debug)]
pub(crate) struct NewLineLeg(pub(crate) LineLeg);

impl LineLeg {
    pub(crate) fn new(id: String, lines: Lines, parts: mpsc::UnboundedReceiver<Part>) -> Self {
        Self { id, lines, parts, held: None, is_read: false, is_written: false, is_reset: false }
    }

    fn say(&self, verb: &str, text: &str) -> io::Result<()> {
        let said = self.lines.say(format!("{verb} {} {text}", self.id).trim_end().to_owned());
        said.map(drop).map_err(|error| io::Error::new(io::ErrorKind::BrokenPipe, error))
    }
}

impl Leg for LineLeg {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(bytes) = self.held.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if self.is_read {
            return Poll::Ready(None);
        }
        match ready!(self.parts.poll_recv(cx)) {
            Some(Part::Data(bytes)) => return Poll::Ready(Some(Ok(bytes))),
            Some(Part::End) => {}
            _ => self.is_reset = true,
        }
        self.is_read = true;
        Poll::Ready(None)
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other);
        Poll::Ready(text.and_then(|text| self.say("DATA", text)).map(|()| bytes.len()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_written = true;
        Poll::Ready(self.say("END", ""))
    }

    fn is_reset(&self) -> bool {
        self.is_reset
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A line that ended its direction may still say that it gave the other one up.
        if !self.is_reset && self.is_read && !matches!(ready!(self.parts.poll_recv(cx)), Some(Part::End)) {
            self.is_reset = true;
        }
        if self.is_reset { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        false
    }

    fn linger(mut self: Box<Self>) {
        self.is_read = true;
    }

    fn reset(self: Box<Self>) {}

    fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.held.is_some() {
            return Poll::Pending;
        }
        match ready!(self.parts.poll_recv(cx)) {
            Some(Part::Data(bytes)) => {
                self.held = Some(bytes);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl IncomingLeg for LineLeg {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { self.say("ACCEPT", "") })
    }

    fn refuse<'a>(mut self: Box<Self>, failure: &'a Failure) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // A peer that is gone does not hear it.
            let _ = self.say("REFUSE", &format!("{:?} {}", failure.code, failure.text));
            (self.is_read, self.is_written) = (true, true);
        })
    }
}

impl NewLeg for NewLineLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Result<Box<dyn Leg>, BeginError>> {
        Box::pin(async move {
            let mut leg = self.0;
            let Head::Stream(head) = head else {
                let failure = Failure::new(Code::TooLarge, "a line carries no payload of its own");
                return Err(BeginError::Refused(failure));
            };
            let from = match head.from {
                StreamSender::Edge(id, _) => format!("@{id}"),
                StreamSender::Service(_, name) => name.to_owned(),
                StreamSender::Remote(..) | StreamSender::ByName(..) => return Err(BeginError::Lost),
            };
            let said = leg.say("OPEN", &format!("{from} {}", String::from_utf8_lossy(head.meta)));
            said.map_err(|_| BeginError::Lost)?;
            match leg.parts.recv().await {
                Some(Part::Accepted) => Ok(Box::new(leg) as Box<dyn Leg>),
                Some(Part::Refused(text)) => {
                    (leg.is_read, leg.is_written) = (true, true);
                    Err(BeginError::Refused(Failure::new(Code::StreamRefused, text)))
                }
                _ => Err(BeginError::Lost),
            }
        })
    }
}

impl Drop for LineLeg {
    fn drop(&mut self) {
        if !(self.is_read && self.is_written) {
            // A peer that is gone does not hear it.
            let _ = self.say("RESET", "");
        }
    }
}
