//! What a frontier hears of a directory that fails: never the end of its connection.

use crate::directory::Mood;
use crate::frontier::{Ack, World, entry, hello};
use frontier_protocol::{Code, EdgeId, Kind, Lookup, LookupAck, Op, Part};
use std::time::Duration;

fn online(id: u64) -> Vec<frontier_protocol::Entry<'static>> {
    vec![entry(Op::EdgeOnline, id, id)]
}

#[tokio::test]
async fn a_store_that_does_not_answer_means_once_more() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![]).await;
    for (mood, edge) in [(Mood::Failing, 1), (Mood::Hanging, 2)] {
        world.directory.set(mood);
        let ack = frontier.report(Part::Changes, online(edge)).await;
        assert!(ack.code.is_retryable() && !ack.resync, "{ack:?}");
        world.directory.set(Mood::Fine);
        assert_eq!(frontier.report(Part::Changes, online(edge)).await.code, Code::Ok);
    }
    assert_eq!(world.edges().await.len(), 2);
}

#[tokio::test]
async fn a_store_that_has_lost_everything_means_a_snapshot() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(online(1)).await;
    world.directory.inner.clear();
    let ack = frontier.report(Part::Changes, online(2)).await;
    assert!(ack.resync && ack.code.is_retryable(), "{ack:?}");
    let ack = frontier.report(Part::Changes, online(2)).await;
    assert!(ack.resync, "until it comes: {ack:?}");
    assert!(world.frontiers().await.is_empty(), "nor does it come back by itself");
    assert_eq!(frontier.snapshot([online(1), online(2)].concat()).await.code, Code::Ok);
    assert_eq!(world.edges().await.len(), 2);
}

#[tokio::test]
async fn a_frontier_without_news_hears_of_the_loss_at_its_heartbeat() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(online(1)).await;
    world.directory.inner.clear();
    frontier.send(|out| {
        frontier_protocol::ping(1, out);
        Ok(())
    });
    loop {
        let frame = frontier.frame().await.expect("the connection stands");
        if frame.kind == Kind::ReportAck {
            let ack = frontier_protocol::ReportAck::parse(&frame).unwrap();
            assert!(frame.id == 0 && ack.resync, "{ack:?}");
            break;
        }
    }
}

/// Its frontier is gone but nobody has noticed: it must not take the place of the one that came after it.
#[tokio::test]
async fn a_connection_that_was_left_behind_stays_out() {
    let world = World::new();
    let mut old = world.frontier("f").await;
    old.snapshot(online(1)).await;
    // As if it had joined at another replica.
    let other = frontlas::plane::Plane::bind(
        frontlas::plane::PlaneConfig::local("127.0.0.1:0".parse().unwrap()),
        world.directory.clone(),
    );
    let other = other.unwrap();
    let replica = World { directory: world.directory.clone(), addr: other.addr(), stop: Default::default() };
    tokio::spawn(other.run(replica.stop.clone()));
    let mut new = replica.connect(&hello("f", old.welcome.id)).await.unwrap();
    assert_eq!(new.snapshot(online(2)).await, Ack::done(1));
    for _ in 0..3 {
        assert!(old.report(Part::Changes, online(1)).await.resync);
        assert_eq!(new.report(Part::Changes, online(2)).await.code, Code::Ok, "the lease is the new one's");
    }
    assert_eq!(world.edges().await, [(2, "f".into())]);
}

#[tokio::test]
async fn a_snapshot_goes_on_where_the_store_has_failed() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    let [first, last] = [(true, false), (false, true)].map(|(first, last)| Part::Snapshot { first, last });
    assert_eq!(frontier.report(first, online(1)).await.code, Code::Ok);
    world.directory.set(Mood::Failing);
    assert!(frontier.report(last, online(2)).await.code.is_retryable());
    world.directory.set(Mood::Fine);
    assert_eq!(frontier.report(last, online(2)).await.code, Code::Ok);
    assert_eq!(world.edges().await.len(), 2);
}

#[tokio::test]
async fn a_lookup_that_fails_is_answered() {
    let world = World::with(Duration::from_secs(3600), |_| {});
    let mut frontier = world.frontier("f").await;
    world.directory.set(Mood::Failing);
    frontier.send(|out| Lookup { edge: EdgeId(1) }.encode(5, out));
    loop {
        let frame = frontier.frame().await.unwrap();
        if frame.kind == Kind::LookupAck {
            assert!(LookupAck::parse(&frame).unwrap().code.is_retryable());
            break;
        }
    }
}
