//! Streams of Redis with an append-only file that is synced: what is acked is an entry, once as long as there is no spool.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, TOPIC};
use crate::resp::{Resp, field};
use crate::world;
use frontier_test_redis::Server;
use frontier_tests::{GatewayBuilder, StallProxy};
use std::net::SocketAddr;
use tokio::task::block_in_place;

pub(super) async fn subject() -> Cut {
    let server = block_in_place(|| Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]));
    let proxy = StallProxy::to(server.addr()).await;
    (Box::new(server), proxy)
}

impl Subject for Server {
    fn name(&self) -> &'static str {
        "Redis"
    }

    fn folder(&self) -> &'static str {
        "redis_streams"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: false, recognizes: false }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        world::streams(&[addr], &[TOPIC])
    }

    fn kill(&mut self) {
        Server::kill(self);
    }

    fn start(&mut self) {
        self.restart();
    }

    fn signal(&self, signal: &str) {
        Server::signal(self, signal);
    }

    fn read(&mut self) -> Vec<Arrived> {
        let mut client = Resp::connect(self.addr());
        let entries = client.entries(TOPIC);
        client.ask(&["DEL", TOPIC]);
        let arrived = entries.iter().map(|entry| Arrived {
            payload: field(entry, "payload").to_vec(),
            id: String::from_utf8(field(entry, "message_id").to_vec()).unwrap(),
        });
        arrived.collect()
    }
}
