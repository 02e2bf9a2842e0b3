//! Kafka: acked is in the log of all replicas in sync.

use crate::kafka_server::{Kafka, PASSWORD, USER};
use crate::load::{Load, in_order};
use crate::python::bytes;
use crate::world::{SHORT, connected, edge, labelled, logged, refused};
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{
    Authority, DEADLINE, Gateway, GatewayBuilder, Validity, echo, eventually, replace, within,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A gateway whose topics go to Kafka at these addresses.
fn gateway(addrs: &[String], topics: &[&str]) -> GatewayBuilder {
    Gateway::builder()
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!(addrs))
        .set("mq.kafka.producer.topics", json!(topics))
        .set("mq.max_backoff", "200ms")
}

/// The same, with user and password.
fn with_user(addr: String, topics: &[&str]) -> GatewayBuilder {
    gateway(&[addr], topics).set("mq.kafka.username", USER).set("mq.kafka.password", PASSWORD)
}

fn payloads(records: &[Value]) -> Vec<Vec<u8>> {
    records.iter().map(|record| bytes(&record["payload"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_have_key_headers_and_order() {
    let kafka = Kafka::shared();
    kafka.topic("plant.temp", 3, 1, &json!({}));
    kafka.topic("plant.blob", 1, 1, &json!({}));
    let gateway = with_user(kafka.sasl_addr(), &["temp", "blob"])
        .set("mq.kafka.producer.topic", "plant.{topic}")
        .set("mq.kafka.producer.compression", "lz4");
    let gateway = labelled(gateway, "region", "eu & us").start().await;
    let connect = async |id| {
        let connecting = gateway.edge().id(EdgeId(id)).token("t").connect();
        within("an edge connects", connecting).await.unwrap()
    };
    let (one, two) = (connect(7).await, connect(u64::MAX).await);
    tokio::join!(in_order(&one, "temp", 200), in_order(&two, "temp", 200));
    one.publish("temp", vec![0, 255]).custom(vec![1, 0, 254]).await.unwrap();
    one.publish("temp", "").await.unwrap();
    let large: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    one.publish("blob", large.clone()).await.unwrap();

    let records = kafka.drain("plant.temp");
    assert_eq!(records.len(), 402);
    for (id, count) in [(7_u64, 202), (u64::MAX, 200)] {
        let of_edge: Vec<Value> =
            records.iter().filter(|record| bytes(&record["key"]) == id.to_be_bytes()).cloned().collect();
        let partitions: BTreeSet<u64> =
            of_edge.iter().map(|record| record["partition"].as_u64().unwrap()).collect();
        assert_eq!(partitions.len(), 1, "one edge, one partition");
        let numbers: Vec<Vec<u8>> = (0..200).map(|number: u32| number.to_string().into_bytes()).collect();
        assert!(payloads(&of_edge)[..200] == numbers && of_edge.len() == count, "{of_edge:?}");
    }
    assert!(records.iter().all(|record| record["partition"] == record["javas"]), "as Java's clients choose");
    let record = records.iter().find(|record| bytes(&record["payload"]) == [0, 255]).unwrap();
    let header = |name: &str| bytes(&record["headers"][name]);
    assert_eq!(header("Frontier-Edge-Id"), b"7");
    assert_eq!(header("Frontier-Topic"), b"temp");
    assert_eq!(header("Frontier-Custom"), [1, 0, 254]);
    assert_eq!(header("Frontier-Labels"), b"region=eu+%26+us");
    assert!(!header("Frontier-Message-Id").is_empty());
    assert!(record["timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    assert!(payloads(&kafka.drain("plant.blob")) == [large]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_told_and_delays_no_other() {
    let kafka = Kafka::shared();
    kafka.topic("here", 1, 1, &json!({}));
    let gateway = gateway(&[kafka.addr(0)], &["here", "nowhere"]).start().await;
    connected(&gateway, 1).await;
    let edge = Arc::new(edge(&gateway, 1).await);
    edge.publish("here", "first").await.unwrap();
    let waiting = tokio::spawn({
        let edge = edge.clone();
        async move { edge.publish("nowhere", "1").await }
    });
    let mut answered = 1;
    while !waiting.is_finished() {
        let call = Instant::now();
        edge.publish("here", "2").await.unwrap();
        assert!(call.elapsed() < SHORT, "it waits for the other topic: {:?}", call.elapsed());
        answered += 1;
    }
    let error = within("it is told", waiting).await.unwrap().unwrap_err();
    assert!(error.code() == Code::TopicNotOnline && error.is_retryable(), "{error}");
    assert!(error.text().contains("there is no such topic"), "{error}");
    kafka.topic("nowhere", 1, 1, &json!({}));
    edge.publish("nowhere", "3").await.unwrap();
    kafka.client(&["no-topic", "nowhere"]);
    let gone = async || edge.publish("nowhere", "4").await.err();
    let error = eventually(DEADLINE, "the topic is gone", gone).await;
    assert!(error.is_retryable(), "{error}");
    assert_eq!(kafka.drain("here").len(), answered);
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_too_large_ends_no_other_of_its_batch() {
    let kafka = Kafka::shared();
    kafka.topic("small", 1, 1, &json!({ "max.message.bytes": "2000" }));
    let gateway = gateway(&[kafka.addr(0)], &["small"]).set("mq.kafka.producer.max_message_bytes", "100KiB");
    let gateway = gateway.start().await;
    let (edge, other) = (Arc::new(edge(&gateway, 1).await), Arc::new(edge(&gateway, 2).await));
    let error = refused(&edge, "small", vec![0; 200_000]).await;
    assert!(error.code() == Code::TooLarge && error.text().contains("the broker takes 102400"), "{error}");
    let mut publishing = JoinSet::new();
    for number in 0..200_u32 {
        let (edge, other) = (edge.clone(), other.clone());
        publishing.spawn(async move {
            match number % 10 {
                0 => (number, true, edge.publish("small", vec![b'x'; 5000]).await),
                _ => (number, false, other.publish("small", format!("{number:0>500}")).await),
            }
        });
    }
    for (number, is_large, published) in within("all are answered", publishing.join_all()).await {
        if is_large {
            let error = published.expect_err("the broker does not take it");
            assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
        } else {
            assert!(published.is_ok(), "{number}: {published:?}");
        }
    }
    let stored: BTreeSet<Vec<u8>> = payloads(&kafka.drain("small")).into_iter().collect();
    assert_eq!(stored.len(), 180, "each that was acked, once");
    assert_eq!(kafka.drain("small").len(), 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_credentials_are_told_and_mended_without_a_restart() {
    let kafka = Kafka::shared();
    kafka.topic("open", 1, 1, &json!({}));
    kafka.topic("secret", 1, 1, &json!({}));
    let wrong = with_user(kafka.sasl_addr(), &["open", "secret"]).set("mq.kafka.username", "other");
    let gateway = wrong.set("mq.timeout", "1s").start().await;
    let one = edge(&gateway, 1).await;
    let error = refused(&one, "open", "1").await;
    assert!(error.code() == Code::TopicNotOnline && error.is_retryable(), "{error}");
    eventually(DEADLINE, "it says why", async || gateway.log().find("authentication")).await;
    // The user is made, and nothing is started anew.
    kafka.client(&["password", "other", PASSWORD]);
    connected(&gateway, 1).await;
    let published = async || one.publish("open", "2").await.ok();
    eventually(DEADLINE, "it is acked", published).await;
    kafka.client(&["deny", "other", "secret"]);
    let error = refused(&one, "secret", "3").await;
    assert_eq!((error.code(), error.is_retryable()), (Code::Denied, false), "{error}");
    one.publish("open", "4").await.unwrap();
    // The password itself is another way.
    let plain = with_user(kafka.sasl_addr(), &["open"]).set("mq.kafka.mechanism", "plain").start().await;
    edge(&plain, 2).await.publish("open", "5").await.unwrap();
    let stored = payloads(&kafka.drain("open"));
    assert!(stored.ends_with(&[b"4".to_vec(), b"5".to_vec()]), "{stored:?}");
    assert!(payloads(&kafka.drain("secret")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are() {
    let kafka = Kafka::shared();
    kafka.topic("tls", 1, 1, &json!({}));
    let files = tempfile::tempdir().unwrap();
    let (authority, dir) = (Authority::common(), files.path());
    replace(&dir.join("ca.pem"), authority.pem());
    let shown = authority.client("gateway", &[], Validity::Now).write(dir, "gateway");
    let gateway = gateway(&[kafka.tls_addr()], &["tls"])
        .set("mq.kafka.tls.enable", true)
        .set("mq.kafka.tls.ca_certs", json!([dir.join("ca.pem")]))
        .set("mq.kafka.tls.cert", shown.cert.to_str().unwrap())
        .set("mq.kafka.tls.key", shown.key.to_str().unwrap());
    let gateway = gateway.start().await;
    edge(&gateway, 1).await.publish("tls", "1").await.unwrap();
    assert_eq!(payloads(&kafka.drain("tls")), [b"1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_brokers_killed_and_frozen_nothing_that_was_acked_is_lost_or_there_twice() {
    let mut kafka = Kafka::start(2);
    kafka.topic("load", 4, 2, &json!({ "min.insync.replicas": "1" }));
    kafka.topic("safe", 1, 2, &json!({ "min.insync.replicas": "2" }));
    let addrs = [kafka.addr(1), kafka.addr(0)];
    let gateway = gateway(&addrs, &["load", "safe"]).set("mq.timeout", "5s").start().await;
    connected(&gateway, 1).await;
    let (slow, other) = (edge(&gateway, 11).await, edge(&gateway, 12).await);
    let service = within("a service", gateway.service("files").connect()).await.unwrap();
    echo(&service, "echo").await.unwrap();
    slow.publish("safe", "1").await.unwrap();
    let load = Load::start(&gateway, "load", 4).await;
    load.acked(300).await;
    // The leader of some partitions: they move to the other one.
    kafka.kill(1);
    load.acked(300).await;
    let few = async || {
        let error = slow.publish("safe", "2").await.err();
        error.filter(|error| error.text().contains("NotEnoughReplicas"))
    };
    let error = eventually(2 * DEADLINE, "one replica is too few", few).await;
    assert!(error.is_retryable(), "{error}");
    kafka.restart(1);
    load.acked(300).await;
    kafka.signal("-STOP");
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < SHORT {
        let call = Instant::now();
        other.call("echo", "1").await.unwrap();
        longest = longest.max(call.elapsed());
    }
    assert!(longest < SHORT / 2, "a call took {longest:?}");
    kafka.signal("-CONT");
    load.acked(300).await;
    kafka.kill(0);
    kafka.kill(1);
    let away = async || {
        let published = slow.publish("safe", "3").timeout(SHORT).await;
        published.err().filter(|error| error.code() == Code::TopicNotOnline)
    };
    let error = eventually(2 * DEADLINE, "it is away", away).await;
    assert!(error.is_retryable(), "{error}");
    // It has all that was acked: the other one could not be left out without it.
    kafka.restart(0);
    load.acked(300).await;
    let published = load.stop().await;
    let stored = payloads(&kafka.drain("load"));
    assert_eq!(published.check(&stored), 0, "nothing is there twice");
    assert!(stored.len() >= published.acked());
}
