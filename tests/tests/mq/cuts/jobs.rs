//! Jobs that send by the relay over gRPC, each message with a key, and repeat what they had no answer to.

use super::model::{End, Sent, payload};
use super::writers::{Shared, Writers};
use super::{Bed, Cut, TOPIC};
use frontier_api::messagebroker::message_broker_client::MessageBrokerClient;
use frontier_api::messagebroker::{
    KafkaMessage, KafkaTarget, Message, RabbitMqMessage, RabbitMqTarget, Response,
};
use frontier_tests::GatewayBuilder;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// How many there are.
const JOBS: u64 = 16;

/// The time of a first attempt. A second one has twice as much.
const ATTEMPT: Duration = Duration::from_millis(500);

/// What both take.
const BUDGET: Duration = Duration::from_millis(1500);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(10);

/// How often a message is sent of which it is certain that it is not there.
const TRIES: usize = 5;

/// What `error_no` says, as the guide has it.
const MAY_BE_STORED: [i32; 3] = [9, 10, 15];
const MAY_BE_TRIED_AGAIN: [i32; 5] = [4, 5, 7, 8, 14];

/// Which broker a job names.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    Kafka,
    RabbitMq,
}

/// A gateway with a relay that sends to the broker, and where that listens, across restarts.
pub(super) async fn bed(to: To, (subject, proxy): Cut) -> (Bed, SocketAddr) {
    let relay_addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let with_relay = |gateway: GatewayBuilder| {
        gateway
            .set("relay.enable", true)
            .set("relay.listen.addr", relay_addr.to_string())
            .set("relay.attempt_timeout", format!("{}ms", ATTEMPT.as_millis()))
            .set("relay.job_rate", 0)
    };
    let gateway = with_relay(super::quick(subject.gateway(proxy.addr())));
    let gateway = match to {
        To::Kafka => gateway.set("relay.kafka.topics", json!([TOPIC])),
        To::RabbitMq => gateway.set("relay.amqp.exchanges", json!([{"name": "", "routing_keys": "*"}])),
    };
    (Bed::of(gateway, subject, proxy).await, relay_addr)
}

/// They send by the relay, for this part of a run.
pub(super) fn start(addr: SocketAddr, to: To, part: u64) -> Writers {
    let (mut tasks, shared) = (JoinSet::new(), Arc::<Shared>::default());
    for id in 1..=JOBS {
        let channel = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        let channel = channel.connect_timeout(Duration::from_secs(1)).connect_lazy();
        let job = Job { client: MessageBrokerClient::new(channel), to, part, id };
        tasks.spawn(job.run(shared.clone()));
    }
    Writers::of(tasks, shared)
}

struct Job {
    client: MessageBrokerClient<Channel>,
    to: To,
    part: u64,
    id: u64,
}

impl Job {
    async fn run(self, shared: Arc<Shared>) -> (u64, Vec<Sent>) {
        let (mut next, mut all) = (0, Vec::new());
        while !shared.stop.load(SeqCst) {
            let (published, from) = (Instant::now(), shared.epoch.load(SeqCst));
            let end = self.send(next, &shared).await;
            let pause = if matches!(end, End::Acked) { 10 } else { 50 };
            if matches!(end, End::Acked) {
                shared.acked.fetch_add(1, SeqCst);
            }
            let epochs = (from, shared.epoch.load(SeqCst));
            all.push(Sent { number: next, end, published, ended: Instant::now(), epochs });
            next += 1;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        (self.id, all)
    }

    /// Sends it under its key until it is known what became of it, or nobody will ever know.
    async fn send(&self, number: u64, shared: &Shared) -> End {
        let first = Instant::now();
        let (mut tries, mut has_left) = (0, false);
        loop {
            let begun = Instant::now();
            let answer = self.call(number, has_left.then(|| first.elapsed())).await;
            let took = begun.elapsed();
            let response = match answer {
                Ok(response) => response,
                // The gateway is away, or was killed with it.
                Err(status) => {
                    let is_away =
                        matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Unknown);
                    assert!(is_away, "job {}, {number}: {status:?}", self.id);
                    has_left = true;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            assert!(
                took < BUDGET + SLACK,
                "job {}, {number}: answered after {took:?}: {response:?}",
                self.id
            );
            shared.took(took);
            match response.error_no {
                0 => return End::Acked,
                no if MAY_BE_STORED.contains(&no) => return End::Unknown,
                no if MAY_BE_TRIED_AGAIN.contains(&no) && tries < TRIES => tries += 1,
                no if MAY_BE_TRIED_AGAIN.contains(&no) => return End::NotStored(response.error_message),
                _ => {
                    panic!("job {}, {number}: nothing else happens to these messages: {response:?}", self.id)
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn call(&self, number: u64, age: Option<Duration>) -> Result<Response, Status> {
        let Self { to, part, id, .. } = self;
        let message = Some(Message { data: payload(*part, *id, number) });
        let mut client = self.client.clone();
        match to {
            To::Kafka => {
                let target = Some(KafkaTarget { brokers: Vec::new(), topic: TOPIC.into() });
                let request = self.request(number, age, KafkaMessage { target, message });
                client.send_kafka_message(request).await
            }
            To::RabbitMq => {
                let (server, exchange) = (String::new(), String::new());
                let target = Some(RabbitMqTarget { server, exchange, route_key: TOPIC.into() });
                let request = self.request(number, age, RabbitMqMessage { target, message });
                client.send_rabbit_mq_message(request).await
            }
        }
        .map(tonic::Response::into_inner)
    }

    fn request<T>(&self, number: u64, age: Option<Duration>, message: T) -> Request<T> {
        let Self { part, id, .. } = self;
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("frontier-job", format!("job-{id}").parse().unwrap());
        metadata.insert("idempotency-key", format!("{part}-{id}-{number}").parse().unwrap());
        if let Some(age) = age {
            metadata.insert("frontier-repeat-age", u64::try_from(age.as_millis()).unwrap().into());
        }
        request
    }
}
