//! What becomes of snapshots, changes, pings and goodbyes in the directory, and of lookups.

use crate::directory::Mood;
use crate::frontier::{Ack, World, entry, eventually, hello};
use frontier_protocol::{Advertised, Code, EdgeId, GoAway, Hello, Lookup, LookupAck, Op, Part, Superseded};
use frontlas::{Bounds, Directory, Kind};
use std::time::Duration;

const FIRST: Part = Part::Snapshot { first: true, last: false };
const MIDDLE: Part = Part::Snapshot { first: false, last: false };
const LAST: Part = Part::Snapshot { first: false, last: true };

fn online(id: u64, stamp: u64) -> frontier_protocol::Entry<'static> {
    entry(Op::EdgeOnline, id, stamp)
}

fn offline(id: u64, stamp: u64) -> frontier_protocol::Entry<'static> {
    entry(Op::EdgeOffline, id, stamp)
}

#[tokio::test]
async fn a_snapshot_in_parts_and_then_changes() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    for (id, part, entries) in [
        (1, FIRST, vec![online(1, 10)]),
        (2, MIDDLE, vec![online(2, 20), entry(Op::ServiceOnline, 9, 5)]),
        (3, LAST, vec![]),
        (4, Part::Changes, vec![offline(1, 10), online(3, 30)]),
        (5, Part::Changes, vec![]),
    ] {
        assert_eq!(frontier.report(part, entries).await, Ack::done(id));
    }
    assert_eq!(world.edges().await, [(2, "f".into()), (3, "f".into())]);
    assert_eq!(world.directory.inner.count(Kind::Service).await, Ok(1));
    // The service is not in this one.
    assert_eq!(frontier.snapshot(vec![online(3, 30)]).await, Ack::done(6));
    assert_eq!(world.edges().await, [(3, "f".into())]);
    assert_eq!(world.directory.inner.count(Kind::Service).await, Ok(0));
}

#[tokio::test]
async fn a_frontier_has_no_more_records_than_it_may_and_hears_of_it() {
    let bounds = Bounds { edges: 2, services: 1 };
    let world = World::bounded(bounds);
    let mut frontier = world.frontier("f").await;
    assert_eq!(frontier.snapshot(vec![online(1, 10), online(2, 20)]).await, Ack::done(1));
    let full = frontier.report(Part::Changes, vec![online(3, 30), entry(Op::ServiceOnline, 9, 5)]).await;
    assert_eq!((full.code, full.resync), (Code::TooLarge, false));
    assert_eq!(world.directory.inner.count(Kind::Service).await, Ok(1), "the rest has been taken");
    let full = frontier.report(Part::Changes, vec![entry(Op::ServiceOnline, 8, 6)]).await;
    assert_eq!(full.code, Code::TooLarge);
    // What is there may be said again, and one that has left makes room.
    let changed = frontier.report(Part::Changes, vec![online(2, 20), offline(1, 10), online(3, 30)]).await;
    assert_eq!(changed.code, Code::Ok);
    assert_eq!(world.edges().await, [(2, "f".into()), (3, "f".into())]);
    let mut other = world.frontier("g").await;
    assert_eq!(other.snapshot(vec![online(7, 70)]).await.code, Code::Ok, "others have their own");
    let full = frontier.snapshot(vec![online(4, 40), online(5, 50), online(6, 60)]).await;
    assert_eq!(full.code, Code::TooLarge);
    assert_eq!(world.directory.inner.count(Kind::Edge).await, Ok(3));
}

#[tokio::test]
async fn an_edge_that_has_moved_is_not_erased_by_a_late_report_and_its_old_frontier_is_told() {
    let world = World::new();
    let mut old = world.frontier("a").await;
    let mut new = world.frontier("b").await;
    old.snapshot(vec![online(7, 10)]).await;
    new.snapshot(vec![]).await;
    new.report(Part::Changes, vec![online(7, 20)]).await;
    let superseded = vec![Superseded { edge: EdgeId(7), stamp: 10 }];
    let told = loop {
        let notice = old.ack().await;
        assert_eq!((notice.id, notice.code), (0, Code::Ok));
        // The plane may have begun to follow the directory only after the edge had moved. It asks for snapshots
        // then, and the answer tells.
        let told = if notice.resync { old.snapshot(vec![online(7, 10)]).await } else { notice };
        if !told.superseded.is_empty() {
            break told;
        }
    };
    assert_eq!(told.superseded, superseded);
    old.report(Part::Changes, vec![offline(7, 10)]).await;
    assert_eq!(world.edges().await, [(7, "b".into())]);
    let late = old.snapshot(vec![online(7, 10)]).await;
    assert_eq!((late.code, late.superseded), (Code::Ok, superseded));
    assert_eq!(world.edges().await, [(7, "b".into())]);
}

#[tokio::test]
async fn a_frontier_that_pings_lives_and_one_that_is_silent_does_not() {
    let world = World::with(Duration::from_secs(1), |_| {});
    let mut pings = world.frontier("pings").await;
    let silent = world.frontier("silent").await;
    let mut silent_gone = false;
    for _ in 0..40 {
        pings.send(|out| {
            frontier_protocol::ping(1, out);
            Ok(())
        });
        while pings.frame().await.is_some_and(|frame| frame.kind != frontier_protocol::Kind::Pong) {}
        tokio::time::sleep(Duration::from_millis(100)).await;
        let living = world.frontiers().await;
        assert!(living.contains(&"pings".to_owned()), "{living:?}");
        silent_gone |= !living.contains(&"silent".to_owned());
    }
    assert!(silent_gone);
    drop(silent);
}

#[tokio::test]
async fn a_goodbye_takes_everything_away_and_is_answered() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![online(1, 10)]).await;
    // Behind a report that was not answered yet.
    frontier.tell(Part::Changes, vec![online(2, 20)]);
    frontier.send(|out| GoAway::new(Code::Ok, 0, "").encode(out));
    assert_eq!(frontier.end().await, Code::Ok);
    assert!(world.edges().await.is_empty() && world.frontiers().await.is_empty());
}

#[tokio::test]
async fn a_plane_that_stops_sends_its_frontiers_elsewhere_and_takes_nothing_away() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![online(1, 10)]).await;
    world.stop.cancel();
    assert_eq!(frontier.end().await, Code::Draining);
    assert_eq!(world.edges().await, [(1, "f".into())]);
}

#[tokio::test]
async fn a_frontier_may_ask_where_an_edge_is() {
    let world = World::new();
    let mut frontier = world.connect(&hello("f", 0)).await.unwrap();
    frontier.snapshot(vec![online(1, 10)]).await;
    for (id, edge, expected) in [(5, 1, (Code::Ok, "f", "tcp://s:1")), (6, 2, (Code::EdgeNotOnline, "", ""))]
    {
        frontier.send(|out| Lookup { edge: EdgeId(edge) }.encode(id, out));
        let frame = loop {
            let frame = frontier.frame().await.unwrap();
            if frame.kind == frontier_protocol::Kind::LookupAck {
                break frame;
            }
        };
        let ack = LookupAck::parse(&frame).unwrap();
        assert_eq!((frame.id, (ack.code, ack.frontier, ack.servicebound)), (id, expected));
    }
}

/// One of its services may have asked for it, which is no reason to turn out the frontier.
#[tokio::test]
async fn a_lookup_of_the_id_that_nobody_has_is_answered_and_a_report_of_it_is_a_breach() {
    let world = World::new();
    for op in [Op::EdgeOnline, Op::EdgeOffline, Op::ServiceOnline, Op::ServiceOffline] {
        let mut frontier = world.frontier("f").await;
        frontier.snapshot(vec![online(1, 10)]).await;
        frontier.send(|out| Lookup { edge: EdgeId(0) }.encode(5, out));
        loop {
            let frame = frontier.frame().await.unwrap();
            if frame.kind == frontier_protocol::Kind::LookupAck {
                assert_eq!(LookupAck::parse(&frame).unwrap().code, Code::EdgeNotOnline);
                break;
            }
        }
        frontier.tell(Part::Changes, vec![entry(op, 0, 10)]);
        assert_eq!(frontier.end().await, Code::Protocol, "{op:?}");
    }
    assert_eq!(world.edges().await, [(1, "f".into())]);
}

/// A frontlas of an earlier version on the same store has written it without a scheme.
#[tokio::test]
async fn a_lookup_gives_a_url_whatever_is_kept() {
    let world = World::new();
    let advertised = Advertised { servicebound: "h:1", edgebound: "h:2" };
    let mut frontier = world.connect(&Hello { advertised, ..hello("f", 0) }).await.unwrap();
    frontier.snapshot(vec![online(1, 10)]).await;
    frontier.send(|out| Lookup { edge: EdgeId(1) }.encode(5, out));
    loop {
        let frame = frontier.frame().await.unwrap();
        if frame.kind == frontier_protocol::Kind::LookupAck {
            assert_eq!(LookupAck::parse(&frame).unwrap().servicebound, "tcp://h:1");
            break;
        }
    }
}

#[tokio::test]
async fn a_frontier_that_was_cut_off_goes_with_its_time_to_live() {
    let world = World::with(Duration::from_secs(1), |_| {});
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![online(1, 10)]).await;
    drop(frontier);
    eventually("it is gone", async || world.frontiers().await.is_empty()).await;
    assert!(world.edges().await.is_empty());
}

#[tokio::test]
async fn a_refresh_that_takes_its_time_holds_up_no_report() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![]).await;
    world.directory.set(Mood::Hanging);
    frontier.send(|out| {
        frontier_protocol::ping(1, out);
        Ok(())
    });
    // By the time of the answer the refresh has begun; with this time to live it goes on for longer than
    // anything here waits.
    while frontier.frame().await.is_some_and(|frame| frame.kind != frontier_protocol::Kind::Pong) {}
    world.directory.set(Mood::Fine);
    assert_eq!(frontier.report(Part::Changes, vec![online(1, 10)]).await.code, Code::Ok);
    assert_eq!(world.edges().await, [(1, "f".into())]);
}
