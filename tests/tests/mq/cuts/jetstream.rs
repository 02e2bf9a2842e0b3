//! JetStream: what is acked is in the stream, and once, whatever is sent again.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, TOPIC};
use crate::world;
use frontier_test_nats::{Client, Server};
use frontier_tests::{GatewayBuilder, StallProxy};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::task::block_in_place;

pub(super) async fn subject() -> Cut {
    let server = block_in_place(Server::start);
    let proxy = StallProxy::to(server.addr()).await;
    (Box::new(server), proxy)
}

impl Subject for Server {
    fn name(&self) -> &'static str {
        "JetStream"
    }

    fn folder(&self) -> &'static str {
        "jetstream"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: false, recognizes: true }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        world::jetstream(addr, TOPIC, &[TOPIC])
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
        let stored = Client::connect(self.addr()).stored(TOPIC);
        Client::connect(self.addr()).jetstream(&format!("STREAM.PURGE.{TOPIC}"), &Value::Null);
        let arrived = stored
            .into_iter()
            .map(|it| Arrived { id: it.headers["Nats-Msg-Id"].clone(), payload: it.payload });
        arrived.collect()
    }
}
