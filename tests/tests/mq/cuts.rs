//! Brokers, connections and gateways that are cut at random under load, and a model that says what has to be there afterwards.
//!
//! A run can be had again by its seed, but for what the machine does meanwhile: `CUTS=100 SEED=1`. Each part of a run ends with
//! everything healed, and an independent client reads what arrived. Parts without a spool and with one take turns, of
//! [`PART`] cuts each.

mod chance;
mod jetstream;
mod jobs;
mod kafka;
mod model;
mod mosquitto;
mod nsq;
mod rabbitmq;
mod redis;
mod subject;
mod writers;

use crate::world::{connected, metric, observed};
use chance::{Chance, Fault, Step};
use frontier_tests::{Gateway, GatewayBuilder, StallProxy, eventually};
use jobs::To;
use model::{Counts, Published};
use std::time::{Duration, Instant};
use subject::Subject;
use tokio::task::block_in_place;
use writers::Writers;

/// Cuts after which everything settles and is compared.
const PART: u64 = 25;

/// The topic that all messages are of.
const TOPIC: &str = "load";

/// A gateway with all that it holds, in bytes, at most: what may be in flight is 64 MiB.
const MEMORY: u64 = 512 << 20;

/// Longer than anybody's patience.
const LONGEST: Duration = Duration::from_secs(6);

/// How long everything may take that follows a cut.
const RECOVERY: Duration = Duration::from_secs(120);

/// A broker, and the network to it.
type Cut = (Box<dyn Subject>, StallProxy);

/// A gateway, its broker, and the network between them.
struct Bed {
    gateway: Gateway,
    proxy: StallProxy,
    subject: Box<dyn Subject>,
    memory: u64,
    /// No cut is longer.
    longest: Duration,
}

impl Bed {
    async fn start((subject, proxy): Cut, is_spooled: bool) -> Self {
        let gateway = quick(subject.gateway(proxy.addr()));
        let gateway = if is_spooled { spooled(gateway) } else { gateway };
        Self::of(gateway, subject, proxy).await
    }

    async fn of(gateway: GatewayBuilder, subject: Box<dyn Subject>, proxy: StallProxy) -> Self {
        let gateway = gateway.start().await;
        connected(&gateway, 1).await;
        Self { gateway, proxy, subject, memory: 0, longest: LONGEST }
    }

    /// Something is cut for a while, and mended.
    async fn cut(&mut self, step: &Step, writers: &Writers) {
        match step.fault {
            Fault::Gateway => {
                self.kill_gateway(step.time / 4, writers).await;
                return;
            }
            Fault::Kill => {
                writers.broker_dies();
                block_in_place(|| self.subject.kill());
            }
            Fault::Freeze => self.subject.signal("-STOP"),
            Fault::Connection => self.proxy.cut(),
            Fault::Silence => self.proxy.blackhole(),
        }
        if step.fault != Fault::Connection {
            // For a time by chance: no condition is waited for.
            tokio::time::sleep(step.time).await;
        }
        if step.with_gateway {
            self.kill_gateway(Duration::ZERO, writers).await;
            tokio::time::sleep(step.time / 2).await;
        }
        match step.fault {
            Fault::Kill => block_in_place(|| self.subject.start()),
            Fault::Freeze => self.subject.signal("-CONT"),
            Fault::Silence => self.proxy.heal(),
            Fault::Gateway | Fault::Connection => {}
        }
    }

    async fn kill_gateway(&mut self, pause: Duration, writers: &Writers) {
        self.memory = self.memory.max(self.gateway.rss());
        writers.gateway_dies();
        self.gateway.kill().await;
        tokio::time::sleep(pause).await;
        self.gateway.start_again().await;
    }

    async fn is_drained(&self) {
        let drained =
            async || (metric(&self.gateway, "frontier_mq_spool_messages").await? == 0.0).then_some(());
        eventually(RECOVERY, "the spool is drained", drained).await;
    }
}

fn quick(gateway: GatewayBuilder) -> GatewayBuilder {
    observed(gateway)
        .set("log.level", "info")
        .set("mq.timeout", "3s")
        .set("mq.connect_timeout", "1s")
        .set("mq.max_backoff", "200ms")
}

fn spooled(gateway: GatewayBuilder) -> GatewayBuilder {
    let folder = gateway.file("spool");
    gateway
        .set("mq.spool.path", folder.to_str().unwrap())
        .set("mq.spool.after", "200ms")
        // For what nobody takes while its subscriber is away as well.
        .set("mq.spool.attempts", 100_000)
}

/// So many cuts by chance beside what publishes, and what that was told.
async fn cuts(bed: &mut Bed, count: u64, seed: u64, writers: Writers) -> Published {
    let mut chance = Chance::of(seed, bed.longest);
    writers.progress(20, "before the first cut").await;
    for index in 0..count {
        let step = chance.step();
        println!("{}: seed {seed}, cut {index}: {step:?}", bed.subject.name());
        bed.cut(&step, &writers).await;
        if chance.waits() {
            writers.progress(20, &format!("seed {seed}, after cut {index}, {step:?}")).await;
        }
        bed.memory = bed.memory.max(bed.gateway.rss());
        assert!(bed.memory < MEMORY, "the gateway has {} bytes", bed.memory);
        tokio::time::sleep(chance.pause()).await;
    }
    writers.progress(20, "at the end").await;
    writers.stop().await
}

/// Cuts of a broker that edges publish to, and a comparison at the end.
async fn part(bed: &mut Bed, count: u64, number: u64, seed: u64, is_spooled: bool) -> Counts {
    let begun = Instant::now();
    let writers = Writers::start(&bed.gateway, number).await;
    let mut published = cuts(bed, count, seed, writers).await;
    published.is_spooled = is_spooled;
    if is_spooled {
        bed.is_drained().await;
    }
    let dead = bed.gateway.dir().join("spool").join(bed.subject.folder()).join("dead_letters.jsonl");
    assert!(!dead.exists(), "seed {seed}: there are dead letters: {:?}", std::fs::read_to_string(dead));
    let arrived = block_in_place(|| bed.subject.read());
    let counts = published.check(number, &arrived, bed.subject.promises());
    println!(
        "{}: seed {seed}, {}: {count} cuts in {:.0} s, {counts}, gateway at most {} MiB",
        bed.subject.name(),
        if is_spooled { "spool" } else { "no spool" },
        begun.elapsed().as_secs_f64(),
        bed.memory >> 20
    );
    assert!(is_spooled || counts.doubled == 0, "seed {seed}: nothing is sent again: {counts}");
    counts
}

/// Cuts of a broker that jobs send to by the relay.
async fn soak_of_jobs(to: To, subject: Cut) {
    let (cuts, seed) = (number("CUTS", 100), number("SEED", 1));
    let (mut bed, relay) = jobs::bed(to, subject).await;
    let mut all = Counts::default();
    for part in 0..cuts.div_ceil(PART) {
        let published = self::cuts(&mut bed, PART.min(cuts), seed + part, jobs::start(relay, to, part)).await;
        let arrived = block_in_place(|| bed.subject.read());
        let counts = published.check(part, &arrived, bed.subject.promises());
        let at = |share: usize| published.took[(published.took.len() - 1) * share / 1000];
        println!(
            "the relay to {}: seed {}, {counts}; answers took {:?} (p50), {:?} (p99), {:?} (the longest)",
            bed.subject.name(),
            seed + part,
            at(500),
            at(990),
            at(1000)
        );
        assert_eq!(counts.doubled, 0, "nothing is sent again");
        all += counts;
    }
    println!("{cuts} cuts in all: {all}");
}

/// So many cuts, in parts with a spool and without one.
async fn cut(cuts: u64, seed: u64, subject: impl AsyncFn() -> Cut) {
    let parts = cuts.div_ceil(PART);
    let mut all = Counts::default();
    let only = std::env::var("ONLY").ok();
    for (is_spooled, name) in [(false, "direct"), (true, "spool")] {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mine = if is_spooled { parts / 2 } else { parts.div_ceil(2) };
        let mut bed = Bed::start(subject().await, is_spooled).await;
        for number in 0..mine {
            let seed = seed + 2 * number + u64::from(is_spooled);
            all += part(&mut bed, PART.min(cuts), number, seed, is_spooled).await;
        }
    }
    println!("{} cuts in all: {all}", parts * PART);
}

/// What the environment says, for runs by hand.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// As many cuts as the environment says.
async fn soak(subject: impl AsyncFn() -> Cut) {
    cut(number("CUTS", 100), number("SEED", 1), subject).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_redis_has_all_that_was_acked_whatever_is_cut() {
    let mut bed = Bed::start(redis::subject().await, true).await;
    bed.longest = Duration::from_millis(300);
    part(&mut bed, 4, 0, 7, true).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_kafka() {
    soak(kafka::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_rabbitmq() {
    soak(rabbitmq::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_jetstream() {
    soak(jetstream::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_redis() {
    soak(redis::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_mosquitto() {
    soak(mosquitto::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_nsq() {
    soak(nsq::subject).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_the_relay_to_kafka() {
    soak_of_jobs(To::Kafka, kafka::subject().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn soak_of_the_relay_to_rabbitmq() {
    soak_of_jobs(To::RabbitMq, rabbitmq::subject().await).await;
}
