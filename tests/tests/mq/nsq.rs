//! NSQ: acked is in the queue of one nsqd.

use crate::load::{Load, in_order};
use crate::mosquitto::text;
use crate::nsqd::{Nsqd, Reader};
use crate::world::{connected, edge, labelled, logged, nsq, refused};
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{Authority, DEADLINE, SERVER_NAME, Validity, eventually, replace, within};
use serde_json::{Value, json};
use std::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn payloads_and_json_arrive_in_order_at_the_first_that_answers() {
    let server = Nsqd::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = nsq(&[nobody, server.addr()], &["temp", "blob"]).start().await;
    let mut reader = Reader::start(&server, "temp", "archive");
    let one = edge(&gateway, 7).await;
    in_order(&one, "temp", 200).await;
    one.publish("temp", vec![0, 255, 13, 10]).await.unwrap();
    let expected: Vec<Vec<u8>> = (0..200_u32).map(|number| number.to_string().into_bytes()).collect();
    assert_eq!(reader.take(200), expected);
    assert_eq!(reader.next(), [0, 255, 13, 10]);
    let large: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    one.publish("blob", large.clone()).await.unwrap();
    assert!(Reader::start(&server, "blob", "archive").next() == large);
    let gateway = nsq(&[server.addr()], &["temp"])
        .set("mq.nsq.producer.topic", "edge-{edge_id}.{topic}")
        .set("mq.nsq.producer.format", "json");
    let gateway = labelled(gateway, "region", "eu").start().await;
    let edge = within("an edge connects", gateway.edge().id(EdgeId(8)).token("t").connect()).await.unwrap();
    edge.publish("temp", "1").custom("c").await.unwrap();
    let json: Value =
        serde_json::from_slice(&Reader::start(&server, "edge-8.temp", "archive").next()).unwrap();
    assert_eq!(
        (&json["edge_id"], &json["topic"], &json["payload"]),
        (&json!("8"), &json!("temp"), &json!("MQ=="))
    );
    assert_eq!((&json["custom"], &json["labels"]), (&json!("Yw=="), &json!({"region": "eu"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nsqd_would_end_the_connection_for_is_refused_before() {
    let server = Nsqd::with(&["-max-msg-size", "1000"]);
    let gateway = nsq(&[server.addr()], &["*"]).set("mq.max_backoff", "100ms").start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("open", "1").await.unwrap();
    for topic in ["a b", "a/b", &"x".repeat(65)] {
        let error = refused(&edge, topic, "1").await;
        assert!(error.code() == Code::Denied && error.text().contains("no topic of NSQ"), "{error}");
    }
    let error = refused(&edge, "open", "").await;
    assert!(error.code() == Code::Denied && error.text().contains("empty"), "{error}");
    let error = refused(&edge, "open", vec![0; (1 << 20) + 1]).await;
    assert!(error.code() == Code::TooLarge && error.text().contains("the broker takes 1048576"), "{error}");
    // Its own limit it tells when it is exceeded, at the price of the connection: once.
    let (edge, mut others) = (std::sync::Arc::new(edge), tokio::task::JoinSet::new());
    for _ in 0..200 {
        let edge = edge.clone();
        others.spawn(async move { edge.publish("open", "2").await });
    }
    for _ in 0..3 {
        let error = refused(&edge, "open", vec![0; 2000]).await;
        assert_eq!((error.code(), error.is_retryable()), (Code::TooLarge, false), "{error}");
        assert!(error.text().contains("1000"), "{error}");
    }
    // What is behind it in the same connection goes out again, and nothing is doubled.
    assert!(within("all are acked", others.join_all()).await.iter().all(Result::is_ok));
    edge.publish("open", "3").await.unwrap();
    assert_eq!(server.topic("open")["message_count"], 202);
    assert!(logged(&gateway, "the broker is connected") <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_frozen_under_load_it_loses_nothing_and_doubles_nothing() {
    let mut server = Nsqd::start();
    let gateway = nsq(&[server.addr()], &["load"]).set("mq.max_backoff", "100ms").set("mq.timeout", "2s");
    let gateway = gateway.set("mq.connect_timeout", "1s").start().await;
    connected(&gateway, 1).await;
    let load = Load::start(&gateway, "load", 4).await;
    load.acked(100).await;
    server.restart();
    connected(&gateway, 2).await;
    load.acked(100).await;
    server.signal("-STOP");
    eventually(DEADLINE, "it is left", async || gateway.log().find("has not answered for 2s")).await;
    server.signal("-CONT");
    connected(&gateway, 3).await;
    load.acked(100).await;
    let published = load.stop().await;
    let depth = server.topic("load")["depth"].as_u64().unwrap();
    let mut reader = Reader::start(&server, "load", "archive");
    let stored = reader.take(usize::try_from(depth).unwrap());
    assert_eq!(published.check(&stored), 0, "nothing is sent again whose outcome is unknown");
    server.kill();
    let one = edge(&gateway, 99).await;
    let away =
        async || one.publish("load", "99 0").await.err().filter(|it| it.code() == Code::TopicNotOnline);
    let error = eventually(DEADLINE, "it is away", away).await;
    assert!(error.is_retryable() && error.text().contains("not connected for"), "{error}");
    server.start_again();
    connected(&gateway, 4).await;
    one.publish("load", "99 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are_and_a_secret_is_asked_for() {
    let auth = Auth::start();
    let mut server = Nsqd::stopped(&[
        "-tls-cert={}/nsqd.pem",
        "-tls-key={}/nsqd.key",
        "-tls-root-ca-file={}/ca.pem",
        "-tls-client-auth-policy=require-verify",
        "-tls-required=tcp-https",
        &format!("-auth-http-address=127.0.0.1:{}", auth.0),
    ]);
    let authority = Authority::common();
    replace(&server.file("ca.pem"), authority.pem());
    let pair = authority.server(&[SERVER_NAME], Validity::Now).write(&server.file(""), "server");
    std::fs::copy(&pair.cert, server.file("nsqd.pem")).unwrap();
    std::fs::copy(&pair.key, server.file("nsqd.key")).unwrap();
    let shown = authority.client("gateway", &[], Validity::Now).write(&server.file(""), "gateway");
    server.start_again();
    let with_secret = |secret: &str| {
        nsq(&[server.addr()], &["temp", "secret"])
            .set("mq.nsq.addrs", json!([format!("{SERVER_NAME}:{}", server.addr().port())]))
            .set("mq.nsq.auth_secret", secret)
            .set("mq.nsq.tls.enable", true)
            .set("mq.nsq.tls.ca_certs", json!([server.file("ca.pem")]))
            .set("mq.nsq.tls.cert", text(&shown.cert))
            .set("mq.nsq.tls.key", text(&shown.key))
            .set("mq.max_backoff", "100ms")
            .set("mq.timeout", "2s")
    };
    let gateway = with_secret("right").start().await;
    let one = edge(&gateway, 1).await;
    one.publish("temp", "1").await.unwrap();
    for _ in 0..3 {
        let error = refused(&one, "secret", "2").await;
        assert!(error.code() == Code::Denied && error.text().contains("E_UNAUTHORIZED"), "{error}");
    }
    one.publish("temp", "3").await.unwrap();
    assert!(logged(&gateway, "the broker is connected") <= 2);
    let wrong = with_secret("wrong").start().await;
    let error = refused(&edge(&wrong, 2).await, "temp", "4").await;
    assert!(error.code() == Code::TopicNotOnline && error.text().contains("E_UNAUTHORIZED"), "{error}");
}

/// Who says what a secret may do, over HTTP: `right` may publish and read `temp`.
struct Auth(u16);

impl Auth {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream);
            }
        });
        Self(port)
    }
}

fn answer(mut stream: std::net::TcpStream) {
    use std::io::{BufRead, BufReader, Write};
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let _: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let allowed = json!([{"topic": "temp", "channels": [".*"], "permissions": ["publish", "subscribe"]}]);
    let is_right = request.contains("secret=right");
    let body = json!({"ttl": 3600, "authorizations": if is_right { allowed } else { json!([]) }}).to_string();
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}
