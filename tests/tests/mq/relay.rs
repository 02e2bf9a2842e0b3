//! The relay for batch jobs: generated clients, curl and edges send by it, and what arrived is read from the broker.

use crate::kafka_server::{Kafka, PASSWORD, USER};
use crate::python::{bytes, run_with};
use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::world::connected;
use frontier_api::messagebroker::{KafkaMessage, KafkaTarget, Message, Response};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, replace, within};
use prost::Message as _;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What `error_no` says, as the guide has it.
const NOT_ALLOWED: i64 = 2;
const RATE_LIMITED: i64 = 3;
const NO_TARGET: i64 = 6;
const BUSY: i64 = 7;
const UNANSWERED: i64 = 9;
const FORGOTTEN: i64 = 15;

/// A gateway with a relay and no target yet.
pub(crate) fn relay() -> GatewayBuilder {
    Gateway::builder()
        .set("relay.enable", true)
        .set("relay.listen.addr", "127.0.0.1:0")
        .set("mq.max_backoff", "100ms")
}

fn with_amqp(builder: GatewayBuilder, host: &VirtualHost) -> GatewayBuilder {
    builder
        .set("mq.amqp.enable", true)
        .set("mq.amqp.addrs", json!([host.server.addr().to_string()]))
        .set("mq.amqp.vhost", host.name)
        .set("mq.amqp.username", host.name)
        .set("mq.amqp.password", host.name)
        .set("mq.amqp.producer.content_type", "text/plain")
}

/// To the default exchange, which takes the names of queues: these.
pub(crate) fn to_queues(builder: GatewayBuilder, host: &VirtualHost, queues: &[&str]) -> GatewayBuilder {
    let declared: Vec<Value> = queues.iter().map(|name| json!({ "name": name })).collect();
    with_amqp(builder, host)
        .set("mq.amqp.queues", json!(declared))
        .set("relay.amqp.exchanges", json!([{"name": "", "routing_keys": "*"}]))
}

/// Where its relay listens.
pub(crate) async fn relay_of(gateway: &Gateway) -> SocketAddr {
    let bound = async || {
        let line = gateway.log().find("the relay listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok()
    };
    eventually(DEADLINE, "it listens for jobs", bound).await
}

/// What the generated client is told of each message: `error_no`, the text, and after how long.
async fn ask(relay: SocketAddr, token: &str, orders: &[Value]) -> Vec<Vec<(Value, String, Duration)>> {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/proto");
    let lines: Vec<String> = orders.iter().map(ToString::to_string).collect();
    let (addr, token, input) = (relay.to_string(), token.to_owned(), lines.join("\n"));
    let told = tokio::task::spawn_blocking(move || {
        run_with("relay_client.py", &[protos.to_str().unwrap(), &addr, &token], &input)
    });
    let answer = |answer: &Value| {
        let seconds = answer[2].as_f64().unwrap();
        (answer[0].clone(), answer[1].as_str().unwrap().to_owned(), Duration::from_secs_f64(seconds))
    };
    let told = told.await.unwrap();
    told.iter().map(|answers| answers.as_array().unwrap().iter().map(answer).collect()).collect()
}

/// The number of one answer.
fn number(answers: &[(Value, String, Duration)]) -> i64 {
    assert_eq!(answers.len(), 1);
    answers[0].0.as_i64().unwrap_or_else(|| panic!("{answers:?}"))
}

/// What curl is told when it posts this: the status, and the JSON.
pub(crate) fn curl(relay: SocketAddr, path: &str, data: &str, headers: &[&str]) -> (u16, Value) {
    let mut command = Command::new("curl");
    command.args(["-s", "-m", "30", "-w", "\n%{http_code}", "--data-binary", data]);
    for header in headers {
        command.args(["-H", header]);
    }
    let output = command.arg(format!("http://{relay}{path}")).output().expect("curl is there");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}")))
}

pub(crate) fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| String::from_utf8(bytes(&message["payload"])).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_sends_to_exchanges_of_rabbitmq_that_are_allowed() {
    let host = VirtualHost::shared("relay");
    let builder = with_amqp(relay(), &host)
        .set("mq.amqp.exchanges", json!([{ "name": "plant.production", "kind": "topic" }]))
        .set("mq.amqp.queues", json!([{ "name": "production" }]))
        .set(
            "mq.amqp.queuebindings",
            json!([{ "queue_name": "production", "exchange_name": "plant.production", "binding_key": "gfs.#" }]),
        )
        .set("relay.amqp.servers", json!(["rabbit.example"]))
        .set("relay.amqp.exchanges", json!([{"name": "plant.production", "routing_keys": ["*.production.*"]}]));
    let tokens = builder.file("tokens.yaml");
    let hash = frontier_credentials::token::hash(&b"of-jobs"[..]).unwrap();
    replace(&tokens, format!("- {{{}', name: nwp}}\n", hash.replacen("hash: ", "hash: '", 1)));
    let builder = builder.set("relay.auth.methods", json!([{"token": {"file": tokens}}]));
    let gateway = builder.start().await;
    connected(&gateway, 1).await;
    let to = |server: &str, exchange: &str, key: &str| json!({"to": "amqp", "server": server, "exchange": exchange, "key": key, "data": "event #"});
    let with = |mut order: Value, key: &str, value: Value| {
        order[key] = value;
        order
    };
    // As the original's clients say it, with a password that nobody asks for.
    let url = format!("amqp://guest:wrong@{}", host.server.addr());
    let good = to(&url, "plant.production", "gfs.production.grib2");
    let labelled =
        with(good.clone(), "metadata", json!({"frontier-job": "slurm/7", "idempotency-key": "k1"}));
    let orders = [
        with(with(good.clone(), "count", json!(300)), "metadata", json!({"frontier-job": "many"})),
        labelled.clone(),
        labelled,
        to("rabbit.example", "plant.production", "gfs.production.obs"),
        to("", "plant.production", "meso.production.obs"),
        to("", "plant.production", "gfs.log.x"),
        to("", "amq.topic", "gfs.production.x"),
        to("amqp://guest:guest@evil.example:5672", "plant.production", "gfs.production.x"),
        json!({"to": "kafka", "topic": "t", "data": ""}),
    ];
    let addr = relay_of(&gateway).await;
    let told = ask(addr, "of-jobs", &orders).await;
    assert!(told[0].len() == 300 && told[0].iter().all(|answer| answer.0 == json!(0)), "{:?}", told[0]);
    let numbers: Vec<i64> = told[1..].iter().map(|answers| number(answers)).collect();
    let expected = [0, 0, 0, NO_TARGET, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED];
    assert_eq!(numbers, expected, "{told:?}");
    let unknown = ask(addr, "wrong", std::slice::from_ref(&good)).await;
    assert_eq!(unknown[0][0].0, json!("UNAUTHENTICATED"), "{unknown:?}");

    let stored = host.drain("production");
    assert_eq!(stored.len(), 302, "nothing is there that was refused, and the same key once");
    let mut numbers: Vec<String> = texts(&stored[..300]);
    numbers.sort_by_key(|text| text.trim_start_matches("event ").parse::<u32>().unwrap());
    let expected: Vec<String> = (0..300).map(|number| format!("event {number}")).collect();
    assert_eq!(numbers, expected);
    let one = &stored[300];
    assert_eq!((&one["content_type"], &one["delivery_mode"]), (&json!("text/plain"), &json!(2)));
    let header = |name: &str| one["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("Frontier-Job"), "slurm/7");
    assert_eq!(header("Frontier-User"), "nwp");
    assert_eq!(header("Frontier-Idempotency-Key"), "k1");
    assert_eq!(one["headers"]["Frontier-Edge-Id"], Value::Null);
}

/// What the guide's first configuration says behind this key, a list in one line.
fn of_guide(key: &str) -> Value {
    let guide = include_str!("../../../docs/relay.md");
    let found = guide.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
    let list = found.unwrap_or_else(|| panic!("{key} is not in the guide")).split("   ").next().unwrap();
    // Words without quotes are texts as well.
    let (mut json, mut quoted) = (String::new(), false);
    for (index, part) in list.split('"').enumerate() {
        if index > 0 {
            json.push('"');
            quoted = !quoted;
        }
        let mut was_word = false;
        for char in part.chars() {
            let is_word = !quoted && (char.is_ascii_alphanumeric() || "._".contains(char));
            if is_word != was_word {
                json.push('"');
            }
            was_word = is_word;
            json.push(char);
        }
    }
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_guide_finds_a_queue() {
    let host = VirtualHost::shared("guide");
    let gateway = with_amqp(relay(), &host)
        .set("mq.amqp.exchanges", of_guide("exchanges"))
        .set("mq.amqp.queues", of_guide("queues"))
        .set("mq.amqp.queue_bindings", of_guide("queue_bindings"))
        .set(
            "relay.amqp.exchanges",
            json!([{"name": "plant.production", "routing_keys": ["*.production.*"]}]),
        )
        .start()
        .await;
    connected(&gateway, 1).await;
    let path = "/relay/v1/amqp?exchange=plant.production&routing_key=gfs.production.grib2";
    assert!(include_str!("../../../docs/relay.md").contains(path), "the guide sends this");
    let (status, answer) = curl(relay_of(&gateway).await, path, "event", &[]);
    assert_eq!((status, &answer["error"]), (200, &json!("ok")), "{answer}");
    assert_eq!(texts(&host.drain("production")), ["event"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_curl_and_an_edge_send_to_topics_of_kafka() {
    let kafka = Kafka::shared();
    kafka.topic("plant.events", 3, 1, &json!({}));
    let gateway = relay()
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.sasl_addr()]))
        .set("mq.kafka.username", USER)
        .set("mq.kafka.password", PASSWORD)
        .set("relay.kafka.topics", json!(["plant.*"]))
        .set("relay.edges", true)
        .set("relay.job_rate", 1)
        .set("relay.job_burst", 200)
        .start()
        .await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let order = |topic: &str, count: u32| {
        let metadata = json!({"frontier-job": "slurm/8"});
        json!({"to": "kafka", "topic": topic, "data": "event #", "count": count, "metadata": metadata})
    };
    let told = ask(addr, "", &[order("plant.events", 100), order("plant.none", 1), order("other", 1)]).await;
    assert!(told[0].iter().all(|answer| answer.0 == json!(0)), "{:?}", told[0]);
    assert_eq!((number(&told[1]), number(&told[2])), (NO_TARGET, NOT_ALLOWED), "{told:?}");

    let (status, answer) = curl(addr, "/relay/v1/kafka?topic=plant.events", "by curl", &[]);
    let expected = json!({"error_no": 0, "error": "ok", "error_message": "", "may_be_stored": false});
    assert_eq!((status, answer), (200, expected));
    let (status, answer) = curl(addr, "/relay/v1/kafka?topic=other", "x", &[]);
    assert_eq!((status, &answer["error"]), (403, &json!("not_allowed")));
    let (status, answer) = curl(addr, "/relay/v1/kafka?topick=other", "x", &[]);
    assert_eq!((status, &answer["error"]), (400, &json!("invalid")));
    let (status, answer) = curl(addr, "/relay/v1/amqp?exchange=e&routing_key=k", "x", &[]);
    assert_eq!((status, &answer["error_no"]), (403, &json!(NOT_ALLOWED)));
    // Another gateway has said so long ago, before this one was there.
    let forgotten = curl(
        addr,
        "/relay/v1/kafka?topic=plant.events",
        "x",
        &["Idempotency-Key: old", "Frontier-Repeat-Age: 3600000"],
    );
    assert_eq!((forgotten.0, &forgotten.1["error_no"]), (409, &json!(FORGOTTEN)));
    assert_eq!(forgotten.1["may_be_stored"], json!(true));
    // Its burst is 200, of which 102 are used.
    let told = ask(addr, "", &[order("plant.events", 150)]).await;
    let refused = told[0].iter().filter(|answer| answer.0 == json!(RATE_LIMITED)).count();
    assert!((1..60).contains(&refused), "{told:?}");

    let edge = within("an edge connects", gateway.edge().id(EdgeId(7)).connect()).await.unwrap();
    let target = KafkaTarget { brokers: Vec::new(), topic: "plant.events".into() };
    let message =
        KafkaMessage { target: Some(target), message: Some(Message { data: b"by an edge".to_vec() }) };
    let method = "messagebroker.SendKafkaMessage";
    let answer = within("it is answered", edge.call(method, message.encode_to_vec())).await.unwrap();
    assert_eq!(Response::decode(&answer.data[..]).unwrap(), Response::default());
    let answer = within("it is answered", edge.call(method, b"\xff".to_vec())).await.unwrap();
    assert_eq!(Response::decode(&answer.data[..]).unwrap().error_no, 1);

    let records = kafka.drain("plant.events");
    let stored = texts(&records);
    assert_eq!(stored.len(), 100 + (150 - refused) + 2);
    for text in ["event 0", "event 99", "by curl", "by an edge"] {
        assert!(stored.iter().any(|it| it == text), "{text}: {stored:?}");
    }
    let of_edge = records.iter().find(|record| bytes(&record["payload"]) == b"by an edge").unwrap();
    assert_eq!(bytes(&of_edge["headers"]["Frontier-Job"]), b"edge:7");
    let of_job = records.iter().find(|record| bytes(&record["payload"]) == b"event 7").unwrap();
    assert_eq!(bytes(&of_job["key"]), b"slurm/8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_holds_nobody_longer_than_the_budget_and_nothing_is_there_twice() {
    let server = Arc::new(RabbitMq::start());
    let host = VirtualHost::of(server.clone(), "frozen");
    let gateway = to_queues(relay(), &host, &["events"]).set("relay.attempt_timeout", "1500ms").start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let order = |count: u32, metadata: Value, timeout: f64| {
        json!({"to": "amqp", "exchange": "", "key": "events", "data": "event #", "count": count,
               "metadata": metadata, "timeout": timeout})
    };
    let told = ask(addr, "", &[order(1, json!({}), 60.0)]).await;
    assert_eq!(number(&told[0]), 0, "{told:?}");
    server.signal("-STOP");
    let quick = [order(1, json!({}), 4.0)];
    let keyed = [order(32, json!({"idempotency-key": "k"}), 60.0)];
    let (quick, all) = tokio::join!(
        // The caller's own time is shorter than all attempts.
        ask(addr, "", &quick),
        ask(addr, "", &keyed)
    );
    // One tenth of its time is for the answer.
    assert_eq!(number(&quick[0]), UNANSWERED, "{quick:?}");
    assert!(all[0].iter().all(|answer| answer.0 == json!(UNANSWERED)), "{all:?}");
    let slowest = all[0].iter().map(|answer| answer.2).max().unwrap();
    assert!(slowest >= Duration::from_millis(4400), "all attempts have 4.5 s: {slowest:?}");
    // From here on callers do not wait in vain, but for one in a second.
    let told = ask(addr, "", &[order(200, json!({"frontier-job": "late"}), 60.0)]).await;
    let busy = told[0].iter().filter(|answer| answer.0 == json!(BUSY)).count();
    assert!(busy >= 150, "{told:?}");
    server.signal("-CONT");
    let back = async || {
        let told = ask(addr, "", &[order(1, json!({"idempotency-key": "k"}), 60.0)]).await;
        // What became of it is not known, and it is not sent again.
        assert_eq!(number(&told[0]), UNANSWERED);
        let start = Instant::now();
        let (status, _) = curl(addr, "/relay/v1/amqp?routing_key=events", "at last", &[]);
        (status == 200 && start.elapsed() < DEADLINE).then_some(())
    };
    eventually(DEADLINE, "the broker answers again", back).await;
    let stored = host.drain("events");
    assert!(
        stored.iter().all(|it| it["headers"].get("Frontier-Topic").is_none()),
        "its routing key says that"
    );
    let of_key = stored.iter().filter(|it| it["headers"]["Frontier-Idempotency-Key"] == json!("k")).count();
    assert!(of_key <= 1, "{stored:?}");
    // The first, that with the key, the quick one, and those that went to see whether it is back.
    let others = texts(&stored).iter().filter(|text| *text != "at last").count();
    assert!((1..=3 + 200 - busy).contains(&others), "{busy}: {stored:?}");
    assert!(gateway.log().find("panicked").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_answers_whoever_waits() {
    let host = VirtualHost::of(RabbitMq::shared(), "stops");
    let mut gateway = to_queues(relay(), &host, &["stops"])
        // So that messages wait.
        .set("mq.amqp.password", "another")
        .set("relay.attempt_timeout", "1s")
        .set("observability.enable", true)
        .set("observability.addr", "127.0.0.1:0")
        .start()
        .await;
    let addr = relay_of(&gateway).await;
    let observed = async || {
        let line = gateway.log().find("the metrics plane listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse::<SocketAddr>().ok()
    };
    let observed = eventually(DEADLINE, "it listens for scrapes", observed).await;
    let callers = (0..8).map(|_| {
        tokio::task::spawn_blocking(move || curl(addr, "/relay/v1/amqp?routing_key=stops", "x", &[]))
    });
    let callers: Vec<_> = callers.collect();
    let all_wait = async || {
        let scrape =
            Command::new("curl").args(["-s", &format!("http://{observed}/metrics")]).output().unwrap();
        let scrape = String::from_utf8(scrape.stdout).unwrap();
        let waiting = scrape.lines().any(|line| line == "frontier_relay_waiting 8");
        let answered = scrape
            .lines()
            .any(|line| line.starts_with("frontier_relay_duration_seconds_count") && !line.ends_with(" 0"));
        (waiting || answered).then_some(())
    };
    eventually(DEADLINE, "all of them wait", all_wait).await;
    gateway.terminate();
    for caller in callers {
        let (status, answer) = caller.await.unwrap();
        let told = answer["error"].as_str().unwrap();
        assert!(["not_connected", "deadline", "closing"].contains(&told), "{status} {answer}");
        assert_eq!(answer["may_be_stored"], json!(false));
    }
    assert_eq!(gateway.process().exit().await, Some(0));
}
