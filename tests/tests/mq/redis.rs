//! Channels of Redis, where nothing is stored.

use crate::resp::{Resp, Value};
use crate::world::{edge, redis, refused};
use frontier_sdk::Code;
use frontier_test_redis::Server;
use serde_json::json;

fn message(subscriber: &mut Resp) -> (String, Vec<u8>) {
    let [kind, channel, payload] = &subscriber.value().list()[..] else { panic!("no message") };
    assert_eq!(kind.text(), "message");
    (channel.text(), payload.bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_get_payloads_in_order() {
    let server = Server::start();
    let gateway = redis(&[server.addr()]).set("mq.redis.producer.channels", json!(["alarms"])).start().await;
    let mut subscriber = Resp::connect(server.addr());
    subscriber.ask(&["SUBSCRIBE", "alarms"]);
    let edge = edge(&gateway, 7).await;
    crate::load::in_order(&edge, "alarms", 100).await;
    edge.publish("alarms", vec![0, 13, 10, 255]).await.unwrap();
    for number in 0..100 {
        assert_eq!(message(&mut subscriber), ("alarms".to_owned(), number.to_string().into_bytes()));
    }
    assert_eq!(message(&mut subscriber).1, [0, 13, 10, 255]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_brings_what_a_channel_has_no_headers_for_and_nobody_listening_is_an_error_if_asked() {
    let server = Server::start();
    let gateway = redis(&[server.addr()])
        .set("mq.redis.producer.channels", json!(["alarms"]))
        .set("mq.redis.producer.channel", "edge:{edge_id}")
        .set("mq.redis.producer.format", "json")
        .set("mq.redis.producer.require_subscriber", true);
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 7).await;
    let error = refused(&edge, "alarms", "1").await;
    assert_eq!(error.code(), Code::TopicNotOnline, "{error}");
    assert!(error.text().contains("nobody has subscribed to \"edge:7\""), "{error}");
    let mut subscriber = Resp::connect(server.addr());
    subscriber.ask(&["SUBSCRIBE", "edge:7"]);
    edge.publish("alarms", "1").custom("c").await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&message(&mut subscriber).1).unwrap();
    assert_eq!((&json["edge_id"], &json["topic"]), (&json!("7"), &json!("alarms")));
    assert_eq!((&json["custom"], &json["payload"]), (&json!("Yw=="), &json!("MQ==")));
    assert_eq!(Resp::connect(server.addr()).ask(&["PUBLISH", "edge:8", "x"]), Value::Number(0));
}
