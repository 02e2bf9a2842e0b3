//! What only real servers can show: they die, hang, fail over, refuse, and hold the keys that are documented.

mod access;
mod cluster;
mod demoted;
mod keys;
mod memory;
mod sentinel;
mod server;

use frontlas::{
    Directory, DirectoryError, HostPort, Lifetimes, Presence, RedisConfig, RedisDirectory, RedisMode,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::world::{DEADLINE, Node, frontier};

fn port(addr: SocketAddr) -> HostPort {
    HostPort::new(addr.ip().to_string(), addr.port())
}

/// Impatient, so that a dead server is noticed soon.
fn impatient(mode: RedisMode) -> RedisConfig {
    RedisConfig {
        dial_timeout: Duration::from_millis(1000),
        read_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        ..RedisConfig::new(mode)
    }
}

fn directory(config: RedisConfig) -> Arc<dyn Directory> {
    Arc::new(RedisDirectory::new(config, Lifetimes::default()))
}

/// Refreshes until the directory gives a definite answer.
async fn refreshed(node: &Node) -> Result<(), DirectoryError> {
    let end = Instant::now() + DEADLINE;
    loop {
        match node.directory.refresh(&node.lease).await {
            Err(DirectoryError::Unavailable(why)) => assert!(Instant::now() < end, "still: {why}"),
            result => return result,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Does what a frontier does whose lease is lost.
async fn rejoin(node: Node, snapshot: &[Presence]) -> Node {
    let incarnation = Some(node.lease.incarnation());
    let lease = node.directory.join(&frontier(node.lease.frontier()), incarnation).await.unwrap();
    let node = Node { lease, ..node };
    node.resync(snapshot).await;
    node
}

/// The error must be one line that names the address and no secret.
fn check_line(error: &DirectoryError, names: &str) {
    let DirectoryError::Unavailable(line) = error else { panic!("{error:?}") };
    assert!(line.starts_with("redis: ") && line.contains(names), "{line}");
    assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
}
