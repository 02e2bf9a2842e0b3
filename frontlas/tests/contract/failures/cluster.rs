use super::{check_line, directory, impatient, port, refreshed, rejoin};
use crate::world::{Node, counts};
use frontier_test_redis::Cluster;
use frontlas::{DirectoryError, RedisMode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_its_node_everything_comes_back() {
    let mut cluster = Cluster::start();
    let addrs = cluster.addrs().into_iter().map(port).collect();
    let directory = directory(impatient(RedisMode::Cluster { addrs }));
    let node = Node::join(&directory, "a").await;
    let snapshot = [node.connect(1).await];
    let owner = cluster.owner("{frontlas}:history");
    let keys = owner.cli(&["KEYS", "*"]);
    assert!(keys.lines().count() > 5 && keys.lines().all(|key| key.starts_with("{frontlas}:")), "{keys}");
    owner.kill();
    check_line(&directory.frontiers().await.unwrap_err(), "");
    owner.restart();
    cluster.settle();
    assert_eq!(refreshed(&node).await, Err(DirectoryError::Lost));
    let node = rejoin(node, &snapshot).await;
    assert_eq!(refreshed(&node).await, Ok(()));
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}
