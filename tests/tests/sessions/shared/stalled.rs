//! Redis stands still: what clients of the broker see meanwhile, and afterwards.

use super::{broker, leads};
use crate::durable::{answered, info, send};
use crate::{curl, post, session};
use frontier_sdk::{BrokerClient, DurableSession, ResponseStart, Session};
use frontier_test_redis::Server;
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, within};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::{Duration, Instant};

fn durable_redis() -> Server {
    Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[])
}

/// A session of this kind: its URL.
async fn session_of_kind(broker: &Broker, kind: u8) -> String {
    let wanted = json!({"serviceName": "calc", "sessionType": kind}).to_string();
    let (status, made) = post(&broker.url("/api/v1/sessions"), &wanted).await;
    assert_eq!(status, 201, "{made}");
    broker.url(&format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap()))
}

/// Requests that have ids, so that they may be sent again.
fn numbered(range: std::ops::Range<u32>) -> String {
    let item = |number: u32| json!({"action": "echo", "messageId": format!("{number:032x}"), "userData": number.to_string()});
    json!({"requests": range.map(item).collect::<Vec<_>>()}).to_string()
}

fn is_away((status, told): &(u16, Value)) {
    assert_eq!(
        (*status, &told["code"], &told["retryable"]),
        (503, &json!("Broker_StoreUnavailable"), &json!(true)),
        "{told}"
    );
}

/// All user data that come back, up to the end, each once.
async fn all(session: &str) -> HashSet<String> {
    let mut seen = HashSet::new();
    loop {
        let (status, page) = curl(&[&format!("{session}/responses?maxCount=500&waitMs=5000")]).await;
        assert_eq!(status, 200, "{page}");
        for one in page["responses"].as_array().unwrap() {
            assert!(
                one["isFault"] == false && seen.insert(one["userData"].as_str().unwrap().to_owned()),
                "{one}"
            );
        }
        if !page["endOfResponses"].is_null() {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_stands_still_everyone_waits_or_is_told_so_by_name_and_nothing_is_lost() {
    let redis = durable_redis();
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).set("store.redis.standalone.addr", redis.addr().to_string());
    let broker = broker.set("store.redis.read_timeout", "500ms").start().await;
    leads(&broker).await;
    let _host = Process::host(&gateway, "calc").await;
    // Who needs no Redis, beside it.
    let other_gateway = Gateway::builder().quick().start().await;
    let other = Broker::of(&other_gateway).start().await;
    let _other_host = Process::host(&other_gateway, "calc").await;

    let (interactive, durable) = (session(&broker).await, session_of_kind(&broker, 1).await);
    for session in [&interactive, &durable] {
        assert_eq!(post(&format!("{session}/requests"), &numbered(0..50)).await.0, 202);
    }
    assert_eq!(post(&format!("{durable}/requests/flush"), "").await.0, 200);
    assert_eq!(post(&format!("{durable}/requests"), &numbered(50..100)).await.0, 202);
    let by_sdk = DurableSession::create(info(&broker.url(""))).await.unwrap();
    let client = by_sdk.client("main").unwrap();
    send(&client, 0..10).await;
    assert_eq!(client.flush().await.unwrap(), 10);

    redis.signal("-STOP");
    is_away(&post(&format!("{interactive}/requests"), &numbered(50..100)).await);
    is_away(&post(&format!("{durable}/requests/flush?end=true"), "").await);
    for session in [&interactive, &durable] {
        is_away(&curl(&[&format!("{session}/responses?position=begin")]).await);
    }
    is_away(&post(&broker.url("/api/v1/sessions"), r#"{"serviceName": "calc"}"#).await);
    let is_not_ready = async || (curl(&[&broker.url("/readyz")]).await.0 == 503).then_some(());
    eventually(DEADLINE, "it is not ready", is_not_ready).await;
    // What it knows by itself it says.
    for path in [&interactive, &format!("{durable}/status"), &broker.url("/healthz")] {
        assert_eq!(curl(&[path]).await.0, 200, "{path}");
    }
    send(&client, 10..20).await;
    let flushing = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    // The other broker has nothing to do with it.
    let unconcerned = session(&other).await;
    assert_eq!(post(&format!("{unconcerned}/requests"), &numbered(0..100)).await.0, 202);
    assert_eq!(post(&format!("{unconcerned}/requests/flush?end=true"), "").await.0, 200);
    assert_eq!(all(&unconcerned).await.len(), 100);
    assert!(!flushing.is_finished(), "the SDK asks again until it is there");

    redis.signal("-CONT");
    assert_eq!(within("it is flushed", flushing).await.unwrap().unwrap(), 20);
    client.end_requests().await.unwrap();
    assert_eq!(answered(&client, ResponseStart::Current).await, (0..20).collect());
    // What was refused is said again, and is done once, whether it was done before or not.
    let again = async |path: String, body: String| {
        let done = async || {
            let (status, told) = post(&path, &body).await;
            let is_done = [200, 202].contains(&status) || told["code"] == "Broker_EOMReject_EndRequests";
            is_done.then_some(()).or_else(|| {
                is_away(&(status, told));
                None
            })
        };
        eventually(DEADLINE, "it is done", done).await;
    };
    again(format!("{interactive}/requests"), numbered(50..100)).await;
    again(format!("{interactive}/requests/flush?end=true"), String::new()).await;
    again(format!("{durable}/requests/flush?end=true"), String::new()).await;
    let expected: HashSet<String> = (0..100).map(|number: u32| number.to_string()).collect();
    for session in [&interactive, &durable] {
        assert_eq!(all(session).await, expected);
    }
}

/// How long each of these took, while they were done one after the other.
#[derive(Default)]
struct Took(Vec<Duration>);

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |part: usize| {
            sorted.get(sorted.len().saturating_sub(1) * part / 100).copied().unwrap_or_default()
        };
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (half, most, last) = (ms(at(50)), ms(at(99)), ms(at(100)));
        write!(f, "{} calls, p50 {half:.1} ms, p99 {most:.1} ms, at most {last:.1} ms", sorted.len())
    }
}

/// Sends one request after the other and fetches its response, until `until`.
async fn calls(client: &BrokerClient, is_durable: bool, until: Instant) -> Took {
    let mut responses = client.get_responses_from::<u32>(ResponseStart::Current);
    let mut took = Took::default();
    while Instant::now() < until {
        let begun = Instant::now();
        client.send_request("echo", &7, "").await.unwrap();
        if is_durable {
            client.flush().await.unwrap();
        }
        responses.next().await.unwrap().unwrap();
        took.0.push(begun.elapsed());
    }
    took
}

/// What clients see of a Redis that stands still for `STALL` seconds (5), before, meanwhile and afterwards.
///
/// ```sh
/// cargo test -p frontier-tests --test sessions -- --ignored --nocapture a_redis_that_stands_still
/// ```
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, which takes half a minute"]
async fn a_redis_that_stands_still() {
    let stall = std::env::var("STALL").map_or(5.0, |text| text.parse().unwrap());
    let stall = Duration::from_secs_f64(stall);
    let redis = durable_redis();
    let gateway = Gateway::builder().quick().start().await;
    let brokers = [broker(&gateway, &redis).await, broker(&gateway, &redis).await];
    let _host = Process::host(&gateway, "calc").await;
    let other_gateway = Gateway::builder().quick().start().await;
    let other = Broker::of(&other_gateway).start().await;
    let _other_host = Process::host(&other_gateway, "calc").await;
    let interactive = Session::create(info(&brokers[0].url(""))).await.unwrap();
    let durable = DurableSession::create(info(&brokers[0].url(""))).await.unwrap();
    let apart = Session::create(info(&other.url(""))).await.unwrap();
    let clients = [
        ("interactive", interactive.client("main").unwrap(), false),
        ("durable", durable.client("main").unwrap(), true),
        ("in memory, of another broker", apart.client("main").unwrap(), false),
    ];
    for (phase, lasts, is_stalled) in
        [("before", 3, false), ("while it stands still", 0, true), ("afterwards", 5, false)]
    {
        let lasts = if is_stalled { stall } else { Duration::from_secs(lasts) };
        let until = Instant::now() + lasts;
        if is_stalled {
            redis.signal("-STOP");
        }
        let going_on = async {
            tokio::time::sleep(lasts).await;
            if is_stalled {
                redis.signal("-CONT");
            }
        };
        let each = futures_util::future::join_all(
            clients.iter().map(|(_, client, is_durable)| calls(client, *is_durable, until)),
        );
        let (took, ()) = tokio::time::timeout(lasts + DEADLINE, async { tokio::join!(each, going_on) })
            .await
            .expect("all end");
        for ((name, ..), took) in clients.iter().zip(took) {
            println!("{phase}, {name}: {took}");
        }
    }
    for broker in &brokers {
        for line in broker.log().lines().iter().filter(|line| line.contains("WARN") || line.contains("ERROR"))
        {
            println!("{line}");
        }
    }
}
