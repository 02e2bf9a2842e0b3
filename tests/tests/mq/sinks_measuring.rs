//! How much edges publish to Kafka, beside what its client reaches alone and what a service takes, with everything on
//! one machine.

use crate::kafka_server::Kafka;
use crate::world::{connected, edge};
use frontier_sdk::Edge;
use frontier_tests::{Gateway, within};
use krafka::Record;
use krafka::producer::{Acks, Producer};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Messages of each round.
const COUNT: usize = 500_000;

/// Bytes of each.
const SIZE: usize = 256;

const EDGES: u64 = 10;

const IN_FLIGHT: usize = 2048;

/// Runs `IN_FLIGHT` tasks that take the next message until there is none: how many a second.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    send: impl Fn(usize) -> F + Clone + Send + 'static,
) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let senders: Vec<_> = (0..IN_FLIGHT)
        .map(|number| {
            let (next, send) = (next.clone(), send.clone());
            tokio::spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < COUNT {
                    send(number).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    f64::from(u32::try_from(COUNT).unwrap()) / begun.elapsed().as_secs_f64()
}

/// The same for edges, with the processor time of the gateway for each message.
async fn publish(gateway: &mut Gateway, edges: &Arc<Vec<Edge>>, topic: &'static str) -> (f64, Duration) {
    let before = gateway.process().cpu();
    let edges = edges.clone();
    let rate = rate(move |number| {
        let edges = edges.clone();
        async move { edges[number % edges.len()].publish(topic, vec![b'x'; SIZE]).await.unwrap() }
    });
    let rate = rate.await;
    (rate, (gateway.process().cpu() - before) / u32::try_from(COUNT).unwrap())
}

/// The processor time of this process so far.
fn process_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = [usage.user_time(), usage.system_time()].map(|time| time.num_microseconds());
    Duration::from_micros(micros.iter().sum::<i64>().cast_unsigned())
}

/// What the gateway uses, in this process: a record with the same headers and key.
async fn alone(kafka: &Kafka) -> f64 {
    let client = krafka::Kafka::builder(kafka.addr(0)).connect().await.unwrap();
    let producer =
        client.producer().acks(Acks::All).idempotent(true).linger(Duration::ZERO).batch_size(256 << 10);
    let producer: Arc<Producer> = Arc::new(producer.build().await.unwrap());
    rate(move |number| {
        let producer = producer.clone();
        async move {
            let edge = number as u64 % EDGES;
            let record = Record::new("load", vec![b'x'; SIZE])
                .key(edge.to_be_bytes().to_vec())
                .header("Frontier-Topic", "load")
                .header("Frontier-Message-Id", "0123456789abcdef-123456")
                .header("Frontier-Edge-Id", edge.to_string());
            let stored = producer.enqueue(record).await.unwrap();
            assert!(stored.await.is_ok());
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine, of a release build"]
async fn measuring_what_edges_publish() {
    let kafka = Kafka::shared();
    kafka.topic("load", 3, 1, &json!({}));
    let mut gateway = Gateway::builder()
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.addr(0)]))
        .set("mq.kafka.producer.topics", json!(["load"]))
        .set("log.level", "info")
        .start()
        .await;
    connected(&gateway, 1).await;
    let taker = gateway.service("taker").topics(["taken"]).receive_queue(2 * IN_FLIGHT);
    let taker = within("a service connects", taker.connect()).await.unwrap();
    tokio::spawn(async move {
        while let Some(message) = taker.recv().await {
            message.done();
        }
    });
    let mut edges = Vec::new();
    for id in 1..=EDGES {
        edges.push(edge(&gateway, id).await);
    }
    let edges = Arc::new(edges);
    for _ in 0..3 {
        let (rate, cpu) = publish(&mut gateway, &edges, "load").await;
        println!("edges to Kafka: {rate:.0}/s, gateway {:.1} us a message", cpu.as_secs_f64() * 1e6);
        let before = process_time();
        let rate = alone(&kafka).await;
        let cpu = (process_time() - before) / u32::try_from(COUNT).unwrap();
        println!("its client alone: {rate:.0}/s, {:.1} us a message", cpu.as_secs_f64() * 1e6);
        let (rate, cpu) = publish(&mut gateway, &edges, "taken").await;
        println!("edges to a service: {rate:.0}/s, gateway {:.1} us a message", cpu.as_secs_f64() * 1e6);
    }
}
