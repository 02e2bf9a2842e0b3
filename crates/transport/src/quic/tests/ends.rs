//! How links end: what is delivered, and who is told what.

use super::proxy::Proxy;
use super::world::{World, config, drive, filler, message, read_all, send, soon};
use crate::CloseReason;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Waits until the peer has closed too. Its word may be lost, and as nothing more is to be said, nobody
/// says it again: then the deadline of whoever closes ends the wait.
async fn closed(closing: impl Future<Output = Result<(), CloseReason>>, loss: f64) {
    match tokio::time::timeout(Duration::from_secs(5), soon(closing)).await {
        Ok(closed) => closed.unwrap(),
        Err(_) => assert!(loss > 0.0, "it hangs"),
    }
}

#[tokio::test]
async fn closing_delivers_what_is_queued_and_the_last_frame() {
    let world = World::new(config());
    for loss in [0.0, 0.05] {
        let proxy = Proxy::new(world.listener.local_addr(), loss).await;
        let (a, b) = world.pair_through(proxy.addr).await;
        let mut b = drive(b);
        for id in 0..20 {
            send(&b.handle, id, 10_000);
        }
        let handle = a.handle();
        for id in 0..30 {
            send(&handle, id, 10_000);
        }
        closed(a.close(message(30, 50)), loss).await;
        for id in 0..=30 {
            assert_eq!(b.frame().await, id);
        }
        assert_eq!(b.end().await, CloseReason::Peer);
    }
}

#[tokio::test]
async fn closing_delivers_the_streams_that_were_finished() {
    let world = World::new(config());
    for loss in [0.0, 0.05] {
        let proxy = Proxy::new(world.listener.local_addr(), loss).await;
        let (mut a, b) = world.pair_through(proxy.addr).await;
        let mut b = drive(b);
        let handle = a.handle();
        for number in 0..5 {
            let mut stream = tokio::select! {
                stream = handle.open_stream() => stream.unwrap(),
                event = a.next() => panic!("{event:?}"),
            };
            stream.write_all(&filler(number, 200_000)).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        let closing = tokio::spawn(a.close(message(1, 10)));
        for number in 0..5 {
            assert!(read_all(&mut b.stream().await).await == filler(number, 200_000));
        }
        assert_eq!(b.frame().await, 1);
        assert_eq!(b.end().await, CloseReason::Peer);
        closed(async { closing.await.unwrap() }, loss).await;
    }
}

#[tokio::test]
async fn closing_ends_the_streams_that_others_hold() {
    let world = World::new(config());
    let (mut a, b) = world.pair().await;
    let mut b = drive(b);
    let handle = a.handle();
    let mut here = tokio::select! {
        stream = handle.open_stream() => stream.unwrap(),
        event = a.next() => panic!("{event:?}"),
    };
    // As much as goes out in several rounds.
    here.write_all(&filler(1, 300_000)).await.unwrap();
    let waiting = tokio::spawn(async move { (read_all(&mut here).await, here.is_reset()) });
    soon(a.close(message(1, 10))).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap(), (Vec::new(), true));
    assert!(read_all(&mut b.stream().await).await == filler(1, 300_000));
    assert_eq!(b.frame().await, 1);
}

#[tokio::test]
async fn closing_waits_until_the_peer_has_ended_too() {
    let world = World::new(config());
    let (a, mut b) = world.pair().await;
    let closing = tokio::spawn(a.close(message(1, 10)));
    while b.next().await.is_ok() {
        while b.frame().unwrap().is_some() {}
    }
    assert!(!closing.is_finished());
    drop(b);
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn both_may_close_at_once() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, b) = soon(async { tokio::join!(a.close(message(1, 10)), b.close(message(2, 10))) }).await;
    assert_eq!((a, b), (Ok(()), Ok(())));
}

#[tokio::test]
async fn a_dropped_link_is_an_end_for_its_peer() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let b = drive(b);
    drop(a);
    assert_eq!(b.end().await, CloseReason::Peer);
    let (a, b) = world.pair().await;
    let a = drive(a);
    drop(b);
    assert_eq!(a.end().await, CloseReason::Peer);
}

#[tokio::test]
async fn closing_the_listener_ends_its_links() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, b) = (drive(a), drive(b));
    soon(world.listener.close()).await;
    assert_eq!(a.end().await, CloseReason::Peer);
    let reason = b.end().await;
    assert_eq!(reason, CloseReason::Lost("the connection was closed here".into()));
}

#[tokio::test]
async fn links_outlive_the_listener_that_they_came_by() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let addr = world.listener.local_addr();
    drop(world.listener);
    send(&a.handle, 1, 10);
    assert_eq!(b.frame().await, 1);
    let tls = world.identity.client();
    let dialled = world.client.dial(("127.0.0.1", addr.port()), "localhost", &tls, config());
    let dialled = tokio::time::timeout(Duration::from_millis(300), dialled).await;
    assert!(!matches!(dialled, Ok(Ok(_))), "nobody new gets in");
}

#[tokio::test]
async fn a_handshake_with_nobody_ends_with_the_callers_deadline() {
    let world = World::new(config());
    let proxy = Proxy::new(world.listener.local_addr(), 0.0).await;
    let tls = world.identity.client();
    let dial = world.client.dial(("127.0.0.1", proxy.addr.port()), "localhost", &tls, config());
    let mut dial = Box::pin(dial);
    let incoming = tokio::select! {
        incoming = world.listener.accept() => incoming,
        dialled = &mut dial => panic!("{dialled:?}"),
    };
    proxy.die();
    let brief = Duration::from_millis(200);
    let linked = tokio::time::timeout(brief, incoming.link(&world.tls, Arc::new(config())));
    assert!(linked.await.is_err());
    assert!(tokio::time::timeout(brief, dial).await.is_err());
    // Nothing is left of it.
    soon(world.listener.close()).await;
}

#[tokio::test]
async fn a_dialler_gives_up_a_peer_that_is_silent_though_it_is_asked() {
    let world = World::new(config());
    let proxy = Proxy::new(world.listener.local_addr(), 0.0).await;
    let (a, b) = world.pair_through(proxy.addr).await;
    let (a, _b) = (drive(a), drive(b));
    proxy.die();
    // From here on the time passes by itself.
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let end = tokio::time::timeout(Duration::from_secs(120), a.task).await.expect("it is given up").unwrap();
    assert_eq!(end, CloseReason::Lost("no packet has come for 15s".into()));
    assert!(start.elapsed() < Duration::from_secs(21), "{:?}", start.elapsed());
}
