//! A frontier joins, is replaced by another process, joins again and leaves.

use crate::world::{Node, World, counts, frontier, place};
use frontlas::{DirectoryError, Frontier, Incarnation, NewFrontier, Verdict};

pub(crate) async fn it_is_found_from_its_join_to_its_leave(world: World) {
    let directory = world.replica();
    assert_eq!(directory.frontiers().await.unwrap(), []);
    let node = Node::join(&directory, "a").await;
    node.connect(7).await;
    let listed = directory.frontiers().await.unwrap();
    assert!(listed[0].since <= node.now().await);
    let expected = Frontier {
        id: "a".into(),
        advertised_sb_addr: "a.example:30011".into(),
        advertised_eb_addr: "a.example:30012".into(),
        edge_count: 1,
        service_count: 0,
        service_names: Vec::new(),
        forwarding: false,
        since: listed[0].since,
        draining: false,
        away: false,
    };
    assert_eq!(directory.frontiers().await.unwrap(), std::slice::from_ref(&expected));
    let ids = ["b".to_owned(), "a".to_owned()];
    assert_eq!(directory.frontiers_by_id(&ids).await.unwrap(), [None, Some(expected.clone())]);
    assert_eq!(directory.frontiers_by_edge(&[8, 7]).await.unwrap(), [None, Some(expected)]);

    directory.leave(&node.lease).await.unwrap();
    assert_eq!(directory.frontiers().await.unwrap(), []);
    assert_eq!(directory.frontiers_by_id(&ids).await.unwrap(), [None, None]);
    assert_eq!(place(&directory, 7).await, None);
    assert_eq!(counts(&directory).await, []);
    directory.leave(&node.lease).await.expect("leaving again is no error");
    assert_eq!(directory.apply(&node.lease, &[]).await, Err(DirectoryError::Lost));
}

pub(crate) async fn a_second_process_takes_over_at_once(world: World) {
    let directory = world.replica();
    let killed = Node::join(&directory, "a").await;
    let before = killed.connect(1).await;
    killed.connect(2).await;

    let started = Node::join(&directory, "a").await;
    assert!(started.lease.incarnation() > killed.lease.incarnation());
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0)]);
    assert_eq!((place(&directory, 1).await, place(&directory, 2).await), (None, None));
    let after = started.connect(1).await;
    assert!(after.stamp > before.stamp);
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}

pub(crate) async fn the_first_process_is_replaced_and_can_do_no_harm(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let first = Node::join(&one, "a").await;
    let stale = first.connect(1).await;
    let second = Node::join(&two, "a").await;
    second.connect(1).await;

    let lost = Err(DirectoryError::Lost);
    assert_eq!(one.apply(&first.lease, &[stale.offline()]).await.map(drop), lost);
    assert_eq!(one.refresh(&first.lease).await, lost);
    assert_eq!(one.resync_begin(&first.lease).await, lost);
    assert_eq!(one.resync_chunk(&first.lease, &[]).await.map(drop), lost);
    assert_eq!(one.resync_end(&first.lease).await, lost);
    one.leave(&first.lease).await.unwrap();
    let again = one.join(&frontier("a"), Some(first.lease.incarnation())).await;
    assert_eq!(again.map(drop), Err(DirectoryError::Replaced));

    assert_eq!(place(&one, 1).await.as_deref(), Some("a"));
    assert_eq!(counts(&two).await, [("a".into(), 1, 0)]);
    two.refresh(&second.lease).await.unwrap();
}

pub(crate) async fn joining_again_keeps_what_is_there(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let node = Node::join(&one, "a").await;
    let presence = node.connect(1).await;
    let moved = NewFrontier { advertised_eb_addr: "elsewhere:1".into(), ..frontier("a") };
    let lease = two.join(&moved, Some(node.lease.incarnation())).await.unwrap();
    assert_eq!(lease.incarnation(), node.lease.incarnation());
    assert_eq!(place(&two, 1).await.as_deref(), Some("a"));
    assert_eq!(one.frontiers().await.unwrap()[0].advertised_eb_addr, "elsewhere:1");
    let node = Node { directory: two.clone(), lease };
    assert_eq!(node.offline(&presence).await, Verdict::Applied);
    assert_eq!(counts(&two).await, [("a".into(), 0, 0)]);
}

pub(crate) async fn an_older_session_is_refused(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let node = Node::join(&one, "a").await;
    let incarnation = Some(node.lease.incarnation());
    let again = Node { lease: two.join(&frontier("a"), incarnation).await.unwrap(), directory: two.clone() };
    // A report that one replica still had in its queue, of an edge that has left since.
    let late = frontlas::Presence::edge(1, "", node.now().await);
    let refused = one.apply(&node.lease, &[frontlas::Event::Online(late)]).await;
    assert_eq!(refused, Err(DirectoryError::Lost));
    again.connect(2).await;
    one.leave(&node.lease).await.unwrap();
    assert_eq!(counts(&two).await, [("a".into(), 1, 0)]);
}

pub(crate) async fn what_is_not_valid_is_refused(world: World) {
    let directory = world.replica();
    for id in ["", "a\nb", &"a".repeat(256)] {
        let refused = directory.join(&frontier(id), None).await;
        assert!(matches!(refused, Err(DirectoryError::Invalid(_))), "{id:?}");
    }
    let never = directory.join(&frontier("a"), Some(Incarnation(u64::MAX))).await;
    assert!(matches!(never, Err(DirectoryError::Invalid(_))));
    for id in ["a", "a:b", "{x}", "é *", &"a".repeat(255)] {
        let node = Node::join(&directory, id).await;
        node.connect(1).await;
        assert_eq!(place(&directory, 1).await.as_deref(), Some(id));
        directory.leave(&node.lease).await.unwrap();
    }
}
