//! NSQ: what is acked is in the queue of an nsqd, which a kill empties.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, RECOVERY, TOPIC};
use crate::nsqd::{Nsqd, Reader};
use crate::python::bytes;
use crate::world;
use frontier_tests::{GatewayBuilder, StallProxy};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CHANNEL: &str = "archive";

struct Consumed {
    server: Nsqd,
    got: Arc<Mutex<Vec<Arrived>>>,
}

pub(super) async fn subject() -> Cut {
    let server = Nsqd::start();
    let (proxy, got) = (StallProxy::to(server.addr()).await, Arc::<Mutex<Vec<Arrived>>>::default());
    let (addr, reading) = (server.addr(), Arc::downgrade(&got));
    std::thread::spawn(move || {
        let mut known = BTreeSet::new();
        // Until nobody asks any more. An nsqd that is away comes back.
        while reading.strong_count() > 0 {
            let Ok(mut reader) = Reader::connect(addr, TOPIC, CHANNEL) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            while let (Some(got), Ok((id, body))) = (reading.upgrade(), reader.try_next()) {
                // What nsqd gives once more, since it did not hear that it was finished, has the id that nsqd gave it.
                if known.insert(id) {
                    got.lock().unwrap().push(parse(&body));
                }
            }
        }
    });
    (Box::new(Consumed { server, got }), proxy)
}

fn parse(body: &[u8]) -> Arrived {
    let json: Value = serde_json::from_slice(body).unwrap();
    Arrived { payload: bytes(&json["payload"]), id: json["message_id"].as_str().unwrap().to_owned() }
}

impl Subject for Consumed {
    fn name(&self) -> &'static str {
        "NSQ"
    }

    fn folder(&self) -> &'static str {
        "nsq"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: true, recognizes: false }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        world::nsq(&[addr], &[TOPIC]).set("mq.nsq.producer.format", "json")
    }

    fn kill(&mut self) {
        self.server.kill();
    }

    fn start(&mut self) {
        self.server.start_again();
    }

    fn signal(&self, signal: &str) {
        self.server.signal(signal);
    }

    fn read(&mut self) -> Vec<Arrived> {
        let end = Instant::now() + RECOVERY;
        loop {
            let channel = self.server.channel(TOPIC, CHANNEL);
            let (topic, zero) = (self.server.topic(TOPIC), |it: &Value, key: &str| it[key] == 0);
            if zero(&topic, "depth") && zero(&channel, "depth") && zero(&channel, "in_flight_count") {
                return std::mem::take(&mut *self.got.lock().unwrap());
            }
            assert!(Instant::now() < end, "not all is read: {topic}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
