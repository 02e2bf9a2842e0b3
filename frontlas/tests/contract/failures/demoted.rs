//! A server that has become a replica, behind an address that leads to its successor.

use super::{check_line, directory, impatient, port};
use crate::world::{DEADLINE, Node, counts};
use frontier_test_redis::{Proxy, Server};
use frontlas::{Directory, DirectoryError, RedisMode};
use std::time::{Duration, Instant};

/// As Redis before 7 says it in a script.
fn before_7(error: &str) -> String {
    if !error.starts_with("READONLY") {
        return error.to_owned();
    }
    "ERR Error running script (call to f_6b1bf486c81ceb7edf3c093f4c48582e38c0e791): @user_script:1: \
     @user_script: 1: -READONLY You can't write against a read only replica."
        .to_owned()
}

/// As somebody before Redis might say it.
fn odd(error: &str) -> String {
    if error.starts_with("NOSCRIPT") { error.to_owned() } else { "ODD not now".to_owned() }
}

/// Makes `server` a replica of `other`.
fn demote(server: &Server, other: &Server) {
    let port = other.addr().port().to_string();
    assert_eq!(server.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
}

/// Asks until it can be written to.
async fn of_use(directory: &dyn Directory) {
    let end = Instant::now() + DEADLINE;
    while let Err(error) = directory.check().await {
        assert!(Instant::now() < end, "still: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_left_whatever_it_says() {
    for words in [before_7 as fn(&str) -> String, odd, str::to_owned] {
        let (first, second) = (Server::start(), Server::start());
        let proxy = Proxy::start(first.addr(), words);
        let directory = directory(impatient(RedisMode::Standalone { addr: port(proxy.addr()), db: 0 }));
        let node = Node::join(&directory, "a").await;
        node.connect(1).await;
        demote(&first, &second);
        proxy.lead_to(second.addr());
        of_use(&*directory).await;
        assert_eq!(directory.refresh(&node.lease).await, Err(DirectoryError::Lost));
        let node = Node::join(&directory, "a").await;
        node.connect(1).await;
        assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
        assert_eq!(second.cli(&["EXISTS", "frontlas:edges:1"]), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_writes_fail_everywhere_lookups_go_on_and_few_connections_are_made() {
    let (first, other) = (Server::start(), Server::start());
    let proxy = Proxy::start(first.addr(), before_7);
    let directory = directory(impatient(RedisMode::Standalone { addr: port(proxy.addr()), db: 0 }));
    let node = Node::join(&directory, "a").await;
    node.connect(1).await;
    // A replica that keeps what it has: it does not reach its master.
    drop(other.cli(&["CONFIG", "SET", "requirepass", "x"]));
    demote(&first, &other);
    let (start, before) = (Instant::now(), proxy.connections());
    while start.elapsed() < Duration::from_millis(2500) {
        check_line(&directory.check().await.unwrap_err(), "READONLY");
        assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
    }
    let made = proxy.connections() - before;
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!((1..=seconds + 1).contains(&made), "{made} connections in {seconds} s");
    // Once it takes writes again, so do we.
    assert_eq!(first.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    of_use(&*directory).await;
    assert_eq!(directory.refresh(&node.lease).await, Ok(()));
}
