//! How many tabs one topic can have: 5,000 subscribers, 50 messages a second, on whatever machine this runs. And what it
//! changes for them that one of them stalls.
//!
//! ```sh
//! cargo test --release -p frontier-tests --test bridge -- --ignored --nocapture
//! ```
//! `SUBSCRIBERS`, `RATE` and `PACE` change what is measured. It takes some 30 s, and so many open files.

use crate::world::{TOPIC, bridge_of, bridged};
use frontier_sdk::Edge;
use frontier_tests::{DEADLINE, Gateway, eventually};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::interval;

const WARM_UP: Duration = Duration::from_secs(2);
const COUNTED: Duration = Duration::from_secs(10);

/// Text of about 200 bytes, with the time at which it was published in front.
fn payload(since: Instant) -> String {
    let padding = "x".repeat(150);
    format!(r#"{{"t":"{:012}","temperature":21.5,"padding":"{padding}"}}"#, since.elapsed().as_micros())
}

/// Latencies in steps of a millisecond, up to 10 s.
struct Latencies(Vec<AtomicU64>);

impl Latencies {
    fn new() -> Arc<Self> {
        Arc::new(Self(std::iter::repeat_with(AtomicU64::default).take(10_000).collect()))
    }

    fn note(&self, micros: u64) {
        let step = usize::try_from(micros / 1000).unwrap().min(self.0.len() - 1);
        self.0[step].fetch_add(1, Ordering::Relaxed);
    }

    fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// In milliseconds, rounded up.
    fn quantile(&self, quantile: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "counts of a test"
        )]
        let rank = (self.count() as f64 * quantile) as u64;
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += count.load(Ordering::Relaxed);
            seen > rank
        });
        found.map_or(0, |step| step + 1)
    }
}

/// A subscriber that has been let in, with what has come behind the answer.
async fn subscribe(addr: SocketAddr, buffer: Option<u32>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(size) = buffer {
        socket.set_recv_buffer_size(size).unwrap();
    }
    let mut stream = socket.connect(addr).await.unwrap();
    let request = format!(
        "GET /bridge/v1/topics/{TOPIC} HTTP/1.1\r\nhost: {addr}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    stream
}

/// Reads messages to the end, and notes how long each took from its publishing, once that is to be counted.
async fn read(
    mut stream: TcpStream,
    since: Instant,
    is_counting: Arc<AtomicBool>,
    latencies: Arc<Latencies>,
) {
    const MARK: &[u8] = br#""t":""#;
    let (mut buffer, mut kept) = (vec![0; 4096], 0);
    loop {
        let Ok(count) = stream.read(&mut buffer[kept..]).await else { return };
        if count == 0 {
            return;
        }
        let (now, filled) = (since.elapsed(), kept + count);
        let mut at = 0;
        while let Some(found) = buffer[at..filled].windows(MARK.len()).position(|bytes| bytes == MARK) {
            let start = at + found + MARK.len();
            let Some(digits) = buffer[..filled].get(start..start + 12) else { break };
            let sent: u64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
            if is_counting.load(Ordering::Relaxed) {
                latencies.note(u64::try_from(now.as_micros()).unwrap().saturating_sub(sent));
            }
            at = start + 12;
        }
        // A mark, or its time, may be cut in two.
        let rest = at.max(filled.saturating_sub(MARK.len() + 12));
        buffer.copy_within(rest..filled, 0);
        kept = filled - rest;
    }
}

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// One sitting: messages are published at a rate while everybody reads.
struct Sitting {
    gateway: Gateway,
    edge: Edge,
    since: Instant,
    is_counting: Arc<AtomicBool>,
    latencies: Arc<Latencies>,
    subscribers: u64,
}

impl Sitting {
    async fn measure(&mut self, what: &str) {
        let Self { gateway, edge, since, is_counting, latencies, subscribers } = self;
        latencies.clear();
        let mut ticks = interval(Duration::from_secs(1) / setting("RATE", 50));
        let (start, mut acks, mut before) = (Instant::now(), Vec::new(), Duration::ZERO);
        while start.elapsed() < WARM_UP + COUNTED {
            ticks.tick().await;
            if acks.is_empty() && start.elapsed() >= WARM_UP {
                before = gateway.process().cpu();
                is_counting.store(true, Ordering::Relaxed);
            }
            let asked = Instant::now();
            edge.publish(TOPIC, payload(*since)).await.unwrap();
            if is_counting.load(Ordering::Relaxed) {
                acks.push(asked.elapsed());
            }
        }
        let cores = (gateway.process().cpu() - before).as_secs_f64() / COUNTED.as_secs_f64();
        let expected = acks.len() as u64 * *subscribers;
        let all = async || (latencies.count() >= expected).then_some(());
        eventually(DEADLINE, "everybody has everything", all).await;
        is_counting.store(false, Ordering::Relaxed);
        acks.sort_unstable();
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| latencies.quantile(quantile));
        let (ack, slow_ack) = (acks[acks.len() / 2], acks[acks.len() * 99 / 100]);
        println!(
            "{what}: {} messages to {subscribers} subscribers: p50 < {p50} ms, p99 < {p99} ms, p99.9 < {p999} ms; \
             acks p50 {ack:.0?}, p99 {slow_ack:.0?}; gateway {cores:.2} cores, {} MiB",
            acks.len(),
            gateway.rss() / 1024 / 1024
        );
        assert!(p99 <= 100, "{p99}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "thousands of subscribers, and a bound in time"]
async fn thousands_of_tabs_get_each_message_in_time_and_one_that_stalls_changes_nothing() {
    let (count, pace) = (setting("SUBSCRIBERS", 5000), setting("PACE", 40));
    let gateway = bridged().set("bridge.pace", format!("{pace}ms")).set("log.level", "info").start().await;
    let addr = bridge_of(&gateway).await;
    let (mut connecting, mut streams) = (JoinSet::new(), Vec::new());
    for _ in 0..count {
        connecting.spawn(subscribe(addr, None));
        if connecting.len() == 64 {
            streams.push(connecting.join_next().await.unwrap().unwrap());
        }
    }
    streams.extend(connecting.join_all().await);
    let edge = gateway.edge().connect().await.unwrap();
    let (since, is_counting, latencies) =
        (Instant::now(), Arc::new(AtomicBool::new(false)), Latencies::new());
    let mut readers = JoinSet::new();
    for stream in streams {
        readers.spawn(read(stream, since, is_counting.clone(), latencies.clone()));
    }
    let mut sitting = Sitting { gateway, edge, since, is_counting, latencies, subscribers: count.into() };
    sitting.measure("all read").await;
    let _stalled = subscribe(addr, Some(4096)).await;
    sitting.measure("one more stalls").await;
}
