//! How much the relay carries over gRPC, with everything on one machine.

use crate::kafka_server::Kafka;
use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{relay, relay_of, texts, to_queues};
use crate::world::connected;
use frontier_api::messagebroker::message_broker_client::MessageBrokerClient;
use frontier_api::messagebroker::{KafkaMessage, KafkaTarget, Message, RabbitMqMessage, RabbitMqTarget};
use frontier_tests::Process;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::Endpoint;

/// Messages of a round.
const COUNT: usize = 100_000;

/// Messages a second of a round that is not as fast as it can be.
const PACE: u32 = 5000;

/// Bytes of each.
const SIZE: usize = 256;

const CONNECTIONS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum To {
    Kafka,
    RabbitMq,
}

/// Sends `count` messages, as fast as so many in flight allow, or at a rate: message by message then, from their own
/// times on, so that one that is late makes the next ones late as well.
async fn round(addr: &str, to: To, in_flight: usize, count: usize, pace: Option<u32>) {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let channel = Endpoint::from_shared(format!("http://{addr}")).unwrap().connect().await.unwrap();
        for _ in 0..in_flight / CONNECTIONS {
            let (mut client, next) = (MessageBrokerClient::new(channel.clone()), next.clone());
            callers.push(tokio::spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let due = pace
                        .map(|rate| start + Duration::from_secs(1) / rate * u32::try_from(number).unwrap());
                    if let Some(due) = due {
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let begun = due.unwrap_or_else(Instant::now);
                    let message = Some(Message { data: vec![b'x'; SIZE] });
                    let answer = match to {
                        To::Kafka => {
                            let target = KafkaTarget { brokers: Vec::new(), topic: "load".into() };
                            let message = KafkaMessage { target: Some(target), message };
                            client.send_kafka_message(message).await
                        }
                        To::RabbitMq => {
                            let (server, exchange) = (String::new(), String::new());
                            let target = RabbitMqTarget { server, exchange, route_key: "load".into() };
                            let message = RabbitMqMessage { target: Some(target), message };
                            client.send_rabbit_mq_message(message).await
                        }
                    };
                    assert_eq!(answer.unwrap().into_inner().error_no, 0);
                    took.push(begun.elapsed());
                }
                took
            }));
        }
    }
    let mut took: Vec<Duration> = Vec::new();
    for caller in callers {
        took.extend(caller.await.unwrap());
    }
    let rate = f64::from(u32::try_from(took.len()).unwrap()) / start.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 1000].as_secs_f64() * 1000.0;
    println!(
        "{to:?}, {in_flight} in flight at most: {rate:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
        at(500),
        at(990)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine, of a release build"]
async fn measuring_the_relay() {
    let host = VirtualHost::of(RabbitMq::shared(), "load");
    let kafka = Kafka::shared();
    kafka.topic("load", 3, 1, &json!({}));
    let gateway = to_queues(relay(), &host, &["load"])
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.addr(0)]))
        .set("relay.kafka.topics", json!(["load"]))
        .set("relay.job_rate", 0)
        .set("log.level", "info")
        .start()
        .await;
    connected(&gateway, 2).await;
    let addr = relay_of(&gateway).await.to_string();
    for to in [To::Kafka, To::RabbitMq] {
        for in_flight in [64, 1024] {
            round(&addr, to, in_flight, COUNT, None).await;
        }
        round(&addr, to, 1024, COUNT / 2, Some(PACE)).await;
    }
}

/// How many jobs send at once: as many as a scheduler starts.
const JOBS_AT_ONCE: usize = 64;

/// Jobs that are started, send one message and end, each a process with a connection of its own. `FRONTIER_BIN` and `SEND_BIN` name
/// other builds of the programs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine, of a release build"]
async fn measuring_jobs_that_send_one_message_and_leave() {
    let count = std::env::var("JOBS").map_or(10_000, |text| text.parse().unwrap());
    let host = VirtualHost::of(RabbitMq::shared(), "leave");
    let gateway = to_queues(relay(), &host, &["leave"]).set("log.level", "info");
    let mut gateway = gateway.start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await.to_string();
    let program = std::env::var_os("SEND_BIN").map_or_else(|| Process::binary("send-under-test"), Into::into);
    let (next, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let jobs = (0..JOBS_AT_ONCE).map(|_| {
        let (next, addr, program) = (next.clone(), addr.clone(), program.clone());
        tokio::spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return took;
                }
                let mut job = tokio::process::Command::new(&program);
                job.args(["amqp", "--routing-key=leave", "--strict", &number.to_string()]);
                job.env_clear().env("FRONTIER_RELAY", &addr).env("SLURM_JOB_ID", number.to_string());
                let start = Instant::now();
                let output = job.output().await.unwrap();
                took.push(start.elapsed());
                assert!(output.status.success(), "{number}: {}", String::from_utf8_lossy(&output.stderr));
            }
        })
    });
    let mut took: Vec<Duration> = Vec::new();
    for job in jobs.collect::<Vec<_>>() {
        took.extend(job.await.unwrap());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let memory = gateway.process().rss() >> 20;
    let mut arrived: Vec<usize> =
        texts(&host.drain("leave")).iter().map(|text| text.parse().unwrap()).collect();
    arrived.sort_unstable();
    assert!(arrived == (0..count).collect::<Vec<_>>(), "{} of {count}", arrived.len());
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
    println!(
        "{count} jobs in {seconds:.0} s, each once: p50 {:.1} ms, p99 {:.1} ms, the longest {:.1} ms; the gateway has {memory} MiB",
        at(500),
        at(990),
        at(1000)
    );
    assert!(at(990) < 2000.0);
}
