//! The process: its start, its command line, its end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod node;
mod reload;

use crate::node::{DEADLINE, Running, ends, file};
use frontier_test_redis::Server;
use nix::sys::signal::Signal;
use std::net::TcpListener;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn it_answers_and_ends_with_0_on_either_signal() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut node = Running::start("").await;
        assert!(node.get("/livez").await.starts_with("HTTP/1.1 200"));
        assert!(node.get("/cluster/v1/edges/count").await.ends_with(r#"{"count":"0"}"#));
        node.signal(signal);
        assert_eq!(node.code().await, Some(0));
    }
}

#[tokio::test]
async fn an_open_watch_does_not_hold_it_up() {
    let mut node = Running::start("daemon: {grace: 1h}").await;
    let mut watch = TcpStream::connect(node.addr).await.unwrap();
    watch.write_all(b"GET /cluster/v1/watch HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_ne!(watch.read(&mut [0; 1024]).await.unwrap(), 0);
    node.signal(Signal::SIGTERM);
    assert_eq!(node.code().await, Some(0));
    let mut rest = String::new();
    watch.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("event: end") && rest.contains("shutting down"), "{rest}");
}

/// A request that waits for a Redis that does not answer.
#[tokio::test]
async fn the_grace_has_an_end_and_a_second_signal_ends_it_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let redis = format!(
        "{{dial_timeout: 60s, read_timeout: 60s, standalone: {{addr: '{}'}}}}",
        silent.local_addr().unwrap()
    );
    for (grace, code) in [("200ms", 0), ("1h", 130)] {
        let mut node = Running::start(&format!("redis: {redis}\ndaemon: {{grace: {grace}}}")).await;
        assert!(node.get("/readyz").await.starts_with("HTTP/1.1 503"));
        let mut request = TcpStream::connect(node.addr).await.unwrap();
        request.write_all(b"GET /cluster/v1/edges HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        // By when this is answered that has been read.
        assert!(node.get("/livez").await.starts_with("HTTP/1.1 200"));
        node.signal(Signal::SIGTERM);
        if code == 130 {
            timeout(DEADLINE, async {
                while !node.lines.next_line().await.unwrap().expect("it drains").contains("draining") {}
            })
            .await
            .expect("it says that it drains");
            node.signal(Signal::SIGINT);
            timeout(DEADLINE, async {
                while !node.lines.next_line().await.unwrap().expect("it says so").contains("a second signal")
                {
                }
            })
            .await
            .expect("it says what it cuts");
        }
        assert_eq!(node.code().await, Some(code));
    }
}

#[tokio::test]
async fn check_says_yes_or_no() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/frontlas.yaml");
    assert_eq!(
        ends(&["--check", "--config", sample]).await,
        (Some(0), "the configuration is valid\n".into())
    );
    let bad = file("redis: {mode: clutser}\nmistake: 1\n");
    let (code, printed) = ends(&["--check", "--config", bad.path().to_str().unwrap()]).await;
    assert_eq!(code, Some(64));
    assert!(printed.contains("redis.mode") && printed.contains("mistake: unknown key"), "{printed}");
}

#[tokio::test]
async fn what_is_wrong_from_the_start_has_its_exit_code() {
    let (code, printed) = ends(&["--config", "/nowhere/frontlas.yaml"]).await;
    assert_eq!(code, Some(64));
    assert!(printed.contains("/nowhere/frontlas.yaml") && printed.lines().count() == 1, "{printed}");
    assert_eq!(ends(&["--no-such-option"]).await.0, Some(64));
    assert_eq!(ends(&["--help"]).await.0, Some(0));
    assert_eq!(ends(&["--version"]).await, (Some(0), format!("frontlas {}\n", env!("CARGO_PKG_VERSION"))));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let config = file(&format!("log: {{level: error}}\ncontrol_plane: {{listen: {{addr: '{addr}'}}}}\n"));
    let (code, printed) = ends(&["--config", config.path().to_str().unwrap()]).await;
    assert_eq!(code, Some(1));
    assert!(printed.contains(&format!("can't listen on {addr} for the control plane")), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
}

/// Two replicas on one Redis, which starts after them and goes away again.
#[tokio::test]
async fn replicas_on_one_redis_have_one_history_and_are_ready_while_it_is_there() {
    let mut redis = Server::start();
    let addr = redis.addr();
    redis.kill();
    let yaml = format!("redis: {{standalone: {{addr: '{addr}'}}}}");
    let nodes = [Running::start(&yaml).await, Running::start(&yaml).await];
    nodes[0].is(503).await;
    redis.restart();
    let mut positions = Vec::new();
    for node in &nodes {
        node.is(200).await;
        assert!(node.get("/cluster/v1/edges").await.ends_with(r#"{"edges":[]}"#));
        let mut watch = TcpStream::connect(node.addr).await.unwrap();
        watch.write_all(b"GET /cluster/v1/watch HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut lines = BufReader::new(&mut watch).lines();
        let id = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it goes on");
                if let Some(id) = line.strip_prefix("id: ") {
                    break id.to_owned();
                }
            }
        };
        positions.push(timeout(DEADLINE, id).await.expect("there is a snapshot"));
    }
    assert_eq!(positions[0], positions[1]);
    redis.kill();
    for node in &nodes {
        node.is(503).await;
        assert!(node.get("/cluster/v1/edges").await.starts_with("HTTP/1.1 503"));
        assert!(node.get("/livez").await.starts_with("HTTP/1.1 200"));
    }
}

/// It answers questions as before: only a write shows it.
#[tokio::test]
async fn it_is_not_ready_while_redis_takes_no_writes() {
    let redis = Server::start();
    // It never speaks, so its replica keeps what it has.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = Running::start(&format!("redis: {{standalone: {{addr: '{}'}}}}", redis.addr())).await;
    node.is(200).await;
    redis.cli(&["REPLICAOF", "127.0.0.1", &silent.local_addr().unwrap().port().to_string()]);
    node.is(503).await;
    // Nobody can be kept there: that nobody is found does not say that nobody is connected.
    for path in ["edges", "edges?edge_ids=1", "edge?edge_id=1", "edges/count", "services", "frontiers"] {
        let answer = node.get(&format!("/cluster/v1/{path}")).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("UNAVAILABLE"), "{path}: {answer}");
    }
    redis.cli(&["REPLICAOF", "NO", "ONE"]);
    node.is(200).await;
}
