//! A Redis that restarts, hangs, or loses what was written to it.

use super::{check_line, directory, impatient, port, refreshed, rejoin};
use crate::world::{Node, counts};
use frontier_test_redis::Server;
use frontlas::{DirectoryError, RedisMode};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_redis_everything_comes_back() {
    let mut server = Server::start();
    let addr = server.addr().to_string();
    let directory = directory(impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }));
    let node = Node::join(&directory, "a").await;
    let snapshot = [node.connect(1).await, node.connect(2).await];
    server.kill();
    for _ in 0..3 {
        let error = directory.frontiers().await.unwrap_err();
        check_line(&error, &addr);
    }
    server.restart();
    assert_eq!(refreshed(&node).await, Err(DirectoryError::Lost));
    assert_eq!(counts(&directory).await, []);
    let node = rejoin(node, &snapshot).await;
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
    assert_eq!(refreshed(&node).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_waited_for_no_longer_than_configured() {
    let server = Server::start();
    let directory = directory(impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }));
    let node = Node::join(&directory, "a").await;
    node.connect(1).await;
    server.signal("-STOP");
    let start = Instant::now();
    for _ in 0..3 {
        let error = directory.frontiers().await.unwrap_err();
        check_line(&error, "");
    }
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    server.signal("-CONT");
    assert_eq!(refreshed(&node).await, Ok(()));
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_writes_are_noticed_and_made_good() {
    let server = Server::start();
    let directory = directory(impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }));
    let node = Node::join(&directory, "a").await;
    let first = node.connect(1).await;
    let before = server.cli(&["HGET", "frontlas:frontiers:a", "revision"]);
    let second = node.connect(2).await;
    // As after a failover to a replica that had not yet heard of the second.
    let undone = [
        vec!["DEL", "frontlas:edges:2", "frontlas:alive:edges:2"],
        vec!["HSET", "frontlas:frontiers:a", "revision", &before, "edge_count", "1"],
    ];
    undone.iter().for_each(|command| drop(server.cli(command)));
    assert_eq!(refreshed(&node).await, Err(DirectoryError::Lost));
    assert_eq!(directory.apply(&node.lease, &[]).await, Err(DirectoryError::Lost));
    let node = rejoin(node, &[first, second]).await;
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
    assert_eq!(refreshed(&node).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_record_is_noticed_and_made_good() {
    let server = Server::start();
    let directory = directory(impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }));
    let node = Node::join(&directory, "a").await;
    let snapshot = [node.connect(1).await, node.connect(2).await];
    for key in ["frontlas:edges:1", "frontlas:index:frontiers"] {
        assert_eq!(server.cli(&["DEL", key]), "1");
    }
    assert_eq!(refreshed(&node).await, Err(DirectoryError::Lost));
    let node = rejoin(node, &snapshot).await;
    assert_eq!(refreshed(&node).await, Ok(()));
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
}
