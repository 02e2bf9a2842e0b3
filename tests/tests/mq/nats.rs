//! Core NATS, where nothing is stored.

use crate::load::in_order;
use crate::world::{connected, edge, labelled, logged, nats, refused};
use frontier_sdk::{Code, EdgeId};
use frontier_test_nats::{Client, Server};
use frontier_tests::{DEADLINE, eventually, within};

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_get_payload_headers_and_order() {
    let server = Server::start();
    let gateway =
        nats(server.addr(), &["temp", "blob"]).set("mq.nats.producer.subject", "plant.{edge_id}.{topic}");
    let gateway = gateway;
    let gateway = labelled(gateway, "region", "eu & us").start().await;
    let mut subscriber = Client::connect(server.addr());
    subscriber.subscribe("plant.7.>");
    let edge = within("an edge connects", gateway.edge().id(EdgeId(7)).token("t").connect()).await.unwrap();
    in_order(&edge, "temp", 200).await;
    edge.publish("temp", vec![0, 255, 13, 10]).custom(vec![1, 0, 254]).await.unwrap();
    edge.publish("temp", "nobody waits").unacked().await.unwrap();
    // Beyond what goes over the lane, and within what NATS takes.
    let large: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    edge.publish("blob", large.clone()).await.unwrap();

    let received: Vec<_> = (0..203).map(|_| subscriber.receive()).collect();
    for (number, message) in received[..200].iter().enumerate() {
        assert_eq!(message.subject, "plant.7.temp");
        assert_eq!(message.payload, number.to_string().as_bytes());
    }
    let headers = &received[200].headers;
    assert_eq!(received[200].payload, [0, 255, 13, 10]);
    let header = |name: &str| headers.get(name).map(String::as_str);
    assert_eq!(header("Frontier-Edge-Id"), Some("7"));
    assert_eq!(header("Frontier-Topic"), Some("temp"));
    assert_eq!(header("Frontier-Custom"), Some("AQD+"));
    assert_eq!(header("Frontier-Labels"), Some("region=eu+%26+us"));
    assert!(received[0].headers["Frontier-Message-Id"] != headers["Frontier-Message-Id"]);
    assert_eq!(received[201].payload, b"nobody waits");
    assert!(received[202].payload == large && received[202].subject == "plant.7.blob");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_take_is_an_error_that_says_so() {
    let server = Server::with(
        "max_payload: 100000\nauthorization { users = [{ user: g, password: p, permissions: { publish: { deny: secret } } }] }",
    );
    let gateway =
        nats(server.addr(), &["temp", "secret"]).set("mq.nats.username", "g").set("mq.nats.password", "p");
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "1").await.unwrap();
    let error = refused(&edge, "temp", vec![0; 100_001]).await;
    assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
    assert!(error.text().contains("the broker takes 100000"), "{error}");
    // The server says so beside what it answers: the first of them may be acked before it is heard.
    let denied = async || edge.publish("secret", "1").await.err();
    let error = eventually(DEADLINE, "it is refused", denied).await;
    assert_eq!((error.code(), error.is_retryable()), (Code::Denied, false), "{error}");
    assert_eq!(refused(&edge, "secret", "1").await.code(), Code::Denied);
    assert!(error.text().contains("nats: the broker does not allow publishing to \"secret\""), "{error}");
    // The connection goes on, and so does everybody else.
    edge.publish("temp", "2").await.unwrap();
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_and_mended_without_a_restart() {
    let users = |password: &str| format!("authorization {{ users = [{{ user: g, password: {password} }}] }}");
    let mut server = Server::with(&users("other"));
    let gateway = nats(server.addr(), &["temp"]).set("mq.nats.username", "g").set("mq.nats.password", "p");
    let gateway = gateway.set("mq.timeout", "1s").set("mq.max_backoff", "100ms").start().await;
    let edge = edge(&gateway, 1).await;
    let error = refused(&edge, "temp", "1").await;
    assert!(error.code() == Code::TopicNotOnline && error.is_retryable(), "{error}");
    assert!(error.text().contains("authorization violation"), "{error}");
    gateway.log().line("authorization violation").await;
    server.configure(&users("p"));
    server.restart();
    connected(&gateway, 1).await;
    edge.publish("temp", "2").await.unwrap();
}
