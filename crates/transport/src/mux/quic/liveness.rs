//! Whether the peer of a connection that was dialled is still there. Where nobody listens any more UDP does not say so.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How often a silent peer is asked for a sign of life, which any peer gives at once.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How many such intervals without any packet from the peer end a connection.
const MAX_SILENT_INTERVALS: u32 = 3;

/// Looks once an interval whether packets have come. A process that was paused looks once, however long that was.
pub(super) struct Liveness {
    next: Pin<Box<Sleep>>,
    datagrams: u64,
    silent: u32,
}

impl Liveness {
    pub(super) fn new() -> Self {
        Self { next: Box::pin(sleep(KEEP_ALIVE)), datagrams: 0, silent: 0 }
    }

    /// Ready when the peer has been silent for too long. `datagrams` says how many have come.
    pub(super) fn poll_lost(&mut self, cx: &mut Context<'_>, datagrams: impl Fn() -> u64) -> Poll<Duration> {
        loop {
            ready!(self.next.as_mut().poll(cx));
            self.next.as_mut().reset(Instant::now() + KEEP_ALIVE);
            let is_silent = std::mem::replace(&mut self.datagrams, datagrams()) == self.datagrams;
            self.silent = if is_silent { self.silent + 1 } else { 0 };
            if self.silent >= MAX_SILENT_INTERVALS {
                return Poll::Ready(KEEP_ALIVE * self.silent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn a_peer_of_which_no_packet_comes_is_lost_after_three_intervals() {
        let start = Instant::now();
        let mut liveness = Liveness::new();
        // One comes each second, for so long.
        let came = || start.elapsed().as_secs().min(21);
        let silence = poll_fn(|cx| liveness.poll_lost(cx, came)).await;
        assert_eq!((silence, start.elapsed().as_secs()), (Duration::from_secs(15), 40));
    }
}
