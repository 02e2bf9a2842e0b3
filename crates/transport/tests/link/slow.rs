//! Slow paths: bulk both ways never stands still, and small frames do not wait behind it.

use crate::narrow;
use crate::world::{config, connect, drive, filler, message, read_all};
use frontier_transport::{LinkConfig, Priority};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

fn unpaced() -> LinkConfig {
    LinkConfig { bulk_rate: 0, ..config() }
}

/// 16 streams each way at once over pipes that hold 4 KiB.
#[tokio::test(start_paused = true)]
async fn bulk_both_ways_comes_to_its_end() {
    const EACH: usize = 100_000;
    for rate in [20_000, 50_000] {
        let (a, b) = narrow::path(4 * 1024, rate, Duration::from_millis(5));
        let (a, b) = connect(a, b, unpaced()).await.unwrap();
        let start = Instant::now();
        let mut sides = [drive(a), drive(b)];
        let mut writers = Vec::new();
        for side in &sides {
            for _ in 0..16 {
                let mut stream = side.handle.open_stream().await.unwrap();
                writers.push(tokio::spawn(async move {
                    stream.write_all(&filler(3, EACH)).await.unwrap();
                    stream.shutdown().await.unwrap();
                    assert_eq!(read_all(&mut stream).await, b"");
                    assert!(!stream.is_reset());
                }));
            }
        }
        let mut readers = Vec::new();
        for side in &mut sides {
            for _ in 0..16 {
                let mut stream = side.stream().await;
                readers.push(tokio::spawn(async move {
                    assert!(read_all(&mut stream).await == filler(3, EACH));
                    stream.shutdown().await.unwrap();
                }));
            }
        }
        for task in writers.into_iter().chain(readers) {
            task.await.unwrap();
        }
        let due = Duration::from_secs_f64(16.0 * EACH as f64 / rate as f64);
        let took = start.elapsed();
        assert!(took < 2 * due, "{took:?}, where {due:?} are due at {rate} bytes a second");
    }
}

/// One stream that is full, and a small frame each second.
#[tokio::test(start_paused = true)]
async fn a_small_frame_waits_for_less_than_a_second_beside_a_full_stream() {
    for (rate, delay) in [(8_000, 20), (8_000, 200), (16_000, 50), (125_000, 30), (1_000_000, 20)] {
        // The path holds seconds of bytes, as sockets and routers do.
        let (a, b) = narrow::path(256 * 1024, rate, Duration::from_millis(delay));
        let (a, b) = connect(a, b, unpaced()).await.unwrap();
        let (a, mut b) = (drive(a), drive(b));
        let mut stream = a.handle.open_stream().await.unwrap();
        let bulk = tokio::spawn(async move { while stream.write_all(&[7; 64 * 1024]).await.is_ok() {} });
        let mut other = b.stream().await;
        let reader = tokio::spawn(async move { while other.chunk().await.is_some() {} });
        let mut longest = Duration::ZERO;
        for id in 0..30 {
            let asked = Instant::now();
            a.handle.send(Priority::Request, message(id, 64)).unwrap();
            assert_eq!(b.frame().await, id);
            longest = longest.max(asked.elapsed());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bulk.abort();
        reader.abort();
        assert!(longest < Duration::from_secs(1), "{longest:?} at {rate} bytes a second and {delay} ms");
    }
}

/// The same with one in each direction: then acknowledgements and windows wait behind bulk as well.
#[tokio::test(start_paused = true)]
async fn a_small_frame_waits_for_less_than_a_second_beside_streams_that_are_full_both_ways() {
    for (rate, delay) in [(8_000, 20), (8_000, 200), (16_000, 50), (125_000, 30)] {
        let (a, b) = narrow::path(256 * 1024, rate, Duration::from_millis(delay));
        let (a, b) = connect(a, b, unpaced()).await.unwrap();
        let (mut a, mut b) = (drive(a), drive(b));
        let mut tasks = Vec::new();
        for side in [&a, &b] {
            let mut stream = side.handle.open_stream().await.unwrap();
            tasks.push(tokio::spawn(async move { while stream.write_all(&[7; 64 * 1024]).await.is_ok() {} }));
        }
        for side in [&mut a, &mut b] {
            let mut stream = side.stream().await;
            tasks.push(tokio::spawn(async move { while stream.chunk().await.is_some() {} }));
        }
        let mut longest = Duration::ZERO;
        for id in 0..30 {
            let asked = Instant::now();
            a.handle.send(Priority::Request, message(id, 64)).unwrap();
            b.handle.send(Priority::Request, message(id, 64)).unwrap();
            for side in [&mut a, &mut b] {
                assert_eq!(side.frame().await, id);
                longest = longest.max(asked.elapsed());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tasks.iter().for_each(|task| task.abort());
        assert!(longest < Duration::from_secs(1), "{longest:?} at {rate} bytes a second and {delay} ms");
    }
}
