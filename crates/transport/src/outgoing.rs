//! Bytes on their way out, over a connection that may break under them.

use crate::staging::Staging;
use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Bytes on their way out.
///
/// Once a write has failed nothing goes out any more, and what is queued goes nowhere. Whoever reads must not stop for
/// that: the peer may have said why it ended the connection, and that lies there to be read.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    queue: Staging,
    failure: Option<io::Error>,
}

impl Outgoing {
    /// What waits, to append to.
    pub(crate) fn queue(&mut self) -> &mut Staging {
        &mut self.queue
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of buffer that are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.queue.held()
    }

    /// Sends all of it. An error comes again with each call.
    pub(crate) fn poll_send(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.failure.is_none() {
            match ready!(self.queue.poll_drain(io, cx)) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) => self.failure = Some(error),
            }
        }
        self.queue.consume(self.queue.len());
        Poll::Ready(match &self.failure {
            Some(error) => {
                Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error))
            }
            None => Ok(()),
        })
    }
}
