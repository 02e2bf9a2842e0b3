//! Streams: intact beside the lane, and with ends that can be told apart, as over other carriers.

use super::proxy::Proxy;
use super::world::{World, config, drive, filler, read_all, send, soon};
use crate::{CloseReason, FirstFrame, FirstFrameError, LinkConfig, MuxStream};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Sends one filler and reads another.
async fn exchange(stream: MuxStream, out: u64, back: u64, len: usize) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        for piece in filler(out, len).chunks(9_999) {
            writer.write_all(piece).await.unwrap();
        }
        writer.shutdown().await.unwrap();
    };
    let mut got = Vec::new();
    let (read, ()) = soon(async { tokio::join!(reader.read_to_end(&mut got), write) }).await;
    read.unwrap();
    assert!(got == filler(back, len));
}

#[tokio::test]
async fn streams_are_intact_both_ways_while_frames_flow() {
    let world = World::new(config());
    for (loss, len) in [(0.0, 700_000), (0.02, 100_000)] {
        let proxy = Proxy::new(world.listener.local_addr(), loss).await;
        let (a, b) = world.pair_through(proxy.addr).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut tasks = Vec::new();
        for number in 0..20_u8 {
            let mut here = a.handle.open_stream().await.unwrap();
            here.write_all(&[number]).await.unwrap();
            let mut there = b.stream().await;
            assert_eq!(there.read_u8().await.unwrap(), number);
            tasks.push(tokio::spawn(exchange(here, 1, 2, len)));
            tasks.push(tokio::spawn(exchange(there, 2, 1, len)));
        }
        for id in 0..50 {
            send(&a.handle, id, 100);
            assert_eq!(b.frame().await, id);
        }
        for task in tasks {
            soon(task).await.unwrap();
        }
        assert_eq!((a.handle.streams(), b.handle.streams()), (0, 0));
    }
}

#[tokio::test]
async fn whether_a_stream_is_reset_may_be_asked_again_when_it_is_over() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"question").await.unwrap();
    here.shutdown().await.unwrap();
    let mut there = b.stream().await;
    assert_eq!(read_all(&mut there).await, b"question");
    for _ in 0..3 {
        let reset = std::future::poll_fn(|cx| here.poll_reset(cx));
        let asked = tokio::time::timeout(Duration::from_millis(100), reset).await;
        assert!(asked.is_err(), "all that was sent has come");
    }
    there.write_all(b"answer").await.unwrap();
    there.shutdown().await.unwrap();
    assert_eq!(read_all(&mut here).await, b"answer");
}

#[tokio::test]
async fn a_shutdown_ends_one_direction() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"question").await.unwrap();
    here.shutdown().await.unwrap();
    here.shutdown().await.unwrap();
    assert!(here.write_all(b"more").await.is_err());
    let mut there = b.stream().await;
    assert_eq!(read_all(&mut there).await, b"question");
    assert!(!there.is_reset());
    there.write_all(b"answer").await.unwrap();
    there.shutdown().await.unwrap();
    // The answer outlasts its stream.
    drop(there);
    assert_eq!(read_all(&mut here).await, b"answer");
    assert!(!here.is_reset());
}

#[tokio::test]
async fn a_drop_is_a_reset_behind_what_was_written() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    for opener_drops in [true, false] {
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"half").await.unwrap();
        let mut there = b.stream().await;
        there.write_all(b"half").await.unwrap();
        let (dropped, mut kept) = if opener_drops { (here, there) } else { (there, here) };
        drop(dropped);
        assert_eq!(read_all(&mut kept).await, b"half");
        assert!(kept.is_reset());
        kept.shutdown().await.unwrap();
        assert!(kept.is_reset(), "a shutdown does not hide it");
        assert!(kept.write_all(b"x").await.is_err());
    }
}

#[tokio::test]
async fn a_reset_that_is_passed_on_is_a_reset_of_quic() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    for opener_resets in [true, false] {
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"half").await.unwrap();
        let mut there = b.stream().await;
        there.write_all(b"half").await.unwrap();
        let (reset, mut kept) = if opener_resets { (here, there) } else { (there, here) };
        assert_eq!(soon(kept.chunk()).await.unwrap().unwrap(), &b"half"[..]);
        reset.reset();
        assert_eq!(read_all(&mut kept).await, b"");
        assert!(kept.is_reset() && !kept.has_ended());
        assert!(kept.write_all(b"x").await.is_err());
    }
}

#[tokio::test]
async fn a_reset_takes_nothing_from_a_half_that_has_ended() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"all of it").await.unwrap();
    here.shutdown().await.unwrap();
    here.reset();
    let mut there = b.stream().await;
    assert_eq!(read_all(&mut there).await, b"all of it");
    assert!(there.has_ended());
}

#[tokio::test]
async fn a_reader_that_has_ended_its_half_and_lets_go_is_no_reset() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"x").await.unwrap();
    let mut there = b.stream().await;
    there.shutdown().await.unwrap();
    there.linger();
    assert_eq!(read_all(&mut here).await, b"");
    assert!(!here.is_reset());
    // Whoever goes on writing is told.
    let told = async { while here.write_all(&[0; 1000]).await.is_ok() {} };
    soon(told).await;
    assert!(!here.is_reset());
}

/// A place among the streams of a connection is given back only when both halves have ended.
#[tokio::test]
async fn streams_whose_readers_go_first_leave_room_for_others() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    for _ in 0..100 {
        let mut here = soon(a.handle.open_stream()).await.unwrap();
        here.write_all(b"x").await.unwrap();
        let mut there = b.stream().await;
        there.shutdown().await.unwrap();
        drop(there);
        let told = async { while here.write_all(&[0; 1000]).await.is_ok() {} };
        soon(told).await;
        here.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn streams_are_lost_with_their_link() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"lost").await.unwrap();
    let mut there = b.stream().await;
    assert_eq!(soon(there.chunk()).await.unwrap().unwrap(), &b"lost"[..]);
    a.handle.close(CloseReason::Local);
    assert_eq!(a.end().await, CloseReason::Local);
    assert_eq!(read_all(&mut there).await, b"");
    assert!(there.is_reset());
    assert_eq!(read_all(&mut here).await, b"");
    assert!(here.is_reset());
    assert_eq!(b.end().await, CloseReason::Peer);
}

#[tokio::test]
async fn a_stream_that_is_abandoned_is_noticed() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"x").await.unwrap();
    let mut there = b.stream().await;
    assert_eq!(soon(there.chunk()).await.unwrap().unwrap(), &b"x"[..]);
    let reader = tokio::spawn(async move { there.chunk().await });
    drop(here);
    let end = soon(reader).await.unwrap();
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
}

#[tokio::test]
async fn a_stream_that_nothing_was_written_to_ends_before_its_first_frame() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    drop(a.handle.open_stream().await.unwrap());
    let error = soon(FirstFrame::read(b.stream().await, 1000)).await.unwrap_err();
    assert!(matches!(error, FirstFrameError::Ended), "{error:?}");
}

#[tokio::test]
async fn a_stream_beyond_the_limit_is_handed_over_as_such() {
    let world = World::new(LinkConfig { max_streams: 2, ..config() });
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    // The peer's own streams, of which nobody has heard, take the places that ours would need.
    let held = [b.handle.open_stream().await.unwrap(), b.handle.open_stream().await.unwrap()];
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"x").await.unwrap();
    let (mut excess, is_excess) = soon(b.streams.recv()).await.unwrap();
    assert!(is_excess);
    assert_eq!(b.handle.streams(), 3);
    excess.write_all(b"no").await.unwrap();
    excess.shutdown().await.unwrap();
    drop(excess);
    assert_eq!(read_all(&mut here).await, b"no");
    drop((here, held));
    assert_eq!(b.handle.streams(), 0);
    let mut here = a.handle.open_stream().await.unwrap();
    here.write_all(b"x").await.unwrap();
    assert!(!soon(b.streams.recv()).await.unwrap().1);
}

#[tokio::test]
async fn a_peer_that_keeps_no_limit_is_told_so_for_each_stream() {
    let mut world = World::new(LinkConfig { max_streams: 5, ..config() });
    world.configs[0].max_streams = 1000;
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let tell = tokio::spawn(async move {
        let (mut held, mut most) = (Vec::new(), 0);
        for _ in 0..600 {
            let (mut stream, is_excess) = soon(b.streams.recv()).await.unwrap();
            most = most.max(b.handle.streams());
            if is_excess {
                stream.write_all(b"no").await.unwrap();
                stream.shutdown().await.unwrap();
            } else {
                held.push(stream);
            }
        }
        (held, most, b)
    });
    let mut refused = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let mut here = soon(a.handle.open_stream()).await.unwrap();
        refused.spawn(async move {
            here.write_all(b"x").await.unwrap();
            here.chunk().await.is_some_and(|chunk| chunk.unwrap() == b"no"[..])
        });
    }
    let (held, most, _b) = soon(tell).await.unwrap();
    assert_eq!(held.len(), 5);
    assert!(most <= 5 + 129, "{most}");
    for _ in 0..595 {
        assert!(soon(refused.join_next()).await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn streams_come_and_go_without_an_end() {
    let world = World::new(LinkConfig { max_streams: 4, ..config() });
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let answer = tokio::spawn(async move {
        for _ in 0..1000 {
            let mut there = b.stream().await;
            let question = read_all(&mut there).await;
            there.write_all(&question).await.unwrap();
            there.shutdown().await.unwrap();
        }
        b
    });
    for number in 0..1000_u64 {
        let mut here = soon(a.handle.open_stream()).await.unwrap();
        here.write_all(&number.to_be_bytes()).await.unwrap();
        here.shutdown().await.unwrap();
        assert_eq!(read_all(&mut here).await, number.to_be_bytes());
    }
    soon(answer).await.unwrap();
}
