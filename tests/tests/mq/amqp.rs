//! RabbitMQ: acked is in every queue that the message goes to.

use crate::load::{Load, in_order};
use crate::python::bytes;
use crate::rabbitmq::{MAX_MESSAGE, RabbitMq, VirtualHost};
use crate::relay::{curl, relay_of};
use crate::world::{SHORT, connected, edge, labelled, logged, refused};
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{
    Authority, DEADLINE, Gateway, GatewayBuilder, SERVER_NAME, Validity, echo, eventually, replace, within,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A gateway whose topics go to this virtual host.
fn gateway(host: &VirtualHost, topics: &[&str]) -> GatewayBuilder {
    Gateway::builder()
        .set("mq.amqp.enable", true)
        .set("mq.amqp.addrs", json!([host.server.addr().to_string()]))
        .set("mq.amqp.vhost", host.name)
        .set("mq.amqp.username", host.name)
        .set("mq.amqp.password", host.name)
        .set("mq.amqp.producer.routing_keys", json!(topics))
        .set("mq.max_backoff", "100ms")
}

/// The same, with a durable queue for each topic.
fn with_queues(host: &VirtualHost, topics: &[&str]) -> GatewayBuilder {
    let queues: Vec<Value> = topics.iter().map(|topic| json!({ "name": topic })).collect();
    gateway(host, topics).set("mq.amqp.queues", json!(queues))
}

fn payloads(messages: &[Value]) -> Vec<Vec<u8>> {
    messages.iter().map(|message| bytes(&message["payload"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_gets_payload_properties_and_order() {
    let host = VirtualHost::shared("whole");
    let gateway = gateway(&host, &["temp", "blob"])
        .set("mq.amqp.exchanges", json!([{ "name": "plant", "kind": "topic" }]))
        .set("mq.amqp.queues", json!([{ "name": "all" }]))
        .set(
            "mq.amqp.queuebindings",
            json!([{ "queue_name": "all", "exchange_name": "plant", "binding_key": "7.#" }]),
        )
        .set("mq.amqp.producer.exchange", "plant")
        .set("mq.amqp.producer.routing_key", "{edge_id}.{topic}")
        .set("mq.amqp.producer.content_type", "text/plain")
        .set("mq.amqp.producer.type", "reading")
        .set("mq.amqp.producer.priority", 3)
        .set("mq.amqp.producer.expiration", "600000");
    let gateway = labelled(gateway, "region", "eu & us").start().await;
    let edge = within("an edge connects", gateway.edge().id(EdgeId(7)).token("t").connect()).await.unwrap();
    in_order(&edge, "temp", 200).await;
    edge.publish("temp", vec![0, 255, 206]).custom(vec![1, 0, 254]).await.unwrap();
    edge.publish("temp", "").await.unwrap();
    // Several frames.
    let large: Vec<u8> = (0..400_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    edge.publish("blob", large.clone()).await.unwrap();

    let messages = host.drain("all");
    let payloads = payloads(&messages);
    let numbers = (0..200).map(|number: u32| number.to_string().into_bytes());
    assert_eq!(payloads[..200], numbers.collect::<Vec<_>>());
    assert_eq!(payloads[200..202], [vec![0, 255, 206], vec![]]);
    assert!(payloads[202] == large && payloads.len() == 203);
    let message = &messages[200];
    assert_eq!((&message["exchange"], &message["routing_key"]), (&json!("plant"), &json!("7.temp")));
    assert_eq!((&message["content_type"], &message["type"]), (&json!("text/plain"), &json!("reading")));
    assert_eq!((&message["priority"], &message["expiration"]), (&json!(3), &json!("600000")));
    assert_eq!((&message["delivery_mode"], &message["app_id"]), (&json!(2), &json!(null)));
    assert!(message["timestamp"].as_u64().unwrap() > 1_700_000_000);
    assert!(message["message_id"] != messages[0]["message_id"] && message["message_id"].is_string());
    let headers = json!({
        "Frontier-Edge-Id": "7", "Frontier-Topic": "temp", "Frontier-Custom": "AQD+",
        "Frontier-Labels": "region=eu+%26+us",
    });
    assert_eq!(message["headers"], headers);
    assert_eq!(messages[0]["headers"].get("Frontier-Custom"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_queue_takes_is_an_error_to_its_edge_and_to_nobody_else() {
    let host = VirtualHost::shared("unroutable");
    let gateway = gateway(&host, &["kept", "nowhere"]).set("mq.amqp.queues", json!([{ "name": "kept" }]));
    let gateway = gateway.start().await;
    let edge = Arc::new(edge(&gateway, 1).await);
    let mut publishing = JoinSet::new();
    // All in flight at once: what comes back belongs to some of them.
    for number in 0..600_u32 {
        let (edge, topic) = (edge.clone(), if number % 3 == 0 { "nowhere" } else { "kept" });
        publishing.spawn(async move { (topic, edge.publish(topic, format!("{number}")).await) });
    }
    for (topic, published) in within("all are answered", publishing.join_all()).await {
        match topic {
            "kept" => published.unwrap(),
            _ => {
                let error = published.expect_err("nobody takes it");
                assert!(error.code() == Code::TopicNotOnline && error.is_retryable(), "{error}");
                assert!(error.text().contains("no queue of the broker takes"), "{error}");
            }
        }
    }
    assert_eq!(host.drain("kept").len(), 400);
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_missing_is_told_and_used_once_it_is_there() {
    let host = VirtualHost::shared("missing");
    let gateway = with_queues(&host, &["temp"]).set("mq.amqp.producer.exchange", "later").start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    for _ in 0..3 {
        let error = refused(&edge, "temp", "1").await;
        assert!(
            error.code() == Code::TopicNotOnline && error.text().contains("no exchange 'later'"),
            "{error}"
        );
    }
    host.client(&["exchange", "later", "direct"]);
    assert!(refused(&edge, "temp", "2").await.text().contains("no queue of the broker takes"));
    host.client(&["bind", "temp", "later", "temp"]);
    edge.publish("temp", "3").await.unwrap();
    host.client(&["no-exchange", "later"]);
    let error = refused(&edge, "temp", "4").await;
    assert_eq!(error.code(), Code::TopicNotOnline, "{error}");
    assert_eq!(payloads(&host.drain("temp")), [b"3"]);
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_ends_nobody_elses_messages() {
    let host = VirtualHost::shared("refusing");
    host.client(&["queue", "full", r#"{"x-max-length": 1, "x-overflow": "reject-publish"}"#]);
    let gateway = gateway(&host, &["temp", "full"]).set("mq.amqp.queues", json!([{ "name": "temp" }]));
    let gateway = gateway.set("mq.amqp.frame_size", 4096).start().await;
    let (edge, other) = (edge(&gateway, 1).await, Arc::new(edge(&gateway, 2).await));
    edge.publish("full", "1").await.unwrap();
    let error = refused(&edge, "full", "2").await;
    assert_eq!((error.code(), error.is_retryable()), (Code::Overloaded, true), "{error}");
    assert!(error.text().contains("is it full?"), "{error}");
    let published = edge.publish("temp", "3").custom(vec![1; 5000]).await;
    let error = published.expect_err("its header is longer than a frame");
    assert!(error.code() == Code::TooLarge && error.text().contains("the broker takes 4096"), "{error}");

    // The broker says so by closing the channel, with others' messages on it.
    let mut publishing = JoinSet::new();
    for number in 0..300_u32 {
        let other = other.clone();
        publishing.spawn(async move { (number, other.publish("temp", format!("{number}")).await) });
    }
    for _ in 0..3 {
        let error = refused(&edge, "temp", vec![0; MAX_MESSAGE + 1]).await;
        assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
        assert!(error.text().contains(&MAX_MESSAGE.to_string()), "{error}");
    }
    let ends = within("all are answered", publishing.join_all()).await;
    let stored = payloads(&host.drain("temp"));
    for (number, published) in ends {
        let copies = stored.iter().filter(|payload| **payload == number.to_string().into_bytes()).count();
        match published {
            Ok(()) => assert_eq!(copies, 1, "{number}"),
            // It was before the one that closed the channel, and not confirmed yet.
            Err(error) => {
                assert!(error.code() == Code::Disconnected && error.text().contains("may have"), "{error}");
                assert!(copies <= 1, "{number}");
            }
        }
    }
    edge.publish("temp", "last").await.unwrap();
    assert_eq!(payloads(&host.drain("temp")), [b"last"]);
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_credentials_are_told_and_mended_without_a_restart() {
    let host = VirtualHost::shared("strict");
    let gateway = with_queues(&host, &["temp"]).set("mq.timeout", "1s").start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "1").await.unwrap();
    host.permit("nothing");
    // A channel remembers what it was allowed.
    host.disconnect();
    let denied = async || edge.publish("temp", "2").await.err().filter(|error| error.code() == Code::Denied);
    let error = eventually(DEADLINE, "it is not allowed", denied).await;
    assert!(!error.is_retryable() && error.text().contains("ACCESS_REFUSED"), "{error}");
    host.permit(".*");
    edge.publish("temp", "3").await.unwrap();
    // The password changes, and the connection is lost.
    host.set_password("other");
    host.disconnect();
    let away = async || edge.publish("temp", "4").await.err();
    let error = eventually(DEADLINE, "it is not connected", away).await;
    assert!(error.is_retryable(), "{error}");
    eventually(DEADLINE, "it says why", async || gateway.log().find("ACCESS_REFUSED - Login was refused"))
        .await;
    host.set_password(host.name);
    connected(&gateway, 3).await;
    edge.publish("temp", "5").await.unwrap();
    let stored = payloads(&host.drain("temp"));
    assert!(stored.starts_with(&[b"1".to_vec()]) && stored.ends_with(&[b"5".to_vec()]), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routing_key_that_is_not_allowed_is_an_error_to_its_edge_and_to_nobody_else() {
    let host = VirtualHost::shared("topics");
    let gateway = gateway(&host, &["temp"])
        .set("mq.amqp.exchanges", json!([{ "name": "plant", "kind": "topic" }]))
        .set("mq.amqp.queues", json!([{ "name": "all" }]))
        .set(
            "mq.amqp.queuebindings",
            json!([{ "queue_name": "all", "exchange_name": "plant", "binding_key": "#" }]),
        )
        .set("mq.amqp.producer.exchange", "plant")
        .set("mq.amqp.producer.routing_key", "{edge_id}.{topic}");
    let gateway = gateway.start().await;
    connected(&gateway, 1).await;
    host.permit_topics("plant", "^1[.]");
    let (one, two) = (edge(&gateway, 1).await, edge(&gateway, 2).await);
    let allowed = tokio::spawn(async move { in_order(&one, "temp", 100).await });
    for _ in 0..3 {
        let error = refused(&two, "temp", "denied").await;
        assert_eq!((error.code(), error.is_retryable()), (Code::Denied, false), "{error}");
        let told =
            "amqp: the broker refuses it: ACCESS_REFUSED - access to topic '2.temp' in exchange 'plant'";
        assert!(error.text().starts_with(told), "{error}");
    }
    within("the others are acked", allowed).await.unwrap();
    host.permit_topics("plant", ".*");
    let published = async || two.publish("temp", "allowed").await.ok();
    eventually(DEADLINE, "it is allowed now", published).await;
    let stored = payloads(&host.drain("all"));
    assert!(!stored.contains(&b"denied".to_vec()) && stored.contains(&b"allowed".to_vec()), "{stored:?}");
}

/// The same server over TLS, where this certificate is shown.
fn over_tls(gateway: GatewayBuilder, host: &VirtualHost, common_name: &str) -> GatewayBuilder {
    let authority = Authority::common();
    let (ca, own) = (gateway.file("ca.pem"), gateway.file("own"));
    replace(&ca, authority.pem());
    std::fs::create_dir(&own).unwrap();
    let shown = authority.client(common_name, &[], Validity::Now).write(&own, "gateway");
    gateway
        .set("mq.amqp.addrs", json!([format!("{SERVER_NAME}:{}", host.server.tls_port())]))
        .set("mq.amqp.tls.enable", true)
        .set("mq.amqp.tls.ca_certs", json!([ca]))
        .set("mq.amqp.tls.cert", shown.cert.to_str().unwrap())
        .set("mq.amqp.tls.key", shown.key.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_alone_says_who_the_gateway_is_to_sinks_sources_and_the_relay() {
    let host = VirtualHost::shared("external");
    let nameless = |common_name: &str| {
        let builder = Gateway::builder()
            .set("mq.amqp.enable", true)
            .set("mq.amqp.vhost", host.name)
            .set("mq.amqp.queues", json!([{ "name": "there" }, { "name": "jobs" }]))
            .set("mq.amqp.producer.routing_keys", json!(["there"]))
            .set(
                "mq.amqp.consumers",
                json!([{
                    "name": "back", "queue": "there", "dead_letter": {"drop": true},
                    "to": {"edge": "{header:Frontier-Edge-Id}", "topic": "back"},
                }]),
            )
            .set("relay.enable", true)
            .set("relay.listen.addr", "127.0.0.1:0")
            .set("relay.amqp.exchanges", json!([{ "name": "", "routing_keys": "*" }]))
            .set("mq.max_backoff", "100ms");
        over_tls(builder, &host, common_name)
    };
    // The name in the certificate is that of the user.
    let gateway = nameless(host.name).start().await;
    connected(&gateway, 3).await;
    let edge = edge(&gateway, 1).await;
    edge.publish("there", "and back").await.unwrap();
    let message = within("it comes back", edge.recv()).await.unwrap();
    assert_eq!((&*message.topic, &message.data[..]), ("back", &b"and back"[..]));
    message.done();
    let (status, answer) = curl(relay_of(&gateway).await, "/relay/v1/amqp?routing_key=jobs", "of a job", &[]);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(payloads(&host.drain("jobs")), [b"of a job"]);
    // Whom the server does not know is told so.
    let stranger = nameless("stranger").start().await;
    eventually(DEADLINE, "it says why", async || stranger.log().find("ACCESS_REFUSED - Login was refused"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are() {
    let host = VirtualHost::shared("secret");
    // With a name and a password these count.
    let gateway = over_tls(with_queues(&host, &["temp"]), &host, "gateway").start().await;
    let large = vec![5; 700_000];
    edge(&gateway, 1).await.publish("temp", large.clone()).await.unwrap();
    assert!(payloads(&host.drain("temp")) == [large]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_frozen_and_in_alarm_it_loses_nothing_that_was_acked() {
    let mut server = RabbitMq::start();
    let addr = server.addr();
    let host = VirtualHost::of(Arc::new(server), "load");
    // One address is of nobody.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = with_queues(&host, &["load"])
        .set("mq.amqp.addrs", json!([nobody.to_string(), addr.to_string()]))
        .set("mq.timeout", "2s")
        .set("mq.connect_timeout", "2s");
    let gateway = gateway.start().await;
    connected(&gateway, 1).await;
    let load = Load::start(&gateway, "load", 4).await;
    load.acked(300).await;
    host.server.eval("vm_memory_monitor:set_vm_memory_high_watermark(0.0).");
    let (slow, other) = (edge(&gateway, 11).await, edge(&gateway, 12).await);
    let service = within("a service", gateway.service("files").connect()).await.unwrap();
    echo(&service, "echo").await.unwrap();
    let blocked =
        async || slow.publish("load", "11 0").await.err().filter(|it| it.code() == Code::Overloaded);
    let error = eventually(DEADLINE, "it takes nothing", blocked).await;
    assert!(error.is_retryable() && error.text().contains("low on memory"), "{error}");
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < SHORT {
        let call = Instant::now();
        other.call("echo", "1").await.unwrap();
        longest = longest.max(call.elapsed());
    }
    assert!(longest < SHORT / 2, "a call took {longest:?}");
    assert_eq!(logged(&gateway, "the broker is connected"), 1, "an alarm is no reason to leave");
    host.server.eval("vm_memory_monitor:set_vm_memory_high_watermark(0.8).");
    load.acked(300).await;
    host.server.signal("-STOP");
    eventually(DEADLINE, "it is left", async || gateway.log().find("has not answered for 2s")).await;
    host.server.signal("-CONT");
    load.acked(300).await;
    let VirtualHost { server: shared, name } = host;
    server = Arc::into_inner(shared).expect("nobody else has it");
    server.restart();
    load.acked(300).await;
    let published = load.stop().await;
    let host = VirtualHost { server: Arc::new(server), name };
    let stored: Vec<Vec<u8>> =
        payloads(&host.drain("load")).into_iter().filter(|payload| payload != b"11 0").collect();
    assert_eq!(published.check(&stored), 0, "nothing is sent again whose outcome is unknown");
    assert!(stored.len() >= published.acked());
}
