//! Many threads, many wake-ups, and peers that never pause: real time, real threads.

use crate::world::{check, config, connect, drive, message};
use frontier_transport::{Event, Link, LinkConfig, Priority};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const DEADLINE: Duration = Duration::from_secs(60);

fn roomy() -> LinkConfig {
    LinkConfig { outbox_hard: 1 << 30, outbox_soft: 1 << 30, ..config() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_among_threads() {
    const THREADS: u64 = 4;
    const EACH: u64 = 5_000;
    let (a, b) = tokio::io::duplex(4096);
    let (a, b) = connect(a, b, roomy()).await.unwrap();
    let (a, mut b) = (drive(a), drive(b));
    for thread in 0..THREADS {
        let handle = a.handle.clone();
        std::thread::spawn(move || {
            for id in thread * EACH..(thread + 1) * EACH {
                if handle.push(Priority::Reply, message(id, 3)).unwrap() {
                    handle.wake();
                }
            }
        });
    }
    let mut next = Vec::from_iter((0..THREADS).map(|thread| thread * EACH));
    let all = async {
        for _ in 0..THREADS * EACH {
            let id = b.frame().await;
            let next = &mut next[(id / EACH) as usize];
            assert_eq!(id, *next);
            *next += 1;
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("a wake-up was lost");
}

/// One frame at a time: each one needs its own wake-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_two_tasks() {
    let (a, b) = tokio::io::duplex(4096);
    let (a, b) = connect(a, b, roomy()).await.unwrap();
    let (mut a, mut b) = (drive(a), drive(b));
    let play = async {
        for id in 0..5_000 {
            a.handle.send(Priority::Request, message(id, 1)).unwrap();
            assert_eq!(b.frame().await, id);
            b.handle.send(Priority::Reply, message(id, 1)).unwrap();
            assert_eq!(a.frame().await, id);
        }
    };
    tokio::time::timeout(DEADLINE, play).await.expect("a wake-up was lost");
}

/// A peer that always has something to say: what it sends is repeated for ever, as fast as it is read
/// and its window allows.
struct Flood {
    opening: Vec<u8>,
    refrain: Vec<u8>,
    at: usize,
    /// What a round of the refrain takes from the window, and what is left of that.
    cost: usize,
    window: usize,
    /// What was written to it and is not a whole frame yet.
    heard: Vec<u8>,
    /// Bytes that came on its stream.
    data: Arc<AtomicUsize>,
    reader: Option<Waker>,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.remaining();
        while into.remaining() > 0 {
            let at = self.at;
            let from = match at.checked_sub(self.opening.len()) {
                None => &self.opening[at..],
                Some(0) if self.window < self.cost => break,
                Some(at) => &self.refrain[at..],
            };
            let n = from.len().min(into.remaining());
            into.put_slice(&from[..n]);
            if at == self.opening.len() {
                self.window -= self.cost;
            }
            self.at = at + n;
            if self.at == self.opening.len() + self.refrain.len() {
                self.at = self.opening.len();
            }
        }
        if into.remaining() == before {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.heard.extend_from_slice(bytes);
        while let Some(&[_, kind, _, _, _, _, _, stream, a, b, c, d]) = self.heard.first_chunk() {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let body = if kind == 0 { length } else { 0 };
            if self.heard.len() < 12 + body {
                break;
            }
            if stream == 1 && kind == 1 {
                self.window += length;
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
            }
            self.data.fetch_add(body, Ordering::Relaxed);
            self.heard.drain(..12 + body);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A frame of the mux: version, type, flags, stream, length.
fn mux_frame(kind: u8, flags: u8, stream: u8, length: usize, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[0, kind, 0, flags, 0, 0, 0, stream][..], &length, body].concat()
}

async fn accept_flood(refrain: Vec<u8>, cost: usize) -> (Link, Arc<AtomicUsize>) {
    let data = Arc::new(AtomicUsize::new(0));
    let flood = Flood {
        opening: mux_frame(1, 1, 1, 0, b""),
        refrain,
        at: 0,
        cost,
        window: 256 * 1024,
        heard: Vec::new(),
        data: data.clone(),
        reader: None,
    };
    (Link::accept(flood, Arc::new(config())).await.unwrap(), data)
}

#[tokio::test]
async fn a_flood_of_nothing_does_not_keep_the_thread() {
    // Window updates of zero bytes: never a frame, never a pause.
    let (mut link, _) = accept_flood(mux_frame(1, 0, 1, 0, b""), 0).await;
    let flooded = tokio::spawn(async move { link.next().await.map(drop) });
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    assert!(!flooded.is_finished());
    flooded.abort();
}

#[tokio::test]
async fn a_flood_of_frames_does_not_hold_up_what_goes_out() {
    for size in [1, 60_000] {
        let mut frame = Vec::new();
        message(9, size)(&mut frame).unwrap();
        let (mut link, data) = accept_flood(mux_frame(0, 0, 1, frame.len(), &frame), frame.len()).await;
        let handle = link.handle();
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let flooded = tokio::spawn(async move {
            while let Ok(event) = link.next().await {
                assert!(matches!(event, Event::Frames));
                while let Some(frame) = link.frame().unwrap() {
                    assert_eq!(check(&frame), 9);
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        // Beyond one window: the flood goes on for ever.
        while taken.load(Ordering::Relaxed) * frame.len() < 1 << 20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(data.load(Ordering::Relaxed), 0);
        handle.send(Priority::Request, message(1, 1)).unwrap();
        let mut yields = 0;
        while data.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
            yields += 1;
            assert!(yields < 100, "it was held up");
        }
        flooded.abort();
    }
}
