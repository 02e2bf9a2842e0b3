//! Given up is always told: on both halves, at once, whoever had ended what before.

use crate::world::{config, connect, drive, read_all};
use frontier_transport::{MuxStream, OpenError};
use std::future::poll_fn;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Both ends of a stream, and what keeps them alive.
async fn stream() -> (MuxStream, MuxStream, impl Sized) {
    let (a, b) = tokio::io::duplex(64 << 10);
    let (a, b) = connect(a, b, config()).await.unwrap();
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"x").await.unwrap();
    let mut there = b.stream().await;
    assert_eq!(there.read_u8().await.unwrap(), b'x');
    (here, there, (a, b))
}

#[tokio::test(start_paused = true)]
async fn whoever_has_ended_its_half_hears_that_the_other_gives_up() {
    let (mut here, there, _links) = stream().await;
    here.shutdown().await.unwrap();
    let waiting = tokio::spawn(async move { (read_all(&mut here).await, here.is_reset()) });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(there);
    assert_eq!(waiting.await.unwrap(), (Vec::new(), true));
}

#[tokio::test(start_paused = true)]
async fn a_writer_hears_of_it_before_its_next_write() {
    for shuts_down in [true, false] {
        let (mut here, mut there, _links) = stream().await;
        if shuts_down {
            there.shutdown().await.unwrap();
        }
        let waiting = tokio::spawn(async move {
            poll_fn(|cx| here.poll_reset(cx)).await;
            here.write_all(b"more").await.is_err()
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(there);
        assert!(waiting.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_lingers_leaves_the_reader_all_and_tells_the_writer() {
    let (mut here, mut there, _links) = stream().await;
    here.write_all(&[9; 100_000]).await.unwrap();
    here.shutdown().await.unwrap();
    here.linger();
    assert_eq!(read_all(&mut there).await, [9; 100_000]);
    assert!(!there.is_reset());
    there.write_all(b"anybody?").await.unwrap();
    poll_fn(|cx| there.poll_reset(cx)).await;
}

/// As many as the peer takes wait in its queue; those behind wait here, and none is refused.
#[tokio::test(start_paused = true)]
async fn streams_beyond_what_the_peer_has_taken_wait_for_it() {
    let config = frontier_transport::LinkConfig { max_streams: 1024, ..config() };
    let (a, mut b) = tokio::io::duplex(1 << 20);
    let connecting = frontier_transport::Link::dial(a, config);
    let a = drive(connecting.await.unwrap());
    let opened = tokio::spawn(async move {
        let mut streams = Vec::new();
        for _ in 0..600 {
            let mut stream = a.handle.open_stream().await?;
            stream.write_all(b"half").await.unwrap();
            stream.shutdown().await.unwrap();
            streams.push(stream);
        }
        Ok::<_, OpenError>(streams.len())
    });
    // The peer is late, and takes them one by one, as a queue does.
    let (mut seen, mut taken, mut heard) = (0_u32, 0, Vec::new());
    while seen < 600 {
        let idle = tokio::time::timeout(Duration::from_secs(2), b.read_buf(&mut heard)).await.is_err();
        let mut at = 0;
        while let Some(&[_, kind, _, flags, s0, s1, s2, s3, l0, l1, l2, l3]) = heard[at..].first_chunk() {
            let body = if kind == 0 { u32::from_be_bytes([l0, l1, l2, l3]) as usize } else { 0 };
            if heard.len() < at + 12 + body {
                break;
            }
            at += 12 + body;
            if kind < 2 && flags & 1 == 1 {
                seen += 1;
                assert!(seen - taken <= 256, "{seen} where {taken} were taken");
            }
            if kind == 2 && flags == 1 {
                let pong = [0, 2, 0, 2, s0, s1, s2, s3, l0, l1, l2, l3];
                b.write_all(&pong).await.unwrap();
            }
        }
        heard.drain(..at);
        if idle {
            taken = seen;
            for stream in (1..=seen * 2).step_by(2) {
                let [s0, s1, s2, s3] = stream.to_be_bytes();
                b.write_all(&[0, 1, 0, 2, s0, s1, s2, s3, 0, 0, 0, 0]).await.unwrap();
            }
        }
    }
    assert_eq!(opened.await.unwrap(), Ok(600));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_gets_no_stream_and_loses_none() {
    let (a, mut b) = tokio::io::duplex(1 << 20);
    let a = drive(frontier_transport::Link::dial(a, config()).await.unwrap());
    let mut stream = a.handle.open_stream().await.unwrap();
    stream.write_all(b"x").await.unwrap();
    // The peer knows of it from the frame that brings its first byte.
    let mut announced = Vec::new();
    while !announced.ends_with(b"x") {
        b.read_buf(&mut announced).await.unwrap();
    }
    b.write_all(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
    // Of stream 3, which is the second.
    b.write_all(&[0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 2, b'o', b'k']).await.unwrap();
    assert_eq!(read_all(&mut stream).await, b"ok");
    assert!(!stream.is_reset());
    assert_eq!(a.handle.open_stream().await.map(drop), Err(OpenError::Leaving));
    assert_eq!(OpenError::Leaving.code(), frontier_protocol::Code::Draining);
    assert!(!a.handle.is_closed());
}
