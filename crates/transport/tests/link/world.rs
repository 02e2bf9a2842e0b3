//! How a test runs over the simulated link, and what it does there.

use crate::sim::{self, Weather};
use bytes::Bytes;
use frontier_protocol::{Custom, EncodeError, Flags, Frame, Kind, Publish};
use frontier_transport::{CloseReason, Event, Link, LinkConfig, LinkHandle, MuxStream, Priority};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where a seed to be replayed is taken from.
const SEED: &str = "FRONTIER_SIM_SEED";

/// In virtual time, so that what hangs fails at once.
const HANG: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs `test` for each of `count` seeds, or only for the one that the environment names.
pub(crate) fn seeds<F: Future<Output = ()>>(count: u64, test: impl Fn(StdRng) -> F) {
    let named = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    for seed in named.map_or(0..count, |seed: u64| seed..seed + 1) {
        let _tell = Tell(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let run = tokio::time::timeout(HANG, test(StdRng::seed_from_u64(seed)));
            run.await.expect("it hangs");
        });
    }
}

/// Names the seed when a test fails.
struct Tell(u64);

impl Drop for Tell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with {SEED}={}", self.0);
        }
    }
}

pub(crate) fn config() -> LinkConfig {
    LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 256 << 10,
        outbox_hard: 1 << 20,
        max_streams: 64,
        window_growth: LinkConfig::WINDOW_GROWTH,
        bulk_rate: LinkConfig::BULK_RATE,
    }
}

/// Queues a message of `len` bytes that follow from its id.
pub(crate) fn send(link: &LinkHandle, id: u64, len: usize) {
    link.send(Priority::Reply, message(id, len)).expect("the outbox has room");
}

pub(crate) fn message(id: u64, len: usize) -> impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError> {
    move |out| {
        let payload = filler(id, len);
        let custom = Custom::plain(b"");
        let publish = Publish { timeout_ms: 0, topic: "t", custom, payload: &payload };
        publish.encode_with(id, Flags::default(), out)
    }
}

/// Checks that `frame` is a message as [`message`] makes it, whole, and returns its id.
pub(crate) fn check(frame: &Frame) -> u64 {
    assert_eq!(frame.kind, Kind::Publish);
    let publish = Publish::parse(frame).unwrap();
    assert_eq!(publish.payload, filler(frame.id, publish.payload.len()));
    frame.id
}

pub(crate) fn filler(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A length that is mostly short and sometimes far over what one write takes.
pub(crate) fn some_len(rng: &mut StdRng) -> usize {
    if rng.random_bool(0.05) { rng.random_range(0..200_000) } else { rng.random_range(0..300) }
}

/// Both sides of a link, neither driven yet: one that dialled, one that accepted.
pub(crate) async fn pair(rng: &mut StdRng, weather: [Weather; 2], config: LinkConfig) -> (Link, Link) {
    let (a, b) = sim::link(rng, weather);
    connect(a, b, config).await.expect("the link stands")
}

/// As [`pair`], over any ends. The lane comes into being with the first frame, a ping, which is taken.
pub(crate) async fn connect<T>(a: T, b: T, config: LinkConfig) -> Result<(Link, Link), CloseReason>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let mut dialled = Link::dial(a, config.clone()).await?;
    let first = dialled.handle().send(Priority::Reply, |out| {
        frontier_protocol::ping(0, out);
        Ok(())
    });
    assert_eq!(first, Ok(()));
    let accept = async {
        let mut link = Link::accept(b, Arc::new(config)).await?;
        loop {
            assert!(matches!(link.next().await, Ok(Event::Frames)));
            if let Ok(Some(frame)) = link.frame() {
                assert_eq!(frame.kind, Kind::Ping);
                return Ok::<_, CloseReason>(link);
            }
        }
    };
    tokio::select! {
        biased;
        accepted = accept => Ok((dialled, accepted?)),
        ended = dialled.next() => Err(ended.expect_err("nothing was sent").reason()),
    }
}

/// A link that a task drives, and what has come of it.
pub(crate) struct Driven {
    pub(crate) handle: LinkHandle,
    pub(crate) frames: mpsc::UnboundedReceiver<Frame>,
    pub(crate) streams: mpsc::UnboundedReceiver<(MuxStream, bool)>,
    pub(crate) task: JoinHandle<CloseReason>,
}

/// Drives `link` until it ends, and drops it. Streams come with whether they are excess ones.
pub(crate) fn drive(mut link: Link) -> Driven {
    let (frames_in, frames) = mpsc::unbounded_channel();
    let (streams_in, streams) = mpsc::unbounded_channel();
    let handle = link.handle();
    let task = tokio::spawn(async move {
        loop {
            match link.next().await {
                Ok(Event::Frames) => {
                    while let Some(frame) = link.frame().expect("only frames are sent") {
                        if frame.kind == Kind::Publish {
                            link.note_request();
                        }
                        let _ = frames_in.send(frame);
                    }
                }
                Ok(Event::Stream(stream)) => drop(streams_in.send((stream, false))),
                Ok(Event::ExcessStream(stream)) => drop(streams_in.send((stream, true))),
                Err(error) => return error.reason(),
            }
        }
    });
    Driven { handle, frames, streams, task }
}

impl Driven {
    pub(crate) async fn frame(&mut self) -> u64 {
        check(&self.frames.recv().await.expect("the link stands"))
    }

    pub(crate) async fn stream(&mut self) -> MuxStream {
        self.streams.recv().await.expect("the link stands").0
    }

    pub(crate) async fn end(self) -> CloseReason {
        self.task.await.expect("no panic")
    }
}

/// Everything up to the end of `stream`.
pub(crate) async fn read_all(stream: &mut MuxStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.chunk().await {
        let chunk: Bytes = chunk.expect("reading fails only with the connection");
        all.extend_from_slice(&chunk);
    }
    all
}

/// A generator of its own for a task.
pub(crate) fn fork(rng: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(rng.random())
}
