//! Frames over the lane: intact and in order, whatever the network loses.

use super::proxy::Proxy;
use super::world::{World, config, drive, send};
use crate::{Event, LinkConfig, OpenError};
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn frames_come_intact_and_in_order_both_ways() {
    let world = World::new(config());
    for loss in [0.0, 0.03] {
        let proxy = Proxy::new(world.listener.local_addr(), loss).await;
        let (a, b) = world.pair_through(proxy.addr).await;
        let mut sides = [drive(a), drive(b)];
        for side in &sides {
            for (id, len) in (0..300).zip([0, 10, 300, 2000, 20_000].into_iter().cycle()) {
                send(&side.handle, id, len);
            }
        }
        for side in &mut sides {
            for id in 0..300 {
                assert_eq!(side.frame().await, id);
            }
        }
    }
}

#[tokio::test]
async fn a_link_knows_whether_it_has_heard_of_its_peer() {
    let world = World::new(config());
    let (a, mut b) = world.pair().await;
    while b.take_heard().is_some() {}
    send(&a.handle(), 1, 10);
    let a = drive(a);
    assert!(matches!(b.next().await, Ok(Event::Frames)));
    assert!(b.take_heard().is_some());
    drop(a);
}

/// More streams than there are places are not read, and each has all the bytes that its window takes.
#[tokio::test]
async fn streams_that_are_not_read_do_not_stop_the_lane() {
    let world = World::new(LinkConfig { max_streams: 10, window_growth: 1 << 20, ..config() });
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let mut unread = Vec::new();
    for _ in 0..10 {
        let mut stream = a.handle.open_stream().await.unwrap();
        unread.push(tokio::spawn(async move { stream.write_all(&vec![1; 4 << 20]).await.map(|()| stream) }));
    }
    assert_eq!(a.handle.open_stream().await.map(drop), Err(OpenError::TooMany(10)));
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(b.stream().await);
    }
    for id in 0..400 {
        send(&a.handle, id, 10_000);
        assert_eq!(b.frame().await, id);
    }
    assert!(unread.iter().all(|writer| !writer.is_finished()), "their windows are full");
}
