//! RabbitMQ: what is acked is in a durable queue, once as long as there is no spool.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, TOPIC};
use crate::python::bytes;
use crate::rabbitmq::{RabbitMq, VirtualHost};
use frontier_tests::{Gateway, GatewayBuilder, StallProxy};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::block_in_place;

const NAME: &str = "cuts";

pub(super) async fn subject() -> Cut {
    let host = block_in_place(|| VirtualHost::of(Arc::new(RabbitMq::start()), NAME));
    block_in_place(|| host.client(&["queue", TOPIC, "{}"]));
    // One that is killed within a second of that does not have the queue any more, nor what it has confirmed.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let proxy = StallProxy::to(host.server.addr()).await;
    (Box::new(host), proxy)
}

impl Subject for VirtualHost {
    fn name(&self) -> &'static str {
        "RabbitMQ"
    }

    fn folder(&self) -> &'static str {
        "amqp"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: false, recognizes: false }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        Gateway::builder()
            .set("mq.amqp.enable", true)
            .set("mq.amqp.addrs", json!([addr.to_string()]))
            .set("mq.amqp.vhost", NAME)
            .set("mq.amqp.username", NAME)
            .set("mq.amqp.password", NAME)
            .set("mq.amqp.queues", json!([{"name": TOPIC}]))
            .set("mq.amqp.producer.routing_keys", json!([TOPIC]))
    }

    fn kill(&mut self) {
        Arc::get_mut(&mut self.server).expect("nobody else has it").kill();
    }

    fn start(&mut self) {
        Arc::get_mut(&mut self.server).expect("nobody else has it").restart();
    }

    fn signal(&self, signal: &str) {
        self.server.signal(signal);
    }

    fn read(&mut self) -> Vec<Arrived> {
        let messages = self.drain(TOPIC);
        let arrived = messages.iter().map(|message| Arrived {
            payload: bytes(&message["payload"]),
            id: message["message_id"].as_str().unwrap().to_owned(),
        });
        arrived.collect()
    }
}
