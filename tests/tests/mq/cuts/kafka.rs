//! Kafka: what is acked is in the log, once as long as there is no spool.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, TOPIC};
use crate::kafka_server::Kafka;
use crate::python::bytes;
use frontier_tests::{Gateway, GatewayBuilder, StallProxy};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use tokio::task::block_in_place;

pub(super) async fn subject() -> Cut {
    // What a broker says of its address leads through the network too.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = StallProxy::to(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let kafka = block_in_place(|| {
        let kafka = Kafka::behind(proxy.addr(), port);
        kafka.topic(TOPIC, 3, 1, &json!({}));
        kafka
    });
    (Box::new(kafka), proxy)
}

impl Subject for Kafka {
    fn name(&self) -> &'static str {
        "Kafka"
    }

    fn folder(&self) -> &'static str {
        "kafka"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: false, recognizes: false }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        Gateway::builder()
            .set("mq.kafka.enable", true)
            .set("mq.kafka.addrs", json!([addr.to_string()]))
            .set("mq.kafka.producer.topics", json!([TOPIC]))
    }

    fn kill(&mut self) {
        Kafka::kill(self, 0);
    }

    fn start(&mut self) {
        self.restart(0);
    }

    fn signal(&self, signal: &str) {
        Kafka::signal(self, signal);
    }

    fn read(&mut self) -> Vec<Arrived> {
        let records = self.drain(TOPIC);
        self.client(&["trim", TOPIC]);
        let id = |id: Vec<u8>| String::from_utf8(id).unwrap();
        let arrived = records.iter().map(|record| Arrived {
            payload: bytes(&record["payload"]),
            id: id(bytes(&record["headers"]["Frontier-Message-Id"])),
        });
        arrived.collect()
    }
}
