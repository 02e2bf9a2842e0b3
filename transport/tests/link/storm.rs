//! Many threads, many wake-ups, and peers that never pause: real time, real threads.

use crate::world::{config, connect, drive, message};
use frontier_transport::{Link, LinkConfig, Priority};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
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
                if handle.push(Priority::Answer, message(id, 3)).unwrap() {
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
            a.handle.send(Priority::Question, message(id, 1)).unwrap();
            assert_eq!(b.frame().await, id);
            b.handle.send(Priority::Answer, message(id, 1)).unwrap();
            assert_eq!(a.frame().await, id);
        }
    };
    tokio::time::timeout(DEADLINE, play).await.expect("a wake-up was lost");
}

/// A peer that always has something to say: what it sends is repeated for ever.
struct Flood {
    opening: Vec<u8>,
    refrain: Vec<u8>,
    at: usize,
    written: Arc<AtomicUsize>,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while into.remaining() > 0 {
            let at = self.at;
            let (from, next) = match self.opening.len() {
                len if at < len => (&self.opening[at..], at),
                len => (&self.refrain[at - len..], at),
            };
            let n = from.len().min(into.remaining());
            into.put_slice(&from[..n]);
            self.at = next + n;
            if self.at == self.opening.len() + self.refrain.len() {
                self.at = self.opening.len();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.fetch_add(bytes.len(), Ordering::Relaxed);
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

async fn accept_flood(refrain: Vec<u8>) -> (Link, Arc<AtomicUsize>) {
    let written = Arc::new(AtomicUsize::new(0));
    let opening = mux_frame(1, 1, 1, 0, b"");
    let flood = Flood { opening, refrain, at: 0, written: written.clone() };
    (Link::accept(flood, Arc::new(config())).await.unwrap(), written)
}

#[tokio::test]
async fn a_flood_of_nothing_does_not_keep_the_thread() {
    // Window updates of zero bytes: never a frame, never a pause.
    let (mut link, _) = accept_flood(mux_frame(1, 0, 1, 0, b"")).await;
    let flooded = tokio::spawn(async move { link.next().await.map(drop) });
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    assert!(!flooded.is_finished());
    flooded.abort();
}
