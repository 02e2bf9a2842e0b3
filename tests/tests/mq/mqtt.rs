//! MQTT 5: acked is passed on to those who had subscribed.

use crate::load::{Load, in_order};
use crate::mosquitto::{Mosquitto, Subscriber, text};
use crate::world::{connected, edge, labelled, logged, mqtt, refused};
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{
    Authority, DEADLINE, GatewayBuilder, SERVER_NAME, Validity, eventually, replace, within,
};
use serde_json::json;
use std::net::TcpListener;

/// A gateway whose broker is connected again quickly.
fn quick(server: &Mosquitto, topics: &[&str]) -> GatewayBuilder {
    mqtt(&[server.addr()], topics).set("mq.max_backoff", "100ms")
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_get_payloads_properties_and_order() {
    let server = Mosquitto::start();
    // One address is of nobody.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = mqtt(&[nobody, server.addr()], &["temp", "blob"])
        .set("mq.mqtt.producer.topic", "plant/{edge_id}/{topic}")
        .set("mq.mqtt.producer.content_type", "text/plain")
        .set("mq.mqtt.producer.message_expiry", "1h");
    let gateway = labelled(gateway, "region", "eu & us").start().await;
    let subscriber = Subscriber::start(&server, "plant/7/#", &[]).await;
    let edge = within("an edge connects", gateway.edge().id(EdgeId(7)).token("t").connect()).await.unwrap();
    in_order(&edge, "temp", 200).await;
    edge.publish("temp", vec![0, 255, 13, 10]).custom(vec![1, 0, 254]).await.unwrap();
    let large: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    edge.publish("blob", large.clone()).await.unwrap();
    let got = subscriber.holds(202).await;
    for (number, message) in got[..200].iter().enumerate() {
        assert_eq!((&*message.topic, &*message.payload), ("plant/7/temp", number.to_string().as_bytes()));
    }
    assert_eq!(got[200].payload, [0, 255, 13, 10]);
    let properties = &got[200].properties["user-properties"];
    assert_eq!(properties["Frontier-Edge-Id"], "7");
    assert_eq!(properties["Frontier-Topic"], "temp");
    assert_eq!(properties["Frontier-Custom"], "AQD+");
    assert_eq!(properties["Frontier-Labels"], "region=eu+%26+us");
    assert!(
        properties["Frontier-Message-Id"] != got[199].properties["user-properties"]["Frontier-Message-Id"]
    );
    assert_eq!(got[200].properties["content-type"], "text/plain");
    assert!(got[201].payload == large && got[201].topic == "plant/7/blob" && !got[201].is_retained);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_does_not_take_is_an_error_that_says_so() {
    let mut server = Mosquitto::stopped("acl_file {}/rules\nmessage_size_limit 1000\nmax_packet_size 5000");
    std::fs::write(server.file("rules"), "topic readwrite open/#\n").unwrap();
    server.restart();
    let gateway = mqtt(&[server.addr()], &["*"]).start().await;
    let edge = edge(&gateway, 1).await;
    let error = refused(&edge, "open/a", "1").await;
    assert_eq!((error.code(), error.is_retryable()), (Code::TopicNotOnline, true), "{error}");
    assert!(error.text().contains("nobody has subscribed"), "{error}");
    let subscriber = Subscriber::start(&server, "open/#", &[]).await;
    edge.publish("open/a", "2").await.unwrap();
    for _ in 0..3 {
        let error = refused(&edge, "secret", "3").await;
        assert_eq!((error.code(), error.is_retryable()), (Code::Denied, false), "{error}");
        assert!(error.text().contains("not authorized (0x87)"), "{error}");
    }
    // Some are refused by the broker, the last one before it is sent.
    for (size, cause) in [
        (2000, "packet too large (0x95)"),
        (2000, "packet too large (0x95)"),
        (6000, "the broker takes 5000"),
    ] {
        let error = refused(&edge, "open/a", vec![b'x'; size]).await;
        assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
        assert!(error.text().contains(cause), "{error}");
    }
    for topic in ["open/+", "open/#", "open/\u{1}"] {
        let error = refused(&edge, topic, "5").await;
        assert!(error.code() == Code::Denied && error.text().contains("no topic of MQTT"), "{error}");
    }
    edge.publish("open/a", "6").await.unwrap();
    // It ends the connection behind what it refuses, so that is not tried again for some time.
    assert!(logged(&gateway, "the broker is connected") <= 3);
    assert_eq!(subscriber.holds(2).await.len(), 2);
    let kept = mqtt(&[server.addr()], &["open/last", "open/none"])
        .set("mq.mqtt.producer.retain", true)
        .start()
        .await;
    let other = crate::world::edge(&kept, 2).await;
    drop(subscriber);
    other.publish("open/last", "7").await.unwrap();
    let late = Subscriber::start(&server, "open/#", &[]).await.holds(1).await;
    assert!(late[0].is_retained && late[0].payload == b"7", "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_loses_nothing_that_was_acked_and_doubles_nothing() {
    let mut server = Mosquitto::start();
    let gateway = quick(&server, &["load"]).start().await;
    connected(&gateway, 1).await;
    let subscriber = Subscriber::start(&server, "load", &[]).await;
    let load = Load::start(&gateway, "load", 8).await;
    for round in 0..3 {
        load.acked(300).await;
        server.restart();
        connected(&gateway, round + 2).await;
    }
    load.acked(300).await;
    let published = load.stop().await;
    let all = async || Some(subscriber.payloads()).filter(|got| got.len() >= published.acked());
    let got = eventually(DEADLINE, "nothing is lost", all).await;
    assert_eq!(published.check(&got), 0, "nothing is sent again whose outcome is unknown");
    let codes = published.codes();
    let is_known = |code: &String| ["disconnected", "topic not online"].contains(&code.as_str());
    assert!(codes.iter().all(is_known), "unknown, or nobody had subscribed yet: {codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_it_is_left_and_connected_again() {
    let server = Mosquitto::start();
    let gateway = quick(&server, &["temp"]).set("mq.timeout", "2s").set("mq.connect_timeout", "500ms");
    let gateway = gateway.set("mq.mqtt.producer.require_subscriber", false).start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "2").await.unwrap();
    server.signal("-STOP");
    let error = refused(&edge, "temp", "3").await;
    assert!(error.code() == Code::Deadline && error.text().contains("may have the message"), "{error}");
    eventually(DEADLINE, "it is left", async || gateway.log().find("has not answered for 2s")).await;
    let away = async || edge.publish("temp", "4").await.err().filter(|it| it.code() == Code::TopicNotOnline);
    let error = eventually(DEADLINE, "it is away", away).await;
    assert!(error.is_retryable() && error.text().contains("not connected for"), "{error}");
    server.signal("-CONT");
    connected(&gateway, 2).await;
    edge.publish("temp", "5").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_told_and_mended_without_a_restart() {
    let mut server = Mosquitto::stopped("allow_anonymous false\npassword_file {}/passwords");
    server.set_password("gateway", "old");
    server.restart();
    let gateway = quick(&server, &["temp"])
        .set("mq.timeout", "1s")
        .set("mq.mqtt.username", "gateway")
        .set("mq.mqtt.password", "new")
        .set("mq.mqtt.client_id", "plant-gateway")
        .set("mq.mqtt.producer.require_subscriber", false);
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    let error = refused(&edge, "temp", "1").await;
    assert!(error.code() == Code::TopicNotOnline && error.is_retryable(), "{error}");
    assert!(error.text().contains("refuses the login: not authorized (0x87)"), "{error}");
    server.set_password("gateway", "new");
    server.signal("-HUP");
    connected(&gateway, 1).await;
    edge.publish("temp", "2").await.unwrap();
    assert!(server.log().contains("as plant-gateway (p5, c1, k10, u'gateway')"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are_and_a_server_that_comes_late_is_waited_for() {
    let mut server = Mosquitto::stopped(
        "require_certificate true\ncafile {}/ca.pem\ncertfile {}/mosquitto.pem\nkeyfile {}/mosquitto.key",
    );
    let authority = Authority::common();
    replace(&server.file("ca.pem"), authority.pem());
    let pair = authority.server(&[SERVER_NAME], Validity::Now).write(&server.file(""), "server");
    std::fs::copy(&pair.cert, server.file("mosquitto.pem")).unwrap();
    std::fs::copy(&pair.key, server.file("mosquitto.key")).unwrap();
    let shown = authority.client("gateway", &[], Validity::Now).write(&server.file(""), "gateway");
    let gateway = quick(&server, &["temp"])
        .set("mq.mqtt.addrs", json!([format!("mqtts://{SERVER_NAME}:{}", server.addr().port())]))
        .set("mq.mqtt.tls.enable", true)
        .set("mq.mqtt.tls.ca_certs", json!([server.file("ca.pem")]))
        .set("mq.mqtt.tls.cert", text(&shown.cert))
        .set("mq.mqtt.tls.key", text(&shown.key))
        .set("mq.mqtt.producer.require_subscriber", false);
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    let waiting = tokio::spawn(async move { edge.publish("temp", vec![5; 700_000]).await });
    eventually(DEADLINE, "it can't be connected", async || gateway.log().find("can't be connected")).await;
    server.restart();
    within("it is acked", waiting).await.unwrap().unwrap();
    assert!(server.log().contains("(700000 bytes)"), "{}", server.log());
}
