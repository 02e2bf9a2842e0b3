//! Rate limit of a link's streams beside its requests.
//!
//! The streams of a link share its socket, and the processors at both of its ends, with the lane.
//! Streams that write as fast as they can take all of it, and each small frame waits behind what is on
//! its way. So while requests go over the lane, in either direction, the streams take turns: each
//! writes a burst, and the next one comes a while later. Without requests nothing is held back. Which
//! frames are requests is told by the link's owner and by those who send: here no frame is looked at.

use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// From one turn to the next.
const STEP: Duration = Duration::from_millis(1);

/// So many turns of a stream without a request, one after the other, and it takes none any more.
const QUIET: u8 = 2;

/// How fast the streams of one link may write together beside requests, and whether there are any.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes of one turn; 0 if nothing is ever held back.
    burst: u32,
    /// Requests to the peer. One thread at a time counts, under the lock of the outbox.
    sent: AtomicU32,
    /// Requests of the peer. The link's owner counts.
    received: AtomicU32,
    /// When the next turn may begin.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// `rate` in bytes per second; 0: without bound.
    pub(crate) fn new(rate: usize) -> Self {
        let burst = if rate == 0 { 0 } else { u32::try_from(rate / 1000).unwrap_or(u32::MAX).max(1) };
        Self { burst, sent: AtomicU32::new(0), received: AtomicU32::new(0), next: Mutex::new(None) }
    }

    /// A request goes to the peer. Only for the holder of the outbox's lock.
    pub(crate) fn note_sent(&self) {
        self.sent.store(self.sent.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A request of the peer has come. Only for the link's owner.
    pub(crate) fn note_received(&self) {
        self.received.store(self.received.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    fn requests(&self) -> u32 {
        self.sent.load(Ordering::Relaxed).wrapping_add(self.received.load(Ordering::Relaxed))
    }

    /// Takes a turn, and returns when it begins if that is not now.
    fn take_turn(&self) -> Option<Instant> {
        let (now, mut next) = (Instant::now(), self.next.lock());
        let begins = next.map_or(now, |next| next.max(now));
        *next = Some(begins + STEP);
        (begins > now).then_some(begins)
    }
}

/// What one stream may still write.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Bytes that are left of the turn, or what was written beyond it.
    left: i64,
    /// How many requests there had been when it was taken.
    seen: u32,
    /// If there are requests. Boxed, since few streams are ever slowed down.
    turns: Option<Box<Turns>>,
}

/// A stream takes turns.
#[derive(Debug, Default)]
struct Turns {
    /// The beginning of one that is yet to come.
    begins: Option<Pin<Box<Sleep>>>,
    /// Those without a request, since the last one with any.
    quiet: u8,
}

impl Pacer {
    /// For a new stream, whose first burst is free.
    pub(crate) fn new(pace: &Pace) -> Self {
        Self { left: pace.burst.into(), seen: pace.requests(), turns: None }
    }

    /// Ready when the stream may write.
    pub(crate) fn poll_ready(&mut self, pace: &Pace, cx: &mut Context<'_>) -> Poll<()> {
        while self.left <= 0 && pace.burst > 0 {
            if let Some(turns) = &mut self.turns
                && let Some(begins) = &mut turns.begins
            {
                ready!(begins.as_mut().poll(cx));
                turns.begins = None;
                self.left = self.left.saturating_add(pace.burst.into());
                continue;
            }
            let requests = pace.requests();
            if std::mem::replace(&mut self.seen, requests) != requests {
                self.turns.get_or_insert_default().quiet = 0;
            }
            match &mut self.turns {
                Some(turns) if turns.quiet < QUIET => {
                    turns.quiet += 1;
                    match pace.take_turn() {
                        Some(begins) => turns.begins = Some(Box::pin(sleep_until(begins))),
                        None => self.left = self.left.saturating_add(pace.burst.into()),
                    }
                }
                _ => {
                    self.turns = None;
                    self.left = pace.burst.into();
                }
            }
        }
        Poll::Ready(())
    }

    /// So many bytes were written.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::slot::Streams;
    use std::future::poll_fn;
    use std::sync::Arc;

    const RATE: usize = 64 << 20;
    const PIECE: usize = 32 << 10;

    struct Writer {
        streams: Arc<Streams>,
        pacer: Pacer,
    }

    impl Writer {
        fn new(streams: &Arc<Streams>) -> Self {
            Self { streams: streams.clone(), pacer: Pacer::new(&streams.pace) }
        }

        async fn write(&mut self, pieces: usize) {
            for _ in 0..pieces {
                poll_fn(|cx| self.pacer.poll_ready(&self.streams.pace, cx)).await;
                self.pacer.spend(PIECE);
            }
        }

        /// What it writes within `span` while requests go on, in bytes.
        async fn write_beside_requests(mut self, span: Duration) -> usize {
            let end = Instant::now() + span;
            let mut written = 0;
            while Instant::now() < end {
                self.streams.pace.note_received();
                self.write(1).await;
                written += PIECE;
            }
            written
        }
    }

    fn about(rate: usize, written: usize) -> bool {
        (rate * 9 / 10..=rate * 11 / 10).contains(&written)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_without_requests() {
        let streams = Arc::new(Streams::new(RATE));
        streams.pace.note_sent();
        let (mut writer, start) = (Writer::new(&streams), Instant::now());
        writer.write(100_000).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_without_a_bound() {
        let streams = Arc::new(Streams::new(0));
        let (mut writer, start) = (Writer::new(&streams), Instant::now());
        for _ in 0..1000 {
            streams.pace.note_sent();
            writer.write(100).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn beside_requests_the_rate_is_kept() {
        let streams = Arc::new(Streams::new(RATE));
        let written = Writer::new(&streams).write_beside_requests(Duration::from_secs(1)).await;
        assert!(about(RATE, written), "{written}");
    }

    #[tokio::test(start_paused = true)]
    async fn beside_requests_the_streams_share_the_rate() {
        let streams = Arc::new(Streams::new(RATE));
        let each = || Writer::new(&streams).write_beside_requests(Duration::from_secs(1));
        let (a, b, c, d) = tokio::join!(each(), each(), each(), each());
        assert!(about(RATE, a + b + c + d), "{a} {b} {c} {d}");
        assert!([a, b, c, d].into_iter().all(|written| about(RATE / 4, written)), "{a} {b} {c} {d}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stands_still_takes_no_share() {
        let streams = Arc::new(Streams::new(RATE));
        let mut stalled = Writer::new(&streams);
        for _ in 0..10 {
            streams.pace.note_sent();
            stalled.write(2).await;
        }
        assert!(stalled.pacer.turns.is_some(), "it was slowed down itself");
        let written = Writer::new(&streams).write_beside_requests(Duration::from_secs(1)).await;
        assert!(about(RATE, written), "{written}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_last_request_a_stream_is_free_again() {
        let streams = Arc::new(Streams::new(RATE));
        let mut writer = Writer::new(&streams);
        streams.pace.note_sent();
        writer.write(10).await;
        let start = Instant::now();
        writer.write(100_000).await;
        assert!(start.elapsed() <= 4 * STEP, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_short_never_waits() {
        let streams = Arc::new(Streams::new(RATE));
        let start = Instant::now();
        for _ in 0..1000 {
            streams.pace.note_sent();
            Writer::new(&streams).write(2).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
