//! Slow paths: small frames do not wait behind bulk, and bulk both ways goes on.

use super::narrow::Path;
use super::world::{Driven, Identity, config, drive, filler, read_all, send};
use crate::mux::quic::QuicMux;
use crate::quic::config::{client, for_link, max_streams, server};
use crate::{Link, LinkConfig};
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

fn unpaced() -> LinkConfig {
    LinkConfig { bulk_rate: 0, ..config() }
}

/// Both sides of a link over `path`: one that dialled, one that accepted. The endpoints go on until they are dropped.
async fn connect(path: Path) -> ([Endpoint; 2], [Driven; 2]) {
    let (identity, config) = (Identity::new(), unpaced());
    let tls = identity.server();
    let server = for_link(&server(&tls).unwrap(), &tls, &config).unwrap();
    let [near, far] = path.sockets();
    let to = quinn::AsyncUdpSocket::local_addr(&*far).unwrap();
    let endpoint = |socket, server| {
        let (config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
        Endpoint::new_with_abstract_socket(config, server, socket, runtime).unwrap()
    };
    let (near, far) = (endpoint(near, None), endpoint(far, Some(server)));
    let dial = async {
        let client = client(&identity.client(), &config).unwrap();
        let connection = near.connect_with(client, to, "localhost").unwrap().await.unwrap();
        let mut mux = QuicMux::new(connection, max_streams(&config)).watch_peer();
        let lane = mux.open_lane().await.unwrap();
        let link = drive(Link::new(Box::new(mux), lane, Arc::new(config.clone())));
        // The lane comes into being with it.
        send(&link.handle, 0, 10);
        link
    };
    let accept = async {
        let connection = far.accept().await.unwrap().accept().unwrap().await.unwrap();
        let mut mux = QuicMux::new(connection, max_streams(&config));
        let lane = mux.accept_lane().await.unwrap();
        drive(Link::new(Box::new(mux), lane, Arc::new(config.clone())))
    };
    let (near_link, mut far_link) = tokio::join!(dial, accept);
    assert_eq!(far_link.frame().await, 0);
    ([near, far], [near_link, far_link])
}

/// Sends small frames from one side to the other, a second apart. The longest that one has taken.
async fn longest_wait(from: &Driven, to: &mut Driven, frames: u64) -> Duration {
    let mut longest = Duration::ZERO;
    for id in 1..=frames {
        let asked = Instant::now();
        send(&from.handle, id, 64);
        assert_eq!(to.frame().await, id);
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    longest
}

/// One stream that is full, and a small frame each second. The path holds a minute of bytes, as routers may.
#[tokio::test(start_paused = true)]
async fn a_small_frame_waits_for_less_than_a_second_beside_a_full_stream() {
    for (rate, delay, loss) in [
        (8_000, 20, 0.0),
        (8_000, 200, 0.0),
        (8_000, 20, 0.01),
        (16_000, 50, 0.0),
        (125_000, 30, 0.0),
        (1_000_000, 20, 0.0),
    ] {
        let path = Path { rate, delay: Duration::from_millis(delay), holds: 60 * rate, loss };
        let (_endpoints, [a, mut b]) = connect(path).await;
        let mut stream = a.handle.open_stream().await.unwrap();
        let bulk = tokio::spawn(async move { while stream.write_all(&[7; 64 * 1024]).await.is_ok() {} });
        let mut other = b.stream().await;
        let reader = tokio::spawn(async move {
            let mut read = 0;
            while let Some(Ok(chunk)) = other.chunk().await {
                read += chunk.len() as u64;
            }
            read
        });
        let began = Instant::now();
        let longest = longest_wait(&a, &mut b, 30).await;
        let took = began.elapsed();
        bulk.abort();
        drop((a, b));
        let read = reader.await.unwrap();
        let due = rate * u64::try_from(took.as_millis()).unwrap() / 1000;
        assert!(longest < Duration::from_secs(1), "{longest:?} over {path:?}");
        // It is the path that bulk waits for, not us.
        assert!(loss > 0.0 || read > due / 2, "{read} bytes of {due} over {path:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_frame_waits_for_less_than_three_seconds_beside_full_streams_both_ways() {
    let path = Path { rate: 8_000, delay: Duration::from_millis(20), holds: 500_000, loss: 0.0 };
    let (_endpoints, [a, mut b]) = connect(path).await;
    let mut tasks = Vec::new();
    for side in [&a, &b] {
        let mut stream = side.handle.open_stream().await.unwrap();
        tasks.push(tokio::spawn(async move { while stream.write_all(&[7; 64 * 1024]).await.is_ok() {} }));
    }
    let mut a = a;
    for side in [&mut a, &mut b] {
        let mut stream = side.stream().await;
        tasks.push(tokio::spawn(async move { while stream.chunk().await.is_some() {} }));
    }
    let longest = longest_wait(&a, &mut b, 30).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}

/// 8 streams each way at once.
#[tokio::test(start_paused = true)]
async fn bulk_both_ways_comes_to_its_end() {
    const EACH: usize = 100_000;
    for (rate, loss) in [(50_000, 0.0), (50_000, 0.01), (1_000_000, 0.0)] {
        let path = Path { rate, delay: Duration::from_millis(5), holds: 500_000, loss };
        let (_endpoints, mut sides) = connect(path).await;
        let start = Instant::now();
        let mut writers = Vec::new();
        for side in &sides {
            for _ in 0..8 {
                let mut stream = side.handle.open_stream().await.unwrap();
                writers.push(tokio::spawn(async move {
                    stream.write_all(&filler(3, EACH)).await.unwrap();
                    stream.shutdown().await.unwrap();
                    stream
                }));
            }
        }
        for side in &mut sides {
            for _ in 0..8 {
                let mut stream = side.stream().await;
                writers.push(tokio::spawn(async move {
                    assert!(read_all(&mut stream).await == filler(3, EACH));
                    stream.shutdown().await.unwrap();
                    stream
                }));
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let due = Duration::from_secs_f64(8.0 * EACH as f64 / rate as f64);
        let took = start.elapsed();
        assert!(took < 3 * due, "{took:?}, where {due:?} are due over {path:?}");
    }
}
