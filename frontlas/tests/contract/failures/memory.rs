//! A Redis that has no memory left.

use super::{check_line, directory, impatient, port};
use crate::view::View;
use crate::world::{Node, counts};
use frontier_test_redis::Server;
use frontlas::{Event, Presence, RedisMode, Verdict};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_without_memory_does_all_of_a_report_or_nothing() {
    let server = Server::start();
    let directory = directory(impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }));
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let (first, second) = (a.connect(1).await, a.connect(2).await);
    let mut view = View::new(&directory).await;
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let moved = Presence::edge(1, "", b.now().await);
    check_line(&directory.apply(&b.lease, &[Event::Online(moved.clone())]).await.unwrap_err(), "OOM");
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0), ("b".into(), 0, 0)]);
    assert_eq!(view.follow().await, 0);
    // What gives memory back is done.
    assert_eq!(a.offline(&second).await, Verdict::Applied);
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0), ("b".into(), 0, 0)]);
    directory.leave(&a.lease).await.unwrap();
    assert_eq!(counts(&directory).await, [("b".into(), 0, 0)]);
    assert_eq!(view.follow().await, 2);

    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    assert_eq!(b.online(&moved).await, Verdict::Applied);
    assert_eq!(counts(&directory).await, [("b".into(), 1, 0)]);
    view.follow().await;
    assert_eq!(view.edges.len(), 1);
    assert!(moved.stamp > first.stamp);
}
