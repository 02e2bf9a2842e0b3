//! Sources for minutes, with receivers that come and go by chance: each message comes to its edge, in order, again only where the
//! edge has left with it; and the gateway's memory stays what it was.
//!
//! A run can be had again by its seed, but for what the machine does meanwhile: `MINUTES=2 SEED=1`.

use super::{amqp, buried, kafka, nats, redis};
use crate::kafka_server::Kafka;
use crate::rabbitmq::VirtualHost;
use crate::world::{observed, of_source};
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{Gateway, GatewayBuilder, eventually};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Who receives.
const EDGES: Range<u64> = 1..9;

/// Numbers that are sent to each of them at once.
const ROUND: usize = 50;

/// By how many bytes a gateway may grow once it has had a quarter of the time.
const GROWTH: u64 = 32 << 20;

/// How long everything may take that is left when no more is sent.
const RECOVERY: Duration = Duration::from_secs(120);

/// Sends these numbers to each of these edges. Blocks.
type Send = dyn Fn(&[u64], Range<usize>) + std::marker::Send + Sync;

/// A broker, and the gateway that reads from it.
struct Subject {
    name: &'static str,
    gateway: GatewayBuilder,
    send: Arc<Send>,
    /// Whether the broker has heard that all of them have come. Blocks.
    is_acked: Box<dyn Fn() -> bool>,
}

/// What has come to an edge, and how often it has left with a message.
#[derive(Default)]
struct Received {
    /// How many numbers have come, from 0 on.
    next: Cell<usize>,
    again: Cell<usize>,
    left: Cell<usize>,
}

impl Received {
    fn note(&self, text: &[u8]) {
        let number: usize = std::str::from_utf8(text).unwrap().parse().unwrap();
        let next = self.next.get();
        assert!(number <= next, "{number} comes before {next}");
        match number == next {
            true => self.next.set(next + 1),
            false => self.again.set(self.again.get() + 1),
        }
    }
}

/// An edge that comes and goes, now and then with a message that it has not acked, until `sent` says how many there are; then it
/// stays until all have come. With it comes itself, which may be about to ack the last one.
async fn come_and_go(gateway: &Gateway, id: u64, seed: u64, sent: &Cell<Option<usize>>) -> (Received, Edge) {
    let (received, chance) = (Received::default(), RefCell::new(StdRng::seed_from_u64(seed ^ id)));
    let millis = |range: Range<u64>| Duration::from_millis(chance.borrow_mut().random_range(range));
    let is_whole = || sent.get().is_some_and(|sent| received.next.get() >= sent);
    loop {
        let edge = gateway.edge().id(EdgeId(id)).connect().await.unwrap();
        let until = Instant::now() + millis(200..4000);
        while !is_whole() && (sent.get().is_some() || Instant::now() < until) {
            let Ok(message) = timeout(Duration::from_millis(100), edge.recv()).await else { continue };
            let message = message.expect("it is not closed");
            received.note(&message.data);
            if sent.get().is_none() && chance.borrow_mut().random_bool(0.002) {
                // With it in its hands.
                break;
            }
            message.done();
        }
        if is_whole() {
            return (received, edge);
        }
        received.left.set(received.left.get() + 1);
        drop(edge);
        if sent.get().is_none() {
            sleep(millis(0..1500)).await;
        }
    }
}

/// Sends at a steady rate for so long. How many numbers each edge is to have, and the most that the gateway had in memory before
/// a quarter of the time was over, and after.
async fn send(subject: &Subject, gateway: &Gateway, time: Duration) -> (usize, [u64; 2]) {
    let (begun, mut sent, mut memory) = (Instant::now(), 0, [0; 2]);
    while begun.elapsed() < time {
        let (send, numbers) = (subject.send.clone(), sent..sent + ROUND);
        let ids: Vec<u64> = EDGES.collect();
        tokio::task::spawn_blocking(move || send(&ids, numbers)).await.unwrap();
        sent += ROUND;
        let most = &mut memory[usize::from(begun.elapsed() > time / 4)];
        *most = gateway.rss().max(*most);
        // The rate, and no condition.
        sleep(Duration::from_millis(500)).await;
    }
    (sent, memory)
}

async fn soak(subject: Subject) {
    let number =
        |name, default| std::env::var(name).map_or(default, |text: String| text.parse::<u64>().unwrap());
    let (minutes, seed) = (number("MINUTES", 5), number("SEED", 1));
    let gateway = observed(subject.gateway.clone()).start().await;
    let sent = Cell::new(None);
    let sending = async {
        let (count, memory) = send(&subject, &gateway, Duration::from_secs(60 * minutes)).await;
        sent.set(Some(count));
        (count, memory, Instant::now())
    };
    let receiving = join_all(EDGES.map(|id| come_and_go(&gateway, id, seed, &sent)));
    let all = async { tokio::join!(sending, receiving) };
    let all = timeout(Duration::from_secs(60 * minutes) + RECOVERY, all).await;
    let ((count, memory, ended), received) = all.expect("all of them come");
    let settled = ended.elapsed();
    eventually(RECOVERY, "the broker has heard of it", async || (subject.is_acked)().then_some(())).await;
    let held = async || (of_source(&gateway, "held").await == 0.0).then_some(());
    eventually(RECOVERY, "nothing is held", held).await;
    let sum = |of: fn(&Received) -> usize| received.iter().map(|(it, _)| of(it)).sum::<usize>();
    let (again, left) = (sum(|it| it.again.get()), sum(|it| it.left.get()));
    println!(
        "{}: seed {seed}, {minutes} min, {} messages, receivers left {left} times, {again} came again, all was there {settled:?} after the \
         last; memory at most {} MiB in the first quarter, {} MiB then",
        subject.name,
        sum(|it| it.next.get()),
        memory[0] >> 20,
        memory[1] >> 20
    );
    assert_eq!(sum(|it| it.next.get()), count * received.len());
    assert!(again <= left, "what an edge had when it left comes again, and nothing else");
    assert!(memory[1] <= memory[0] + GROWTH, "{memory:?}");
    assert_eq!(buried(&gateway).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_a_source_of_kafka() {
    let kafka = Arc::new(Kafka::start(1));
    kafka.topic("soak", 4, 1, &json!({}));
    let (sender, asker) = (kafka.clone(), kafka.clone());
    soak(Subject {
        name: "kafka",
        gateway: kafka::reading(&kafka, &["soak"], &json!({})),
        send: Arc::new(move |ids, numbers| kafka::produce(&sender, "soak", ids, numbers.start, numbers.end)),
        is_acked: Box::new(move || {
            kafka::all_is_committed(&asker, "soak");
            true
        }),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_a_source_of_rabbitmq() {
    let host = Arc::new(VirtualHost::shared("soaked"));
    let (sender, asker) = (host.clone(), host.clone());
    host.client(&["queue", "orders", "{}"]);
    soak(Subject {
        name: "rabbitmq",
        gateway: amqp::orders(&host, &json!({})),
        send: Arc::new(move |ids, numbers| amqp::fill(&sender, ids, numbers.start, numbers.end)),
        is_acked: Box::new(move || amqp::ready(&asker, "orders") == 0),
    })
    .await;
}

/// Stores these numbers for each of the edges, and waits until they are there.
fn store(server: &frontier_test_nats::Server, ids: &[u64], numbers: Range<usize>) {
    let mut client = frontier_test_nats::Client::connect(server.addr());
    for number in numbers.clone() {
        for id in ids {
            let (subject, number) = (format!("orders.{id}"), number.to_string());
            client.publish(&subject, "", &number);
        }
    }
    let (all, begun) = (json!(numbers.end * ids.len()), Instant::now());
    while client.jetstream("STREAM.INFO.orders", &json!(null))["state"]["messages"] != all {
        assert!(begun.elapsed() < RECOVERY, "not all are stored");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_a_source_of_jetstream() {
    let server = Arc::new(frontier_test_nats::Server::start());
    nats::stream(&server);
    let (sender, asker) = (server.clone(), server.clone());
    soak(Subject {
        name: "jetstream",
        gateway: nats::orders(&server, &json!({})),
        send: Arc::new(move |ids, numbers| store(&sender, ids, numbers)),
        is_acked: Box::new(move || nats::unacked(&asker) == (0, 0)),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_a_source_of_redis() {
    let server = Arc::new(frontier_test_redis::Server::start());
    let (sender, asker) = (server.clone(), server.clone());
    soak(Subject {
        name: "redis",
        gateway: redis::orders(&server, &json!({})),
        send: Arc::new(move |ids, numbers| redis::add(&sender, ids, numbers)),
        is_acked: Box::new(move || redis::pending(&asker) == 0),
    })
    .await;
}
