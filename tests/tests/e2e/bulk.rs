//! A lot of bytes, and readers that take their time.

use frontier_sdk::{Edge, Service, Stream};
use frontier_tests::{Gateway, Network, echo, within};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MIB: usize = 1024 * 1024;

/// A piece whose bytes tell where it belongs.
fn piece(number: usize) -> Vec<u8> {
    (0..64 * 1024usize).map(|at| (at / 251 + at + number * 7).to_le_bytes()[0]).collect()
}

async fn write(mut stream: Stream, len: usize) {
    for number in 0..len / (64 * 1024) {
        stream.write_all(&piece(number)).await.expect("the other end reads");
    }
    stream.shutdown().await.expect("the other end reads");
}

async fn pair(gateway: &Gateway) -> (Service, Edge) {
    let service = gateway.service("s").connect().await.expect("a service");
    echo(&service, "echo").await.expect("a registration");
    (service, gateway.edge().connect().await.expect("an edge"))
}

async fn open(edge: &Edge, service: &Service) -> (Stream, Stream) {
    let (opened, accepted) = tokio::join!(async { edge.open_stream("s").await }, service.accept_stream());
    (opened.expect("a stream"), accepted.expect("a stream"))
}

/// How many bytes come until the end. Each read has a deadline, not the whole: that depends on the machine.
async fn rest_of(stream: &mut Stream) -> usize {
    let (mut buffer, mut len) = (vec![0; 64 * 1024], 0);
    loop {
        match within("more, or an end", stream.read(&mut buffer)).await.expect("no error") {
            0 => return len,
            read => len += read,
        }
    }
}

/// CONF-014
pub(crate) async fn a_large_stream_to_a_slow_reader_is_whole_and_memory_is_bounded(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (client, mut server) = open(&edge, &service).await;
    let len = 128 * MIB;
    let before = gateway.rss();
    let writing = tokio::spawn(write(client, len));
    let mut got = vec![0; 64 * 1024];
    let mut peak = 0;
    let mut pauses = tokio::time::interval(Duration::from_millis(5));
    for number in 0..len / got.len() {
        within("a piece", server.read_exact(&mut got)).await.unwrap();
        assert!(got == piece(number), "piece {number} is not as it was written");
        if number % 64 == 0 {
            pauses.tick().await;
            peak = peak.max(gateway.rss());
            assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
        }
    }
    assert_eq!(server.read(&mut got).await.unwrap(), 0);
    writing.await.unwrap();
    let grown = peak.saturating_sub(before);
    assert!(grown < 48 * MIB as u64, "{grown} bytes");
}

pub(crate) async fn a_reader_that_stalls_stops_its_own_stream_and_nothing_else(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (stalled, mut unread) = open(&edge, &service).await;
    let before = gateway.rss();
    let writing = tokio::spawn(write(stalled, 64 * MIB));
    for _ in 0..100 {
        assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
    }
    // Another stream of the same connection goes on.
    let (client, mut server) = open(&edge, &service).await;
    let len = 16 * MIB;
    let (_, count) = tokio::join!(write(client, len), async { rest_of(&mut server).await });
    assert_eq!(count, len);
    assert!(!writing.is_finished(), "64 MiB went into a stream that nobody reads");
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 48 * MIB as u64, "{grown} bytes");
    assert_eq!(rest_of(&mut unread).await, 64 * MIB);
}

pub(crate) async fn sixteen_streams_at_once_are_all_whole(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, mut server) = open(&edge, &service).await;
        tasks.spawn(write(client, 2 * MIB));
        tasks.spawn(async move {
            let mut got = vec![0; 64 * 1024];
            for number in 0..32 {
                within("a piece", server.read_exact(&mut got)).await.unwrap();
                assert!(got == piece(number));
            }
            assert_eq!(server.read(&mut got).await.unwrap(), 0);
        });
    }
    tasks.join_all().await;
}
