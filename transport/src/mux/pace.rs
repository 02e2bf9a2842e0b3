//! Bulk makes way for questions.
//!
//! The streams of a link share its socket, and the processors at both of its ends, with the lane.
//! Streams that write as fast as they can take all of it, and each small frame waits behind what is on
//! its way. So while questions go over the lane, in either direction, a stream's bytes go in bursts
//! with pauses between them. Without questions nothing is held back.

use super::slot::Streams;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// From the start of one burst to that of the next, where one stream alone is slowed.
const STEP: Duration = Duration::from_millis(1);

/// How fast the streams of one link may write together beside questions, and whether there are any.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes that go in one burst; 0 if nothing is ever held back.
    burst: isize,
    /// Questions put to the peer. One thread at a time counts, under the lock of the outbox.
    sent: AtomicU64,
    /// Questions of the peer. The link's owner counts.
    received: AtomicU64,
    /// Streams that are slowed now.
    slowed: AtomicU32,
}

impl Pace {
    /// `rate` in bytes per second; 0: without bound.
    pub(crate) fn new(rate: usize) -> Self {
        let burst = if rate == 0 { 0 } else { isize::try_from(rate / 1000).unwrap_or(isize::MAX).max(1) };
        Self { burst, sent: AtomicU64::new(0), received: AtomicU64::new(0), slowed: AtomicU32::new(0) }
    }

    /// A question goes to the peer. Only for the holder of the outbox's lock.
    pub(crate) fn note_sent(&self) {
        self.sent.store(self.sent.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A question of the peer has come. Only for the link's owner.
    pub(crate) fn note_received(&self) {
        self.received.store(self.received.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    fn questions(&self) -> u64 {
        self.sent.load(Ordering::Relaxed).wrapping_add(self.received.load(Ordering::Relaxed))
    }
}

/// What one stream may still write.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Bytes that are left of the burst, or what was written beyond it.
    left: isize,
    /// How many questions there had been when it began.
    seen: u64,
    /// Until the next one may begin, if there are questions.
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Pause {
    until: Pin<Box<Sleep>>,
    streams: Arc<Streams>,
}

impl Pause {
    fn new(streams: &Arc<Streams>) -> Self {
        streams.pace.slowed.fetch_add(1, Ordering::Relaxed);
        Self { until: Box::pin(sleep_until(Instant::now())), streams: streams.clone() }
    }

    /// Who is late makes up for it, though not with two bursts at once.
    fn extend(&mut self) {
        let step = STEP * self.streams.pace.slowed.load(Ordering::Relaxed).max(1);
        let next = (self.until.deadline() + step).max(Instant::now());
        self.until.as_mut().reset(next);
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.streams.pace.slowed.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pacer {
    /// For a new stream, whose first burst is free.
    pub(crate) fn new(pace: &Pace) -> Self {
        Self { left: pace.burst, seen: pace.questions(), pause: None }
    }

    /// Ready when the stream may write.
    pub(crate) fn poll_ready(&mut self, streams: &Arc<Streams>, cx: &mut Context<'_>) -> Poll<()> {
        let pace = &streams.pace;
        while self.left <= 0 && pace.burst > 0 {
            if let Some(pause) = &mut self.pause {
                ready!(pause.until.as_mut().poll(cx));
            }
            let questions = pace.questions();
            if std::mem::replace(&mut self.seen, questions) == questions {
                self.pause = None;
                self.left = pace.burst;
            } else {
                self.pause.get_or_insert_with(|| Pause::new(streams)).extend();
                self.left = self.left.saturating_add(pace.burst);
            }
        }
        Poll::Ready(())
    }

    /// So many bytes were written.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(isize::try_from(bytes).unwrap_or(isize::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

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
                poll_fn(|cx| self.pacer.poll_ready(&self.streams, cx)).await;
                self.pacer.spend(PIECE);
            }
        }

        /// What it writes within `span` while questions go on, in bytes.
        async fn write_beside_questions(mut self, span: Duration) -> usize {
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
    async fn nothing_waits_where_nothing_is_asked() {
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
    async fn beside_questions_the_rate_is_kept() {
        let streams = Arc::new(Streams::new(RATE));
        let written = Writer::new(&streams).write_beside_questions(Duration::from_secs(1)).await;
        assert!(about(RATE, written), "{written}");
    }

    #[tokio::test(start_paused = true)]
    async fn beside_questions_the_streams_share_the_rate() {
        let streams = Arc::new(Streams::new(RATE));
        let each = || Writer::new(&streams).write_beside_questions(Duration::from_secs(1));
        let (a, b, c, d) = tokio::join!(each(), each(), each(), each());
        assert!(about(RATE, a + b + c + d), "{a} {b} {c} {d}");
        assert!([a, b, c, d].into_iter().all(|written| about(RATE / 4, written)), "{a} {b} {c} {d}");
        assert_eq!(streams.pace.slowed.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_last_question_a_stream_is_free_again() {
        let streams = Arc::new(Streams::new(RATE));
        let mut writer = Writer::new(&streams);
        streams.pace.note_sent();
        writer.write(10).await;
        let start = Instant::now();
        writer.write(100_000).await;
        assert!(start.elapsed() <= 2 * STEP, "{:?}", start.elapsed());
        assert_eq!(streams.pace.slowed.load(Ordering::Relaxed), 0);
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
