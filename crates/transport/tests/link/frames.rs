//! Frames over the lane: intact, in order, and never half.

use crate::sim::Weather;
use crate::world::{check, config, connect, drive, fork, pair, seeds, send, some_len};
use frontier_transport::{CloseReason, LinkHandle};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::time::Duration;

const FRAMES: u64 = 150;

async fn send_all(link: LinkHandle, mut rng: StdRng) {
    for id in 0..FRAMES {
        if link.writable().await.is_err() {
            return;
        }
        send(&link, id, some_len(&mut rng));
        if rng.random_bool(0.1) {
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..20))).await;
        }
    }
}

fn stall(rng: &mut StdRng) -> Weather {
    let stall = (rng.random_range(0..200_000), Duration::from_secs(rng.random_range(0..60)));
    Weather { stall: rng.random_bool(0.5).then_some(stall), ..Weather::default() }
}

#[test]
fn frames_come_intact_and_in_order_both_ways() {
    seeds(30, |mut rng| async move {
        let weather = [stall(&mut rng), stall(&mut rng)];
        let (a, b) = pair(&mut rng, weather, config()).await;
        let mut sides = [drive(a), drive(b)];
        for side in &sides {
            tokio::spawn(send_all(side.handle.clone(), fork(&mut rng)));
        }
        for side in &mut sides {
            for id in 0..FRAMES {
                assert_eq!(side.frame().await, id);
            }
        }
    });
}

#[test]
fn a_cut_ends_both_sides_and_leaves_no_frame_half() {
    seeds(60, |mut rng| async move {
        let cut = Weather { cut: Some(rng.random_range(200..300_000)), ..stall(&mut rng) };
        let mut weather = [cut, stall(&mut rng)];
        if rng.random() {
            weather.reverse();
        }
        let (a, b) = pair(&mut rng, weather, config()).await;
        let mut sides = [drive(a), drive(b)];
        for side in &sides {
            tokio::spawn(send_all(side.handle.clone(), fork(&mut rng)));
            tokio::spawn(keep_sending(side.handle.clone()));
        }
        for side in &mut sides {
            let mut next = 0;
            while let Some(frame) = side.frames.recv().await {
                let id = check(&frame);
                if id < FRAMES {
                    assert_eq!(id, next, "no gap");
                    next += 1;
                }
            }
        }
        for side in sides {
            let reason = side.end().await;
            assert!(matches!(reason, CloseReason::Lost(_) | CloseReason::Peer), "{reason:?}");
        }
    });
}

/// Until the link ends, so that the cut is reached.
async fn keep_sending(link: LinkHandle) {
    for id in FRAMES.. {
        if link.writable().await.is_err() {
            return;
        }
        if link.send(frontier_transport::Priority::Request, crate::world::message(id, 1000)).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_peer_that_ends_early_is_told_from_a_lost_connection() {
    seeds(40, |mut rng| async move {
        let end = Weather { end: Some(rng.random_range(200..50_000)), ..Weather::default() };
        let (a, b) = pair(&mut rng, [end, Weather::default()], config()).await;
        let (a, mut b) = (drive(a), drive(b));
        tokio::spawn(keep_sending(a.handle.clone()));
        let mut expected = FRAMES;
        while let Some(frame) = b.frames.recv().await {
            assert_eq!(check(&frame), expected);
            expected += 1;
        }
        assert_eq!(b.end().await, CloseReason::Peer);
        let reason = a.end().await;
        assert!(matches!(reason, CloseReason::Lost(_) | CloseReason::Peer), "{reason:?}");
    });
}

#[test]
fn the_reason_of_the_end_outlasts_the_frames_before_it() {
    seeds(40, |mut rng| async move {
        let (a, b) = pair(&mut rng, [Weather::default(); 2], config()).await;
        let (a, mut b) = (drive(a), b);
        for id in 0..20 {
            send(&a.handle, id, 3000);
        }
        a.handle.close(CloseReason::Silent);
        let reason = a.end().await;
        assert_eq!(reason, CloseReason::Silent, "what is queued is lost");
        let reason = loop {
            match b.next().await {
                Ok(_) => while b.frame().is_ok_and(|frame| frame.is_some()) {},
                Err(error) => break error.reason(),
            }
        };
        assert!(matches!(reason, CloseReason::Lost(_) | CloseReason::Peer), "{reason:?}");
        let error = b.next().await.expect_err("it has ended");
        assert_eq!(error.reason(), reason, "the same again");
    });
}

#[test]
fn what_came_is_delivered_though_nothing_can_be_sent_any_more() {
    seeds(1, |_| async move {
        let (a, b) = tokio::io::duplex(1 << 20);
        let (a, b) = connect(a, b, config()).await.unwrap();
        let a = drive(a);
        for id in 0..20 {
            send(&a.handle, id, 9000);
        }
        while a.handle.backlog() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        a.task.abort();
        assert!(a.task.await.unwrap_err().is_cancelled());
        send(&b.handle(), 0, 200_000);
        let mut b = drive(b);
        for id in 0..20 {
            assert_eq!(b.frame().await, id);
        }
        let reason = b.end().await;
        assert!(matches!(reason, CloseReason::Lost(_) | CloseReason::Peer), "{reason:?}");
    });
}
