//! A connection outlives a change of its path.

use super::proxy::Proxy;
use super::world::{World, config, drive, filler, read_all, send};
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn a_link_lives_on_behind_another_port_of_the_network() {
    let world = World::new(config());
    let proxy = Proxy::new(world.listener.local_addr(), 0.0).await;
    let (a, b) = world.pair_through(proxy.addr).await;
    let (a, b) = (drive(a), drive(b));
    lives_on(a, b, || proxy.change_port()).await;
}

#[tokio::test]
async fn a_link_lives_on_over_another_socket_of_the_client() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, b) = (drive(a), drive(b));
    lives_on(a, b, || world.client.rebind().unwrap()).await;
}

/// Frames go both ways and a stream is under way, while the path changes five times.
async fn lives_on(mut a: super::world::Driven, mut b: super::world::Driven, change: impl Fn()) {
    let mut here = a.handle.open_stream().await.unwrap();
    let bytes = filler(3, 3_000_000);
    let sent = bytes.clone();
    let writer = tokio::spawn(async move {
        here.write_all(&sent).await.unwrap();
        here.shutdown().await.unwrap();
    });
    let mut there = b.stream().await;
    let reader = tokio::spawn(async move { read_all(&mut there).await });
    for id in 0..50 {
        if id % 10 == 5 {
            change();
        }
        // The one that moves must be heard of first, as a NAT demands of it too.
        send(&a.handle, id, 3000);
        assert_eq!(b.frame().await, id);
        send(&b.handle, id, 3000);
        assert_eq!(a.frame().await, id);
    }
    writer.await.unwrap();
    assert!(reader.await.unwrap() == bytes);
}
