//! Streams over two links that share a pipe in memory.

mod calls;
mod ends;
mod garbage;
mod messages;
mod mixed;
mod raw;
mod writers;

use super::*;
use frontier_protocol::{EdgeId, Open, ping};
use frontier_transport::{Event, FirstFrame, Link, LinkConfig, LinkHandle, Priority};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// No test waits longer than this for what must happen.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn link_config() -> LinkConfig {
    LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 1 << 20,
        outbox_hard: 4 << 20,
        max_streams: 64,
        window_growth: LinkConfig::WINDOW_GROWTH,
        bulk_rate: LinkConfig::BULK_RATE,
    }
}

/// A pair of links, each driven by a task.
struct Links {
    dialler: LinkHandle,
    accepted: mpsc::Receiver<MuxStream>,
    drivers: [JoinHandle<()>; 2],
}

impl Links {
    async fn new() -> Self {
        let (near, far) = tokio::io::duplex(256 * 1024);
        let dialled = Link::dial(near, link_config()).await.unwrap();
        let (streams, accepted) = mpsc::channel(16);
        let dialler = dialled.handle();
        // The lane opens with its first frame.
        let first = |out: &mut Vec<u8>| {
            ping(1, out);
            Ok(())
        };
        dialler.send(Priority::Request, first).unwrap();
        let near = tokio::spawn(drive(dialled, streams.clone()));
        let taken = Link::accept(far, Arc::new(link_config())).await.unwrap();
        let drivers = [near, tokio::spawn(drive(taken, streams))];
        Self { dialler, accepted, drivers }
    }

    /// Both ends of a new mux stream.
    async fn open(&mut self) -> (MuxStream, MuxStream) {
        let mut near = self.dialler.open_stream().await.unwrap();
        let mut open = Vec::new();
        Open { peer: 0, timeout_ms: 0, name: "files", meta: b"" }.encode(&mut open).unwrap();
        near.write_all(&open).await.unwrap();
        let far = self.accepted.recv().await.unwrap();
        (near, FirstFrame::read(far, 1 << 20).await.unwrap().stream)
    }

    /// Both ends of a new stream.
    async fn streams(&mut self, config: &StreamConfig) -> (Stream, Stream) {
        let (near, far) = self.open().await;
        let service = Peer::Service { id: None, name: "files".into() };
        let near = Stream::new(
            near,
            service,
            Bytes::from_static(b"meta"),
            config.clone(),
            tokio::runtime::Handle::current(),
        );
        let far = Stream::new(
            far,
            Peer::Edge(EdgeId(7)),
            Bytes::from_static(b"meta"),
            config.clone(),
            tokio::runtime::Handle::current(),
        );
        (near, far)
    }

    /// Cuts the connection.
    fn cut(&self) {
        self.drivers.iter().for_each(JoinHandle::abort);
    }
}

async fn drive(mut link: Link, streams: mpsc::Sender<MuxStream>) {
    while let Ok(event) = link.next().await {
        match event {
            Event::Stream(stream) => streams.send(stream).await.unwrap(),
            _ => while let Ok(Some(_)) = link.frame() {},
        }
    }
}

async fn pair() -> (Links, Stream, Stream) {
    let mut links = Links::new().await;
    let (near, far) = links.streams(&StreamConfig::default()).await;
    (links, near, far)
}

/// A stream, and the bare mux stream at its other end.
async fn bare() -> (Links, Stream, MuxStream) {
    let mut links = Links::new().await;
    let (near, far) = links.open().await;
    let stream = Stream::new(
        near,
        Peer::Edge(EdgeId(7)),
        Bytes::new(),
        StreamConfig::default(),
        tokio::runtime::Handle::current(),
    );
    (links, stream, far)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST_TIMEOUT, what).await.expect("it happens in time")
}

/// Waits for a condition that nobody announces.
async fn eventually(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| u8::try_from(self.roll(256)).unwrap()).collect()
    }
}
