//! Everything that a peer can make a link hold has a limit.

use crate::sim::Weather;
use crate::world::{config, connect, drive, message, pair, seeds, send};
use frontier_protocol::EncodeError;
use frontier_transport::{CloseReason, Link, LinkConfig, OpenError, Priority, PushError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// A link whose peer reads nothing, with its peer.
async fn stuck() -> (Link, Link) {
    let config = LinkConfig { outbox_soft: 10_000, outbox_hard: 20_000, ..config() };
    let (a, b) = tokio::io::duplex(64);
    connect(a, b, config).await.unwrap()
}

#[test]
fn questions_end_at_the_soft_limit_and_answers_at_the_hard_one() {
    seeds(1, |_| async move {
        let (mut a, _b) = stuck().await;
        let handle = a.handle();
        let fill = |priority| {
            loop {
                match handle.push(priority, message(0, 900)) {
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
        };
        let PushError::Full(at) = fill(Priority::Request) else { panic!("not full") };
        assert!((10_000..11_000).contains(&at), "{at}");
        assert_eq!(handle.backlog(), at);
        assert!(!handle.is_closed());
        let PushError::Full(at) = fill(Priority::Reply) else { panic!("not full") };
        assert!((20_000..21_000).contains(&at), "{at}");
        assert!(handle.is_closed());
        let error = a.next().await.unwrap_err();
        assert_eq!(error.reason(), CloseReason::SlowPeer);
        assert_eq!(fill(Priority::Reply), PushError::Closed(CloseReason::SlowPeer));
    });
}

#[test]
fn what_the_owner_has_taken_but_not_written_counts() {
    seeds(1, |_| async move {
        let (a, _b) = stuck().await;
        let handle = a.handle();
        let a = drive(a);
        // More than the mux takes in, too.
        let mut at = 0;
        for _ in 0..200 {
            if let Err(error) = handle.send(Priority::Request, message(0, 9000)) {
                assert!(matches!(error, PushError::Full(_)));
                at = at.max(handle.backlog());
            }
            tokio::task::yield_now().await;
        }
        assert!((10_000..20_000).contains(&at), "{at}");
        a.task.abort();
    });
}

#[test]
fn a_frame_that_does_not_encode_leaves_no_trace() {
    seeds(1, |_| async move {
        let (a, b) = stuck().await;
        let handle = a.handle();
        let refuse = |handle: &frontier_transport::LinkHandle| {
            handle.push(Priority::Request, |out| {
                out.extend_from_slice(b"half a frame");
                Err(EncodeError::NameTooLong(70_000))
            })
        };
        assert_eq!(refuse(&handle), Err(EncodeError::NameTooLong(70_000).into()));
        assert_eq!(handle.backlog(), 0);
        assert_eq!(handle.push(Priority::Request, message(1, 9)), Ok(true), "the first one wakes");
        let before = handle.backlog();
        assert_eq!(refuse(&handle), Err(EncodeError::NameTooLong(70_000).into()));
        assert_eq!(handle.backlog(), before);
        assert_eq!(handle.push(Priority::Request, message(2, 9)), Ok(false));
        let (_a, mut b) = (drive(a), drive(b));
        assert_eq!([b.frame().await, b.frame().await], [1, 2]);
    });
}

#[test]
fn those_who_wait_for_room_are_woken_by_it() {
    seeds(8, |mut rng| async move {
        let config = LinkConfig { outbox_soft: 10_000, ..config() };
        let stall = Weather { stall: Some((2_000, Duration::from_secs(5))), ..Weather::default() };
        let (a, b) = pair(&mut rng, [stall, Weather::default()], config).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut tasks = Vec::new();
        for task in 0..4 {
            let handle = a.handle.clone();
            tasks.push(tokio::spawn(async move {
                let mut id = task * 1000;
                while id < task * 1000 + 100 {
                    handle.writable().await.unwrap();
                    id += u64::from(handle.send(Priority::Request, message(id, 5000)).is_ok());
                }
            }));
        }
        let mut ids = Vec::new();
        for _ in 0..400 {
            ids.push(b.frame().await);
        }
        ids.sort_unstable();
        let expected = (0..4).flat_map(|task| task * 1000..task * 1000 + 100);
        assert_eq!(ids, Vec::from_iter(expected));
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn those_who_wait_for_room_are_woken_by_the_end() {
    seeds(1, |_| async move {
        let (a, _b) = stuck().await;
        let handle = a.handle();
        while handle.push(Priority::Request, message(0, 900)).is_ok() {}
        let waiting = tokio::spawn(async move { handle.writable().await });
        tokio::task::yield_now().await;
        a.handle().close(CloseReason::Silent);
        a.handle().close(CloseReason::Local);
        assert_eq!(waiting.await.unwrap(), Err(CloseReason::Silent), "the first reason counts");
    });
}

#[test]
fn streams_have_a_limit_and_places_are_given_back() {
    seeds(30, |mut rng| async move {
        let config = LinkConfig { max_streams: 3, ..config() };
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(a.handle.open_stream().await.unwrap());
        }
        assert_eq!(a.handle.open_stream().await.map(drop), Err(OpenError::TooMany(3)));
        assert_eq!(a.handle.streams(), 3);
        open.pop();
        for _ in 0..50 {
            drop(a.handle.open_stream().await.unwrap());
        }
        assert_eq!(a.handle.streams(), 2);
        drop(open);
        assert_eq!(a.handle.streams(), 0);

        // Whoever gives up while waiting gives the place back once the link has seen it.
        let abandoned = tokio::time::timeout(Duration::ZERO, a.handle.open_stream()).await;
        drop(abandoned);
        send(&a.handle, 1, 1);
        assert_eq!(b.frame().await, 1);
        assert_eq!(a.handle.streams(), 0);
    });
}

#[test]
fn a_stream_beyond_the_limit_is_handed_over_as_such() {
    seeds(30, |mut rng| async move {
        let config = LinkConfig { max_streams: 2, ..config() };
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config).await;
        let (a, mut b) = (drive(a), drive(b));
        // The peer's own streams take the places that ours would need.
        let mut held = [b.handle.open_stream().await.unwrap(), b.handle.open_stream().await.unwrap()];
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"x").await.unwrap();
        let (excess, is_excess) = b.streams.recv().await.unwrap();
        assert!(is_excess);
        assert_eq!(b.handle.streams(), 3);
        drop((excess, here));
        held[0].shutdown().await.unwrap();
        drop(held);
        assert_eq!(b.handle.streams(), 0);
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"x").await.unwrap();
        assert!(!b.streams.recv().await.unwrap().1);
    });
}

#[test]
fn streams_may_come_and_go_while_the_peer_does_not_read() {
    seeds(1, |_| async move {
        let (a, b) = tokio::io::duplex(64);
        let (a, b) = connect(a, b, LinkConfig { max_streams: 2, ..config() }).await.unwrap();
        let a = drive(a);
        for _ in 0..200 {
            let mut stream = a.handle.open_stream().await.unwrap();
            stream.write_all(&[0; 20_000]).await.unwrap();
        }
        send(&a.handle, 1, 1);
        let mut b = drive(b);
        assert_eq!(b.frame().await, 1, "the link stands");
    });
}
