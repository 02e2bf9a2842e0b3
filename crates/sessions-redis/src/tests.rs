//! Against real servers: the contract, what a server promises, and servers that are away, full, slow, demoted.

mod away;
mod contract;
mod leader;
mod promises;

use crate::{RedisStore, RedisStoreConfig};
use frontier_config::HostPort;
use frontier_redis::{RedisConfig, RedisMode};
use frontier_sessions::{
    Budget, ClientId, Commit, Completion, MessageId, Outcome, Request, Response, SessionId, SessionKind,
    SessionRecord, Settings, StoredRequest,
};
use std::net::SocketAddr;
use std::time::Duration;

/// More than there is.
const ALL: Budget = Budget { items: 100_000, bytes: usize::MAX };

/// What a server is started with that has every write on disk before it answers.
const SYNCED: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

fn port(addr: SocketAddr) -> HostPort {
    HostPort { host: addr.ip().to_string(), port: addr.port() }
}

fn standalone(addr: SocketAddr) -> RedisMode {
    RedisMode::Standalone { addr: port(addr), db: 0 }
}

fn config(mode: RedisMode) -> RedisStoreConfig {
    RedisStoreConfig { redis: RedisConfig::new(mode), prefix: "sessions:".to_owned(), replicas: 0 }
}

/// Of one that gives up soon.
fn impatient(mode: RedisMode) -> RedisStore {
    let mut config = config(mode);
    config.redis.read_timeout = Duration::from_millis(200);
    config.redis.write_timeout = Duration::from_millis(100);
    RedisStore::new(config)
}

fn store(mode: RedisMode) -> RedisStore {
    RedisStore::new(config(mode))
}

fn client() -> ClientId {
    ClientId::anonymous()
}

fn record(id: u128, kind: SessionKind) -> SessionRecord {
    let settings = Settings { kind, ..Settings::interactive("calc") };
    SessionRecord { id: SessionId(id), settings, creator: None, created_at: 1, notes: Vec::new() }
}

fn request_of(sequence: u64, size: usize) -> StoredRequest {
    let request = Request {
        id: MessageId(u128::from(sequence) + 1000),
        action: "add".into(),
        body: vec![7; size].into(),
        user_data: "".into(),
    };
    StoredRequest { sequence, request }
}

fn requests(range: std::ops::Range<u64>) -> Vec<StoredRequest> {
    range.map(|sequence| request_of(sequence, 10)).collect()
}

fn completion(sequence: u64, position: u64) -> Completion {
    let request = MessageId(u128::from(sequence) + 1000);
    let response = Response { request, user_data: "".into(), outcome: Outcome::Answer("answer".into()) };
    Completion { sequence, position, response }
}

fn commit(before: u64) -> Commit {
    Commit { batch: 0, received: before, before, ended: false }
}
