//! MQTT: what is acked went to who had subscribed, unless the server was killed just then.

use super::model::{Arrived, Promises};
use super::subject::Subject;
use super::{Cut, RECOVERY, TOPIC};
use crate::mosquitto::{Got, Mosquitto, Subscriber};
use crate::world;
use frontier_tests::{GatewayBuilder, StallProxy};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

struct Subscribed {
    server: Mosquitto,
    /// `mosquitto_sub` does not always come back to a server that was killed: each start of that has one of its own.
    subscriber: Option<Subscriber>,
    /// What those before it have got.
    before: Vec<Got>,
    /// What has been read of what came.
    taken: usize,
}

impl Subscribed {
    fn got(&self) -> Vec<Got> {
        let now = self.subscriber.as_ref().map(Subscriber::got);
        self.before.iter().cloned().chain(now.into_iter().flatten()).collect()
    }
}

pub(super) async fn subject() -> Cut {
    let server = Mosquitto::start();
    let proxy = StallProxy::to(server.addr()).await;
    let subscriber = Subscriber::start(&server, TOPIC, &[]).await;
    (Box::new(Subscribed { server, subscriber: Some(subscriber), before: Vec::new(), taken: 0 }), proxy)
}

impl Subject for Subscribed {
    fn name(&self) -> &'static str {
        "Mosquitto"
    }

    fn folder(&self) -> &'static str {
        "mqtt"
    }

    fn promises(&self) -> Promises {
        Promises { forgets: true, recognizes: false }
    }

    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder {
        world::mqtt(&[addr], &[TOPIC])
    }

    fn kill(&mut self) {
        self.server.kill();
        self.before.extend(self.subscriber.take().map(Subscriber::end).into_iter().flatten());
    }

    fn start(&mut self) {
        self.server.restart();
        let subscribing = Subscriber::start(&self.server, TOPIC, &[]);
        self.subscriber = Some(tokio::runtime::Handle::current().block_on(subscribing));
    }

    fn signal(&self, signal: &str) {
        self.server.signal(signal);
    }

    fn read(&mut self) -> Vec<Arrived> {
        // What was passed on comes at once, in its order: nothing more does once nothing has for some time.
        let (mut got, end) = (self.got(), Instant::now() + RECOVERY);
        loop {
            std::thread::sleep(Duration::from_secs(2));
            let now = self.got();
            if now.len() == got.len() || Instant::now() > end {
                break;
            }
            got = now;
        }
        let new = got.split_off(self.taken);
        self.taken += new.len();
        let arrived = new.into_iter().map(|got| Arrived {
            id: got.properties["user-properties"]["Frontier-Message-Id"].as_str().unwrap().to_owned(),
            payload: got.payload,
        });
        arrived.collect()
    }
}
