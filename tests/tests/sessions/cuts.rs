//! The broker is killed in the middle of whatever it does, and a model says what has to be there afterwards.

use crate::http::Client;
use frontier_test_redis::Server;
use frontier_tests::{Broker, BrokerBuilder, DEADLINE, Gateway, Process, eventually, within};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Numbers by which a run can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What a client has been told.
#[derive(Debug, Default)]
struct Model {
    /// Batches whose flush was answered.
    committed: BTreeSet<u64>,
    /// Batches whose flush was sent, and not answered.
    unknown: BTreeSet<u64>,
    /// The message ids of each batch.
    batches: BTreeMap<u64, Vec<String>>,
}

/// Sends batches, each with a batch id of its own, flushes them and fetches what is there, until the broker is gone.
async fn work(client: &mut Client, session: &str, model: &mut Model, chance: &mut Chance, next: &mut u64) {
    loop {
        *next += 1;
        let batch = *next;
        let count = 1 + chance.below(30);
        let ids: Vec<String> = (0..count).map(|item| format!("{:016x}{item:016x}", batch)).collect();
        let item = |id: &String| json!({"action": "echo", "payload": "aGVsbG8=", "messageId": id});
        let body = json!({"batchId": batch, "requests": ids.iter().map(item).collect::<Vec<_>>()});
        model.batches.insert(batch, ids);
        if client.post(&format!("{session}/requests"), &body).await.is_none() {
            return;
        }
        // Some are never flushed: what the next batch id does to them is the same as what a cut does.
        if chance.below(4) == 0 {
            continue;
        }
        model.unknown.insert(batch);
        let flush = json!({"batchId": batch, "sent": count});
        let Some((status, flushed)) = client.post(&format!("{session}/requests/flush"), &flush).await else {
            return;
        };
        assert_eq!(status, 200, "{flushed}");
        model.unknown.remove(&batch);
        model.committed.insert(batch);
        if chance.below(3) == 0 {
            let Some((status, page)) = client.get(&format!("{session}/responses?maxCount=50")).await else {
                return;
            };
            assert_eq!(status, 200, "{page}");
        }
    }
}

/// What is there at the end is what was told to be there.
fn check(model: &Model, responses: &[Value], seed: u64) {
    let mut answered = BTreeSet::new();
    for one in responses {
        assert_eq!(
            (&one["payload"], &one["isFault"]),
            (&json!("aGVsbG8="), &json!(false)),
            "seed {seed}: {one}"
        );
        let id = one["requestMessageId"].as_str().unwrap().to_owned();
        assert!(answered.insert(id), "seed {seed}: answered twice: {one}");
    }
    for (batch, ids) in &model.batches {
        let there = ids.iter().filter(|id| answered.remove(*id)).count();
        let may = match (model.committed.contains(batch), model.unknown.contains(batch)) {
            (true, _) => there == ids.len(),
            (false, true) => there == 0 || there == ids.len(),
            (false, false) => there == 0,
        };
        assert!(may, "seed {seed}: {there} of {} of batch {batch}, {model:?}", ids.len());
    }
    assert!(answered.is_empty(), "seed {seed}: never sent: {answered:?}");
}

async fn cut(cuts: u64, seed: u64) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("sessions.redb");
    cut_with(cuts, seed, |broker| broker.set("store.path", path.to_str().unwrap())).await;
}

/// Waits until it answers for its sessions.
async fn ready(broker: &Broker) {
    let is_ready = async || {
        let mut client = Client::new(broker.addr());
        let (status, _) = client.get("/api/v1/sessions").await?;
        (status == 200).then_some(())
    };
    eventually(DEADLINE, "it has the sessions", is_ready).await;
}

async fn cut_with(cuts: u64, seed: u64, store: impl Fn(BrokerBuilder) -> BrokerBuilder) {
    let mut chance = Chance(seed);
    let gateway = Gateway::builder().quick().start().await;
    let mut broker = store(Broker::of(&gateway)).start().await;
    ready(&broker).await;
    let _hosts = [Process::host(&gateway, "calc").await, Process::host(&gateway, "calc").await];
    let mut client = Client::new(broker.addr());
    let make = json!({"serviceName": "calc", "sessionType": 1});
    let (status, made) = client.post("/api/v1/sessions", &make).await.expect("it is there");
    assert_eq!(status, 201, "{made}");
    let session = format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap());
    let (mut model, mut next) = (Model::default(), 0);
    for _ in 0..cuts {
        // By chance in the middle of anything: no condition is waited for.
        let time = Duration::from_micros(chance.below(60_000));
        let working = work(&mut client, &session, &mut model, &mut chance, &mut next);
        tokio::select! {
            () = working => panic!("seed {seed}: the broker has ended by itself"),
            () = tokio::time::sleep(time) => broker.signal(Signal::SIGKILL),
        }
        broker = broker.restart().await;
        ready(&broker).await;
        client = Client::new(broker.addr());
    }
    next += 1;
    // Nothing that was not committed follows.
    let last = json!({"batchId": next, "sent": 0, "end": true});
    let (status, ended) =
        client.post(&format!("{session}/requests/flush"), &last).await.expect("it is there");
    let nothing = model.committed.is_empty() && status == 409;
    assert!(status == 200 || nothing, "seed {seed}: {ended}");
    let fetch = async {
        let mut responses = Vec::new();
        loop {
            let path = format!("{session}/responses?position={}&maxCount=5000&waitMs=5000", responses.len());
            let (status, page) = client.get(&path).await.expect("it is there");
            assert_eq!(status, 200, "{page}");
            responses.extend(page["responses"].as_array().unwrap().iter().cloned());
            if !page["endOfResponses"].is_null() {
                assert_eq!(page["endOfResponses"]["count"], responses.len());
                return responses;
            }
        }
    };
    let responses = if nothing { Vec::new() } else { within("all is answered", fetch).await };
    check(&model, &responses, seed);
    println!(
        "seed {seed}: {cuts} cuts, {} batches committed, {} unknown",
        model.committed.len(),
        model.unknown.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_in_the_middle_of_flushes_answers_what_was_committed_once() {
    cut(20, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_as_well() {
    let redis = Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let addr = redis.addr().to_string();
    let store = |broker: BrokerBuilder| {
        broker.set("store.redis.standalone.addr", addr.clone()).set("store.redis.lease", "500ms")
    };
    cut_with(4, 1, store).await;
}

/// Minutes: `CUTS=500 SEED=7 cargo test -p frontier-tests --test sessions -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn many_cuts() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let seed = number("SEED", 1);
    for part in 0..number("CUTS", 500).div_ceil(50) {
        cut(50, seed + part).await;
    }
}
