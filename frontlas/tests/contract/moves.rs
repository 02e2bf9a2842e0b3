//! Edges and services that move between frontiers, with events that come late, twice or out of order.

use crate::world::{Node, World, counts, place};
use frontlas::{Edge, Event, Kind, Presence, Service, Timestamp, Verdict};
use std::time::Duration;

pub(crate) async fn an_edge_is_found_where_it_is(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let (a, b) = (Node::join(&one, "a").await, Node::join(&two, "b").await);
    let at_a = a.connect(1).await;
    let expected = Edge {
        id: 1,
        frontier_id: "a".into(),
        addr: "198.51.100.7:4000".into(),
        update_time: at_a.stamp.seconds(),
        stamp: at_a.stamp,
    };
    let mut found = two.edges_by_id(&[9, 1]).await.unwrap();
    if let Some(it) = found[1].as_mut() {
        // The report may come in the next second.
        assert!(it.update_time - expected.update_time <= 30, "{it:?}");
        it.update_time = expected.update_time;
    }
    assert_eq!(found, [None, Some(expected)]);

    let at_b = b.connect(1).await;
    assert_eq!(place(&one, 1).await.as_deref(), Some("b"));
    assert_eq!(counts(&one).await, [("a".into(), 0, 0), ("b".into(), 1, 0)]);
    assert_eq!(b.offline(&at_b).await, Verdict::Applied);
    assert_eq!(place(&one, 1).await, None);
    assert_eq!(counts(&one).await, [("a".into(), 0, 0), ("b".into(), 0, 0)]);
}

pub(crate) async fn a_service_is_found_where_it_is(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let edge = a.connect(1).await;
    let service = Presence::service(1, "files", "203.0.113.1:9", a.now().await);
    assert_eq!(a.online(&service).await, Verdict::Applied);
    let found: Vec<Option<Service>> = directory.services_by_id(&[1, 2]).await.unwrap();
    let it = found[0].as_ref().unwrap();
    assert_eq!(
        (it.service.as_str(), it.frontier_id.as_str(), it.addr.as_str()),
        ("files", "a", "203.0.113.1:9")
    );
    assert_eq!((it.stamp, found[1].as_ref()), (service.stamp, None));
    assert_eq!(counts(&directory).await, [("a".into(), 1, 1), ("b".into(), 0, 0)]);

    // The edge and the service of the same id have nothing to do with each other.
    assert_eq!(a.offline(&edge).await, Verdict::Applied);
    let at_b = Presence::service(1, "files", "203.0.113.1:10", a.now().await);
    assert_eq!(b.online(&at_b).await, Verdict::Applied);
    assert_eq!(a.offline(&service).await, Verdict::Unchanged);
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0), ("b".into(), 0, 1)]);
}

pub(crate) async fn a_late_offline_of_the_old_frontier_changes_nothing(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let at_a = a.connect(1).await;
    b.connect(1).await;
    for _ in 0..3 {
        assert_eq!(a.offline(&at_a).await, Verdict::Unchanged);
    }
    assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0), ("b".into(), 1, 0)]);
}

pub(crate) async fn a_late_online_of_the_old_frontier_is_superseded(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let late = Presence::edge(1, "old", a.now().await);
    b.connect(1).await;
    for _ in 0..2 {
        assert_eq!(a.online(&late).await, Verdict::Superseded { by: "b".into() });
    }
    assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0), ("b".into(), 1, 0)]);

    // The same on one frontier, where a connection took over from another.
    let late = Presence::edge(2, "old", a.now().await);
    let present = a.connect(2).await;
    assert_eq!(a.online(&late).await, Verdict::Superseded { by: "a".into() });
    assert_eq!(a.offline(&late).await, Verdict::Unchanged);
    assert_eq!(directory.edges_by_id(&[2]).await.unwrap()[0].as_ref().unwrap().stamp, present.stamp);
}

pub(crate) async fn a_late_online_after_the_edge_left_elsewhere_is_superseded(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let stale = a.connect(1).await;
    let later = b.connect(1).await;
    b.offline(&later).await;
    assert_eq!(a.online(&stale).await, Verdict::Superseded { by: "b".into() });
    assert_eq!(place(&directory, 1).await, None);
    a.connect(1).await;
    assert_eq!(place(&directory, 1).await.as_deref(), Some("a"));
}

pub(crate) async fn repeated_events_change_nothing(world: World) {
    use Verdict::{Applied, Unchanged};
    let (one, two) = (world.replica(), world.replica());
    let a = Node::join(&one, "a").await;
    let first = a.connect(1).await;
    assert_eq!(a.online(&first).await, Unchanged);
    assert_eq!(a.offline(&first).await, Applied);
    for _ in 0..3 {
        assert_eq!(a.offline(&first).await, Unchanged);
    }
    assert_eq!(counts(&two).await, [("a".into(), 0, 0)]);

    let second = a.connect(1).await;
    let batch = [first.offline(), Event::Online(second.clone()), second.offline(), second.offline()];
    let verdicts = a.apply(&batch).await;
    assert_eq!(verdicts, [Unchanged, Unchanged, Applied, Unchanged]);
    assert_eq!(a.apply(&batch).await, vec![Unchanged; 4]);
    assert_eq!(counts(&two).await, [("a".into(), 0, 0)]);
}

pub(crate) async fn an_event_delayed_past_its_end_changes_nothing(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let presence = a.connect(1).await;
    a.offline(&presence).await;
    assert_eq!(a.online(&presence).await, Verdict::Unchanged);
    assert_eq!(place(&directory, 1).await, None);
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0)]);
}

pub(crate) async fn at_equal_stamps_the_greater_frontier_has_it(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "B").await);
    let both = Presence::edge(1, "", a.now().await);
    // By bytes: "B" comes before "a".
    assert_eq!(b.online(&both).await, Verdict::Applied);
    assert_eq!(a.online(&both).await, Verdict::Applied);
    assert_eq!(b.online(&both).await, Verdict::Superseded { by: "a".into() });
    assert_eq!(place(&directory, 1).await.as_deref(), Some("a"));
    assert_eq!(b.offline(&both).await, Verdict::Unchanged);
    assert_eq!(counts(&directory).await, [("B".into(), 0, 0), ("a".into(), 1, 0)]);
}

pub(crate) async fn a_stamp_from_the_future_does_not_hold_an_edge(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    for stamp in [Timestamp(u64::MAX), Timestamp(a.now().await.0 + 3_600_000_000)] {
        let wrong = Presence::edge(1, "", stamp);
        assert_eq!(a.online(&wrong).await, Verdict::Applied);
        assert_eq!(a.online(&wrong).await, Verdict::Unchanged);
        world.pass(Duration::from_millis(1)).await;
        let right = b.connect(1).await;
        assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
        assert_eq!(a.offline(&wrong).await, Verdict::Unchanged);
        assert_eq!(b.offline(&right).await, Verdict::Applied);
    }
}

pub(crate) async fn a_text_too_long_is_refused_alone(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let stamp = a.now().await;
    let long = "x".repeat(8193);
    let verdicts = a
        .apply(&[
            Event::Online(Presence::edge(1, "ok", stamp)),
            Event::Online(Presence::edge(2, long.as_str(), stamp)),
            Event::Online(Presence::service(3, long, "ok", stamp)),
            Event::Online(Presence::edge(4, "x".repeat(8192), stamp)),
        ])
        .await;
    use Verdict::{Applied, Refused};
    assert_eq!(verdicts, [Applied, Refused, Refused, Applied]);
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
}

pub(crate) async fn ids_and_texts_of_all_kinds_come_back_as_they_were(world: World) {
    let directory = world.replica();
    let id = "ré\"g{i}o:n %s\\1";
    let a = Node::join(&directory, id).await;
    let text = "\"quoted\" \\ \u{1} \u{7f} é \u{1F600} </script> %d";
    for edge_id in [0, 1, u64::from(u32::MAX), 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        let it = Presence::edge(edge_id, text, a.now().await);
        assert_eq!(a.online(&it).await, Verdict::Applied);
        let found = directory.edges_by_id(&[edge_id]).await.unwrap().remove(0).unwrap();
        assert_eq!((found.id, found.addr.as_str(), found.frontier_id.as_str()), (edge_id, text, id));
        let service = Presence::service(edge_id, text, "", a.now().await);
        assert_eq!(a.online(&service).await, Verdict::Applied);
        let found = directory.services_by_id(&[edge_id]).await.unwrap().remove(0).unwrap();
        assert_eq!((found.id, found.service.as_str(), found.stamp), (edge_id, text, service.stamp));
    }
    assert_eq!(counts(&directory).await, [(id.into(), 7, 7)]);
}

pub(crate) async fn a_thousand_events_in_one_batch(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let stamp = a.now().await;
    let online = (1..=1000).map(|id| Event::Online(Presence::edge(id, "", stamp)));
    let offline = (1..=1000).step_by(2).map(|id| Event::Offline { kind: Kind::Edge, id, stamp });
    let verdicts = a.apply(&online.chain(offline).collect::<Vec<_>>()).await;
    assert_eq!(verdicts, vec![Verdict::Applied; 1500]);
    assert_eq!(counts(&directory).await, [("a".into(), 500, 0)]);
    let ids: Vec<u64> = (1..=1000).collect();
    let places = directory.frontiers_by_edge(&ids).await.unwrap();
    for (id, place) in ids.iter().zip(places) {
        assert_eq!(place.is_some(), id % 2 == 0, "{id}");
    }
}
