//! What calls and other topics notice of a broker that is killed, stands still, or takes nothing.

use crate::load::Load;
use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::world::{connected, edge};
use frontier_sdk::{Edge, Service};
use frontier_test_redis::Server;
use frontier_tests::{Gateway, echo, within};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Between two requests of a kind.
const PAUSE: Duration = Duration::from_millis(2);

/// How long is measured, but for the broker that stands still.
const TIME: Duration = Duration::from_secs(15);

/// How long a broker stands still.
const FROZEN: Duration = Duration::from_secs(30);

/// What is sent beside the broker's topic.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Call,
    ToService,
    ToOtherBroker,
}

const KINDS: [Kind; 3] = [Kind::Call, Kind::ToService, Kind::ToOtherBroker];

/// Requests of one kind, one after the other.
struct Probe {
    kind: Kind,
    took: Arc<Mutex<Vec<Duration>>>,
}

impl Probe {
    async fn start(gateway: &Gateway, id: u64, kind: Kind) -> Self {
        let (edge, took) = (edge(gateway, id).await, Arc::<Mutex<Vec<Duration>>>::default());
        tokio::spawn({
            let took = took.clone();
            async move {
                loop {
                    let begun = Instant::now();
                    send(&edge, kind).await;
                    took.lock().unwrap().push(begun.elapsed());
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Self { kind, took }
    }

    fn forget(&self) {
        self.took.lock().unwrap().clear();
    }

    fn print(&self, when: &str) {
        let mut took = std::mem::take(&mut *self.took.lock().unwrap());
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
        println!(
            "{when}: {:?}: {} requests, p50 {:.2} ms, p99 {:.2} ms, the longest {:.1} ms",
            self.kind,
            took.len(),
            at(500),
            at(990),
            at(1000)
        );
    }
}

async fn send(edge: &Edge, kind: Kind) {
    match kind {
        Kind::Call => drop(edge.call("echo", "1").await.unwrap()),
        Kind::ToService => edge.publish("seen", "1").await.unwrap(),
        Kind::ToOtherBroker => edge.publish("other", "1").await.unwrap(),
    }
}

async fn receiving(gateway: &Gateway) -> Service {
    let service = within("a service", gateway.service("plant").topics(["seen"]).connect()).await.unwrap();
    echo(&service, "echo").await.unwrap();
    tokio::spawn({
        let service = service.clone();
        async move {
            while let Some(message) = service.recv().await {
                message.done();
            }
        }
    });
    service
}

async fn measured(probes: &[Probe], when: &str, time: Duration) {
    probes.iter().for_each(Probe::forget);
    tokio::time::sleep(time).await;
    probes.iter().for_each(|probe| probe.print(when));
}

/// `FRONTIER_BIN` names another build of the gateway.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine, of a release build"]
async fn measuring_others_beside_a_broker_that_is_away_or_in_alarm() {
    let mut host = VirtualHost::of(Arc::new(RabbitMq::start()), "beside");
    let redis = Server::start();
    let gateway = Gateway::builder()
        .set("log.level", "info")
        .set("mq.amqp.enable", true)
        .set("mq.amqp.addrs", json!([host.server.addr().to_string()]))
        .set("mq.amqp.vhost", host.name)
        .set("mq.amqp.username", host.name)
        .set("mq.amqp.password", host.name)
        .set("mq.amqp.queues", json!([{"name": "load"}]))
        .set("mq.amqp.producer.routing_keys", json!(["load"]))
        .set("mq.redis.enable", true)
        .set("mq.redis.addrs", json!([redis.addr().to_string()]))
        .set("mq.redis.streams.max_len", 1000)
        .set("mq.redis.streams.producer.topics", json!(["other"]))
        .start()
        .await;
    connected(&gateway, 2).await;
    let _service = receiving(&gateway).await;
    let mut probes = Vec::new();
    for (id, kind) in (100..).zip(KINDS) {
        probes.push(Probe::start(&gateway, id, kind).await);
    }
    measured(&probes, "nothing goes to the broker", TIME).await;
    let load = Load::start(&gateway, "load", 4).await;
    load.acked(1000).await;
    measured(&probes, "it takes messages", TIME).await;
    host.server.signal("-STOP");
    measured(&probes, "it stands still", FROZEN).await;
    host.server.signal("-CONT");
    load.acked(100).await;
    host.server.eval("vm_memory_monitor:set_vm_memory_high_watermark(0.0).");
    measured(&probes, "it is in alarm", TIME).await;
    host.server.eval("vm_memory_monitor:set_vm_memory_high_watermark(0.8).");
    load.acked(100).await;
    Arc::get_mut(&mut host.server).expect("nobody else has it").kill();
    measured(&probes, "it was killed", TIME).await;
    let published = load.stop().await;
    println!("{} were acked, others: {:?}", published.acked(), published.codes());
}
