//! Which names the services of a frontier have.

use crate::world::{Node, World, counts, frontier, names};
use frontlas::{Event, Presence, Verdict};

/// What the directory has of `a` and, if it is there, `b`.
async fn of(world: &World) -> Vec<Vec<String>> {
    let directory = world.replica();
    // By each way of asking the same.
    let listed = directory.frontiers().await.unwrap();
    let ids: Vec<_> = listed.iter().map(|it| it.id.clone()).collect();
    let by_id = directory.frontiers_by_id(&ids).await.unwrap();
    assert_eq!(by_id.into_iter().flatten().collect::<Vec<_>>(), listed);
    // They agree with the services that are listed.
    counts(&directory).await;
    names(&directory).await.into_iter().map(|(_, names)| names).collect()
}

async fn service(node: &Node, id: u64, name: &str) -> Presence {
    let presence = Presence::service(id, name, "203.0.113.1:9", node.now().await);
    assert_eq!(node.online(&presence).await, Verdict::Applied);
    presence
}

pub(crate) async fn each_name_is_told_while_a_service_has_it(world: World) {
    let a = Node::join(&world.replica(), "a").await;
    a.connect(1).await;
    assert_eq!(of(&world).await, [[""; 0]]);
    let (one, two) = (service(&a, 1, "mail").await, service(&a, 2, "files").await);
    let three = service(&a, 3, "mail").await;
    assert_eq!(of(&world).await, [["files", "mail"]]);
    a.offline(&one).await;
    assert_eq!(a.offline(&one).await, Verdict::Unchanged);
    assert_eq!(of(&world).await, [["files", "mail"]]);
    // Both go in one report, and one comes again with another name.
    let again = Presence::service(1, "", "", a.now().await);
    a.apply(&[three.offline(), Event::Online(again), two.offline()]).await;
    assert_eq!(of(&world).await, [[""]]);
    let again = service(&a, 1, "\u{1}é\"\\ %d").await;
    assert_eq!(of(&world).await, [["\u{1}é\"\\ %d"]]);
    service(&a, 1, "c").await;
    assert_eq!(a.offline(&again).await, Verdict::Unchanged);
    assert_eq!(of(&world).await, [["c"]]);
    world.replica().leave(&a.lease).await.unwrap();
    Node::join(&world.replica(), "a").await;
    assert_eq!(of(&world).await, [[""; 0]], "it is another life");
}

pub(crate) async fn a_name_goes_where_its_service_goes(world: World) {
    let (a, b) = (Node::join(&world.replica(), "a").await, Node::join(&world.replica(), "b").await);
    service(&a, 1, "files").await;
    service(&a, 2, "mail").await;
    let late = service(&b, 1, "files").await;
    assert_eq!(of(&world).await, [["mail"], ["files"]]);
    service(&b, 2, "other").await;
    assert_eq!(of(&world).await, [vec![""; 0], vec!["files", "other"]]);
    service(&a, 1, "files").await;
    assert_eq!(b.offline(&late).await, Verdict::Unchanged);
    assert_eq!(of(&world).await, [["files"], ["other"]]);
}

pub(crate) async fn a_snapshot_has_the_names_that_count(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let (stays, goes) = (service(&a, 1, "stays").await, service(&a, 2, "goes").await);
    let old = service(&a, 3, "old").await;
    let again = Presence::service(3, "new", "", a.now().await);
    a.resync(&[stays.clone(), again.clone()]).await;
    assert_eq!(of(&world).await, [["new", "stays"]]);
    assert_eq!(a.apply(&[goes.offline(), old.offline()]).await, [Verdict::Unchanged, Verdict::Unchanged]);

    // What is reported meanwhile counts, and what was there is there until the end.
    directory.resync_begin(&a.lease).await.unwrap();
    directory.resync_chunk(&a.lease, std::slice::from_ref(&again)).await.unwrap();
    assert_eq!(of(&world).await, [["new", "stays"]]);
    let came = service(&a, 4, "came").await;
    let short = service(&a, 5, "short").await;
    a.offline(&short).await;
    let renamed = Presence::service(3, "renamed", "", a.now().await);
    assert_eq!(a.online(&renamed).await, Verdict::Applied);
    assert_eq!(of(&world).await, [["came", "renamed", "stays"]]);
    directory.resync_end(&a.lease).await.unwrap();
    assert_eq!(of(&world).await, [["came", "renamed"]]);

    // One that was broken off by another join leaves nothing behind.
    directory.resync_begin(&a.lease).await.unwrap();
    let lease = directory.join(&frontier("a"), Some(a.lease.incarnation())).await.unwrap();
    let a = Node { directory, lease };
    assert_eq!(of(&world).await, [["came", "renamed"]]);
    a.resync(&[renamed]).await;
    assert_eq!(of(&world).await, [["renamed"]]);
    assert_eq!(a.offline(&came).await, Verdict::Unchanged);
    a.resync(&[]).await;
    assert_eq!(of(&world).await, [[""; 0]]);
}

pub(crate) async fn so_many_are_told(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let stamp = a.now().await;
    let online = |id: u64, name: String| Event::Online(Presence::service(id, name, "", stamp));
    a.apply(&(0..200).rev().map(|id| online(id, format!("{:03}", id / 2))).collect::<Vec<_>>()).await;
    let told = |names: Vec<(String, Vec<String>)>| names.into_iter().next().unwrap().1;
    let expected: Vec<_> = (0..64).map(|number| format!("{number:03}")).collect();
    assert_eq!(told(names(&directory).await), expected);
    a.apply(&[online(500, format!("002{}", "x".repeat(2048)))]).await;
    assert_eq!(told(names(&directory).await), expected[..3], "a long one and all behind it are left out");
}
