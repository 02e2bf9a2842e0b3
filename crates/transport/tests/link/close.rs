//! How links end: what is delivered, what is given back, and who is told.

use crate::sim::Weather;
use crate::world::{check, config, connect, drive, message, pair, read_all, seeds, send, some_len};
use frontier_transport::{CloseReason, Link, OpenError, Priority, PushError};
use rand::RngExt as _;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

#[test]
fn closing_delivers_what_is_queued_and_the_last_frame() {
    seeds(50, |mut rng| async move {
        let stall = Weather { stall: Some((1000, Duration::from_secs(9))), ..Weather::default() };
        let (a, b) = pair(&mut rng, [stall, Weather::default()], config()).await;
        let handle = a.handle();
        let mut b = drive(b);
        // The peer goes on sending meanwhile.
        for id in 0..20 {
            send(&b.handle, id, 10_000);
        }
        let count = rng.random_range(0..30);
        for id in 0..count {
            send(&handle, id, some_len(&mut rng));
        }
        a.close(message(count, 50)).await.unwrap();
        assert_eq!(handle.push(Priority::Reply, message(0, 0)), Err(PushError::Closed(CloseReason::Local)));
        let mut ids = Vec::new();
        while let Some(frame) = b.frames.recv().await {
            ids.push(check(&frame));
        }
        assert_eq!(ids, Vec::from_iter(0..=count));
        assert_eq!(b.end().await, CloseReason::Peer);
    });
}

#[test]
fn behind_the_seal_there_are_answers_but_no_questions() {
    seeds(10, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let handle = a.handle();
        let mut b = drive(b);
        assert!(handle.push(Priority::Request, message(1, 10)).is_ok());
        assert!(handle.seal(message(2, 10)).is_ok());
        assert_eq!(handle.push(Priority::Request, message(9, 10)), Err(PushError::Sealed));
        assert!(handle.push(Priority::Reply, message(3, 10)).is_ok());
        // Said twice it goes out twice.
        assert!(handle.seal(message(4, 10)).is_ok());
        a.close(message(5, 10)).await.unwrap();
        for id in 1..=5 {
            assert_eq!(b.frame().await, id);
        }
        assert_eq!(b.end().await, CloseReason::Peer);
    });
}

#[test]
fn a_last_frame_that_does_not_encode_is_left_out() {
    seeds(10, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let mut b = drive(b);
        send(&a.handle(), 7, 10);
        a.close(|out| {
            out.extend_from_slice(b"rubbish");
            Err(frontier_protocol::EncodeError::NameTooLong(1))
        })
        .await
        .unwrap();
        assert_eq!(b.frame().await, 7);
        assert_eq!(b.end().await, CloseReason::Peer);
    });
}

#[test]
fn closing_waits_until_the_peer_has_ended_too() {
    seeds(10, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let closing = tokio::spawn(a.close(message(1, 10)));
        let mut b = b;
        while b.next().await.is_ok() {}
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!closing.is_finished());
        drop(b);
        closing.await.unwrap().unwrap();
    });
}

#[test]
fn closing_ends_the_streams_that_others_hold() {
    seeds(20, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let (a, mut b) = (drive(a), drive(b));
        let mut here = a.handle.open_stream().await.unwrap();
        here.write_all(b"before").await.unwrap();
        let mut there = b.stream().await;
        let reader = tokio::spawn(async move { (read_all(&mut there).await, there.is_reset()) });
        let waiting = tokio::spawn(async move { (read_all(&mut here).await, here.is_reset()) });
        b.task.abort();
        assert!(b.task.await.unwrap_err().is_cancelled());
        assert_eq!(reader.await.unwrap(), (b"before".to_vec(), true));
        assert_eq!(a.end().await, CloseReason::Peer);
        assert_eq!(waiting.await.unwrap(), (Vec::new(), true));
    });
    seeds(50, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let mut b = drive(b);
        let mut a = a;
        let handle = a.handle();
        let opened = tokio::select! {
            biased;
            stream = handle.open_stream() => stream.unwrap(),
            event = a.next() => panic!("{event:?}"),
        };
        let mut here = opened;
        here.write_all(b"before").await.unwrap();
        let waiting = tokio::spawn(async move { (read_all(&mut here).await, here.is_reset()) });
        a.close(message(1, 10)).await.unwrap();
        assert_eq!(waiting.await.unwrap(), (Vec::new(), true));
        assert_eq!(read_all(&mut b.stream().await).await, b"before");
        assert_eq!(b.frame().await, 1);
    });
}

/// Drives `link` for `time`, then takes it back.
async fn run_for(link: &mut Link, time: Duration) {
    let driven = async { while link.next().await.is_ok() {} };
    let _ = tokio::time::timeout(time, driven).await;
}

#[test]
fn what_is_unsent_and_what_came_make_the_whole() {
    seeds(60, |mut rng| async move {
        let when = rng.random_range(0..400_000);
        let stall = Weather { stall: Some((when, Duration::from_secs(50))), ..Weather::default() };
        let (mut a, b) = pair(&mut rng, [stall, Weather::default()], config()).await;
        let mut b = drive(b);
        let handle = a.handle();
        let mut next = 0;
        for _ in 0..rng.random_range(1..6) {
            for _ in 0..rng.random_range(1..20) {
                if handle.push(Priority::Request, message(next, some_len(&mut rng))).is_ok() {
                    next += 1;
                }
            }
            run_for(&mut a, Duration::from_millis(rng.random_range(0..40))).await;
        }
        let unsent: Vec<_> = a.take_unsent(CloseReason::Superseded).iter().map(check).collect();
        assert!(handle.is_closed());
        assert_eq!(handle.backlog(), 0);
        let says_goodbye = rng.random_bool(0.7);
        if says_goodbye {
            a.close(message(next + 1, 10)).await.unwrap();
        } else {
            drop(a);
        }
        let mut came = Vec::new();
        while let Some(frame) = b.frames.recv().await {
            came.push(check(&frame));
        }
        let split = next - unsent.len() as u64;
        assert_eq!(unsent, Vec::from_iter(split..next), "whole frames, the last ones");
        if says_goodbye {
            assert_eq!(came.pop(), Some(next + 1));
            assert_eq!(came, Vec::from_iter(0..split), "everything before them was delivered");
        } else {
            assert!(came.len() as u64 <= split);
            assert_eq!(came, Vec::from_iter(0..came.len() as u64));
        }
    });
}

#[test]
fn dropping_a_link_fails_those_who_wait_for_it() {
    seeds(20, |_| async move {
        // Room for a few bytes only, so that the outbox fills.
        let (a, b) = tokio::io::duplex(64);
        let (a, b) = connect(a, b, config()).await.unwrap();
        let handle = a.handle();
        let opening = tokio::spawn({
            let handle = handle.clone();
            async move { handle.open_stream().await.map(drop) }
        });
        while handle.push(Priority::Request, message(0, 1000)).is_ok() {}
        let writable = tokio::spawn({
            let handle = handle.clone();
            async move { handle.writable().await }
        });
        while handle.streams() == 0 {
            tokio::task::yield_now().await;
        }
        drop((a, b));
        assert_eq!(opening.await.unwrap(), Err(OpenError::Closed));
        assert_eq!(writable.await.unwrap(), Err(CloseReason::Local));
        assert!(handle.is_closed());
        assert_eq!((handle.streams(), handle.backlog()), (0, 0));
        assert_eq!(handle.open_stream().await.map(drop), Err(OpenError::Closed));
        assert_eq!(handle.streams(), 0);
    });
}
