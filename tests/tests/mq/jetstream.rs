//! JetStream: acked is stored, and stored once.

use crate::load::Load;
use crate::world::{SHORT, connected, edge, jetstream, refused};
use frontier_sdk::Code;
use frontier_test_nats::{Client, Server};
use frontier_tests::{Authority, DEADLINE, SERVER_NAME, Validity, echo, eventually, replace, within};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_made_and_what_is_acked_is_in_it() {
    let server = Server::start();
    let gateway = jetstream(server.addr(), "readings", &["temp", "humidity"]).start().await;
    let edge = edge(&gateway, 7).await;
    edge.publish("temp", "1").custom("c").await.unwrap();
    edge.publish("humidity", vec![7; 200_000]).await.unwrap();
    let stored = Client::connect(server.addr()).stored("readings");
    assert_eq!(stored.len(), 2);
    assert_eq!((stored[0].subject.as_str(), &*stored[0].payload), ("temp", &b"1"[..]));
    let header = |name: &str| stored[0].headers.get(name).map(String::as_str);
    assert_eq!((header("Frontier-Edge-Id"), header("Frontier-Custom")), (Some("7"), Some("Yw==")));
    assert_eq!(header("Nats-Msg-Id"), header("Frontier-Message-Id"));
    assert!(header("Nats-Msg-Id").is_some() && stored[1].payload == vec![7; 200_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_missing_full_or_too_small_says_so_at_once() {
    let server = Server::start();
    let mut client = Client::connect(server.addr());
    client.create_stream("small", &["small"], &json!({ "max_msg_size": 200 }));
    client.create_stream("full", &["full"], &json!({ "max_msgs": 1, "discard": "new" }));
    client.create_stream("gone", &["gone"], &Value::Null);
    let gateway = jetstream(server.addr(), "", &["none", "small", "full", "gone"]).start().await;
    let edge = edge(&gateway, 1).await;
    let start = Instant::now();
    let error = refused(&edge, "none", "1").await;
    assert_eq!(error.code(), Code::TopicNotOnline, "{error}");
    assert!(error.text().contains("no stream of the broker takes"), "{error}");
    edge.publish("small", "1").await.unwrap();
    let error = refused(&edge, "small", vec![0; 1000]).await;
    assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
    edge.publish("full", "1").await.unwrap();
    let error = refused(&edge, "full", "2").await;
    assert_eq!((error.code(), error.is_retryable()), (Code::Overloaded, true), "{error}");
    assert!(error.text().contains("maximum messages exceeded (10077)"), "{error}");
    edge.publish("gone", "1").await.unwrap();
    client.jetstream("STREAM.DELETE.gone", &Value::Null);
    assert_eq!(refused(&edge, "gone", "2").await.code(), Code::TopicNotOnline);
    client.create_stream("gone", &["gone"], &Value::Null);
    edge.publish("gone", "3").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "nothing waited for a deadline: {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_late_gets_what_has_waited_for_it() {
    let mut server = Server::stopped("");
    let gateway = jetstream(server.addr(), "late", &["late"]).set("mq.max_backoff", "100ms").start().await;
    let edge = edge(&gateway, 1).await;
    let waiting = tokio::spawn(async move {
        let published = edge.publish("late", "1").await;
        (edge, published)
    });
    eventually(DEADLINE, "it can't be connected", async || gateway.log().find("can't be connected")).await;
    server.restart();
    let (edge, published) = within("it is acked", waiting).await.unwrap();
    published.unwrap();
    edge.publish("late", "2").await.unwrap();
    let stored = Client::connect(server.addr()).stored("late");
    assert_eq!(stored.iter().map(|it| it.payload.clone()).collect::<Vec<_>>(), [b"1", b"2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_loses_nothing_and_doubles_nothing() {
    let mut server = Server::start();
    let gateway = jetstream(server.addr(), "load", &["load"]).set("mq.max_backoff", "100ms").start().await;
    connected(&gateway, 1).await;
    let load = Load::start(&gateway, "load", 8).await;
    for round in 0..3 {
        load.acked(300).await;
        server.restart();
        connected(&gateway, round + 2).await;
    }
    load.acked(300).await;
    let published = load.stop().await;
    let stored = Client::connect(server.addr()).stored("load");
    let payloads: Vec<Vec<u8>> = stored.iter().map(|it| it.payload.clone()).collect();
    assert_eq!(published.check(&payloads), 0, "sent again by the same id, it is stored once");
    // What was on its way when the broker went was sent again: nobody heard of it.
    assert!(published.codes().is_empty(), "{:?}", published.codes());
    assert_eq!(payloads.len(), published.acked());
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_it_fails_what_waits_for_it_and_delays_nobody_else() {
    let server = Server::start();
    let gateway = jetstream(server.addr(), "frozen", &["frozen"]);
    let gateway =
        gateway.set("mq.timeout", "1s").set("mq.connect_timeout", "500ms").set("mq.max_backoff", "100ms");
    let gateway = gateway.start().await;
    let (slow, other) = (edge(&gateway, 1).await, edge(&gateway, 2).await);
    let service = within("a service", gateway.service("files").connect()).await.unwrap();
    echo(&service, "echo").await.unwrap();
    slow.publish("frozen", "before").await.unwrap();
    server.signal("-STOP");
    let start = Instant::now();
    let publishing = async {
        let error = refused(&slow, "frozen", "meanwhile").await;
        assert_eq!((error.code(), error.is_retryable()), (Code::Deadline, true), "{error}");
        assert!(error.text().contains("the broker may have the message"), "{error}");
        assert!((SHORT / 2..5 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
        // It is left, and from then on away.
        let away = async || {
            let error = refused(&slow, "frozen", "later").await;
            (error.code() == Code::TopicNotOnline).then_some(error)
        };
        let error = eventually(DEADLINE, "the broker is left", away).await;
        assert!(error.text().contains("not connected for"), "{error}");
    };
    let calling = async {
        let mut longest = Duration::ZERO;
        while start.elapsed() < SHORT {
            let call = Instant::now();
            other.call("echo", "1").await.unwrap();
            longest = longest.max(call.elapsed());
        }
        longest
    };
    let ((), longest) = tokio::join!(publishing, calling);
    assert!(longest < SHORT / 2, "a call took {longest:?}");
    server.signal("-CONT");
    connected(&gateway, 2).await;
    slow.publish("frozen", "after").await.unwrap();
    let stored = Client::connect(server.addr()).stored("frozen");
    let texts: Vec<_> = stored.iter().map(|it| String::from_utf8(it.payload.clone()).unwrap()).collect();
    assert!(texts[0] == "before" && texts.last().unwrap() == "after", "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catch_all_takes_what_nobody_else_does_and_no_name_breaks_out_of_its_subject() {
    let server = Server::start();
    let gateway =
        jetstream(server.addr(), "rest", &["*"]).set("mq.nats.jetstream.producer.subject", "rest.{topic}");
    let gateway = gateway.start().await;
    let service = gateway.service("files").topics(["taken"]);
    let service = within("a service", service.connect()).await.unwrap();
    let taking = tokio::spawn(async move {
        while let Some(message) = service.recv().await {
            message.done();
        }
    });
    let edge = edge(&gateway, 1).await;
    for topic in ["temp", "a.b.c", "taken"] {
        edge.publish(topic, "1").await.unwrap();
    }
    for topic in ["a..b", ">", "a b", "x\r\nPUB y 0", "\u{85}"] {
        let error = refused(&edge, topic, "1").await;
        assert!(
            error.code() == Code::Denied && error.text().contains("is no subject of NATS"),
            "{topic:?}: {error}"
        );
    }
    let stored = Client::connect(server.addr()).stored("rest");
    assert_eq!(stored.iter().map(|it| &*it.subject).collect::<Vec<_>>(), ["rest.temp", "rest.a.b.c"]);
    taking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are() {
    let gateway = jetstream(Server::stopped("").addr(), "secured", &["temp"]);
    let files = gateway.dir().to_owned();
    let authority = Authority::common();
    replace(&files.join("ca.pem"), authority.pem());
    let pair = authority.server(&[SERVER_NAME], Validity::Now).write(&files, "nats");
    let shown = authority.client("gateway", &[], Validity::Now).write(&files, "gateway");
    let tls = format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        pair.cert,
        pair.key,
        files.join("ca.pem")
    );
    let server = Server::with(&tls);
    let gateway = gateway
        .set("mq.nats.addrs", json!([format!("{SERVER_NAME}:{}", server.addr().port())]))
        .set("mq.nats.tls.enable", true)
        .set("mq.nats.tls.ca_certs", json!([files.join("ca.pem")]));
    // Without a certificate of its own it is not let in.
    let nobody = gateway.clone().set("mq.max_backoff", "100ms").start().await;
    eventually(DEADLINE, "it can't be connected", async || nobody.log().find("can't be connected")).await;
    let gateway = gateway.set("mq.nats.tls.cert", json!(shown.cert)).set("mq.nats.tls.key", json!(shown.key));
    let gateway = gateway.start().await;
    edge(&gateway, 1).await.publish("temp", "1").await.unwrap();
}
