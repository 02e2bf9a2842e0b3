//! Streams: intact beside the lane, with flow control of their own, and with ends that can be told apart.

use crate::sim::Weather;
use crate::world::{config, connect, drive, filler, fork, pair, read_all, seeds, send, some_len};
use bytes::Bytes;
use frontier_protocol::{DecodeError, HEADER_LEN, Kind};
use frontier_transport::{CloseReason, FirstFrame, FirstFrameError, MuxStream};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn write_all(mut stream: MuxStream, bytes: Vec<u8>, mut rng: StdRng) -> MuxStream {
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let n = some_len(&mut rng).clamp(1, rest.len());
        stream.write_all(&rest[..n]).await.unwrap();
        rest = &rest[n..];
    }
    stream.shutdown().await.unwrap();
    stream
}

#[test]
fn streams_are_intact_both_ways_while_frames_flow() {
    seeds(15, |mut rng| async move {
        let stall = Weather { stall: Some((5_000, Duration::from_secs(3))), ..Weather::default() };
        let (a, b) = pair(&mut rng, [stall, Weather::default()], config()).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut tasks = Vec::new();
        for number in 0..4_u8 {
            let mut here = a.handle.open_stream().await.unwrap();
            here.write_all(&[number]).await.unwrap();
            let mut there = b.stream().await;
            assert_eq!(there.read_u8().await.unwrap(), number);
            let lens = [rng.random_range(0..400_000), rng.random_range(0..400_000)];
            let (to, fro) = (filler(lens[0], lens[0] as usize), filler(lens[1], lens[1] as usize));
            for (stream, out, back) in [(here, to.clone(), fro.clone()), (there, fro, to)] {
                let rng = fork(&mut rng);
                tasks.push(tokio::spawn(async move {
                    let (mut reader, mut writer) = tokio::io::split(stream);
                    let write = async {
                        let mut rest = &out[..];
                        let mut rng = rng;
                        while !rest.is_empty() {
                            let n = some_len(&mut rng).clamp(1, rest.len());
                            writer.write_all(&rest[..n]).await.unwrap();
                            rest = &rest[n..];
                        }
                        writer.shutdown().await.unwrap();
                    };
                    let mut got = Vec::new();
                    let (read, ()) = tokio::join!(reader.read_to_end(&mut got), write);
                    read.unwrap();
                    assert_eq!(got, back);
                }));
            }
        }
        for id in 0..100 {
            send(&a.handle, id, 100);
            assert_eq!(b.frame().await, id);
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_stream_that_is_not_read_does_not_delay_the_lane() {
    seeds(5, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let (a, mut b) = (drive(a), drive(b));
        let stream = a.handle.open_stream().await.unwrap();
        let bytes = filler(1, 2_000_000);
        let writer = tokio::spawn(write_all(stream, bytes.clone(), fork(&mut rng)));
        let mut unread = b.stream().await;
        for id in 0..50 {
            send(&a.handle, id, 1000);
            assert_eq!(b.frame().await, id);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(!writer.is_finished(), "its window is full");
        assert_eq!(read_all(&mut unread).await, bytes);
        assert!(!unread.is_reset());
        writer.await.unwrap();
    });
}

#[test]
fn the_ends_of_a_stream_can_be_told_apart() {
    seeds(15, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let (a, mut b) = (drive(a), drive(b));

        // Shut down: the other direction goes on.
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"question").await.unwrap();
        here.shutdown().await.unwrap();
        here.shutdown().await.unwrap();
        let mut there = b.stream().await;
        assert_eq!(read_all(&mut there).await, b"question");
        assert!(!there.is_reset());
        there.write_all(b"answer").await.unwrap();
        there.shutdown().await.unwrap();
        assert_eq!(read_all(&mut here).await, b"answer");
        drop((here, there));

        // Dropped: a reset, behind what was written, and it stays one.
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"half").await.unwrap();
        drop(here);
        let mut there = b.stream().await;
        assert_eq!(read_all(&mut there).await, b"half");
        assert!(there.is_reset());
        there.shutdown().await.unwrap();
        assert!(there.is_reset(), "a shutdown does not hide it");
        assert!(there.write_all(b"x").await.is_err());
        drop(there);

        // Lost with the connection.
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"lost").await.unwrap();
        let mut there = b.stream().await;
        let mut lost = [0; 4];
        there.read_exact(&mut lost).await.unwrap();
        assert_eq!(&lost, b"lost");
        a.handle.close(CloseReason::Local);
        assert_eq!(a.end().await, CloseReason::Local);
        assert_eq!(read_all(&mut there).await, b"");
        assert!(there.is_reset());
        assert_eq!(read_all(&mut here).await, b"");
        assert!(here.is_reset());
    });
}

#[test]
fn a_chunk_is_the_memory_that_the_bytes_came_in() {
    seeds(5, |_| async move {
        let (a, b) = tokio::io::duplex(1 << 20);
        let (a, b) = connect(a, b, config()).await.unwrap();
        let (a, mut b) = (drive(a), drive(b));
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(&[7; 20_000]).await.unwrap();
        let mut there = b.stream().await;
        // The first bytes go in short frames, until the path is known.
        there.read_exact(&mut [0; 20_000]).await.unwrap();
        let opening = async { here.write_all(&[7; 1 << 20]).await.unwrap() };
        let mut opened = vec![0; 1 << 20];
        let (read, ()) = tokio::join!(there.read_exact(&mut opened), opening);
        read.unwrap();
        here.write_all(&[7; 20_000]).await.unwrap();
        let chunk = there.chunk().await.unwrap().unwrap();
        assert!(chunk == [7; 20_000][..], "one piece, as it was written, and not {}", chunk.len());
        let (front, back) = (chunk.slice(..1), chunk.slice(1..));
        assert_eq!(back.as_ptr(), chunk.as_ptr().wrapping_add(front.len()));
    });
}

async fn stream_with(bytes: Vec<u8>, finish: bool) -> (MuxStream, MuxStream, crate::world::Driven) {
    let (a, b) = tokio::io::duplex(64 << 10);
    let (a, b) = connect(a, b, config()).await.unwrap();
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(&bytes).await.unwrap();
    if finish {
        here.shutdown().await.unwrap();
    }
    let there = b.stream().await;
    (here, there, b)
}

fn first_frame() -> Vec<u8> {
    [&frontier_protocol::data_header(5).unwrap(), &b"inner"[..]].concat()
}

#[test]
fn a_first_frame_leaves_what_is_behind_it() {
    seeds(40, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut here = a.handle.open_stream().await.unwrap();
        let mut wire = first_frame();
        wire.extend_from_slice(b"behind");
        // At once, or in two pieces.
        let at = rng.random_range(1..=wire.len());
        here.write_all(&wire[..at]).await.unwrap();
        tokio::task::yield_now().await;
        here.write_all(&wire[at..]).await.unwrap();
        here.shutdown().await.unwrap();
        let FirstFrame { frame, mut stream } = FirstFrame::read(b.stream().await, 1000).await.unwrap();
        assert_eq!((frame.kind, frame.body), (Kind::Data, Bytes::from_static(b"inner")));
        let mut two = [0; 2];
        stream.read_exact(&mut two).await.unwrap();
        assert_eq!((&two, &read_all(&mut stream).await[..]), (b"be", &b"hind"[..]));
    });
}

#[test]
fn a_first_frame_that_never_comes_is_an_error() {
    seeds(1, |_| async move {
        let wire = first_frame();
        for end in 1..wire.len() {
            let (_here, there, _b) = stream_with(wire[..end].to_vec(), true).await;
            let error = FirstFrame::read(there, 1000).await.unwrap_err();
            assert!(matches!(error, FirstFrameError::Ended), "{end}: {error:?}");
        }
        let (mut here, there, _b) = stream_with(wire.clone(), false).await;
        let error = FirstFrame::read(there, HEADER_LEN + 4).await.unwrap_err();
        let too_long = DecodeError::TooLong { len: wire.len() as u64, max: HEADER_LEN + 4 };
        assert!(matches!(error, FirstFrameError::Decode(error) if error == too_long), "{error:?}");
        assert_eq!(read_all(&mut here).await, b"");
        assert!(here.is_reset(), "the stream was dropped");
    });
}

#[test]
fn a_stream_opens_while_the_owner_only_polls() {
    seeds(20, |mut rng| async move {
        let (mut a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let mut b = drive(b);
        let handle = a.handle();
        let opener = tokio::spawn(async move {
            let mut stream = handle.open_stream().await.unwrap();
            stream.write_all(b"x").await.unwrap();
            stream
        });
        // Dropping the future of `next` loses nothing.
        loop {
            tokio::select! {
                biased;
                event = a.next() => panic!("nothing was sent: {event:?}"),
                () = tokio::time::sleep(Duration::from_micros(300)) => {}
                stream = b.stream() => {
                    drop(stream);
                    break;
                }
            }
        }
        drop(opener.await);
    });
}
