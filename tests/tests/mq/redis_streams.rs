//! Streams of Redis: acked is added.

use crate::load::Load;
use crate::resp::{Resp, field};
use crate::world::{connected, edge, labelled, logged, refused, streams};
use frontier_sdk::{Code, EdgeId};
use frontier_test_redis::Server;
use frontier_tests::{Authority, DEADLINE, SERVER_NAME, Validity, eventually, replace, within};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_a_field_for_each_thing() {
    let server = Server::with(&["--requirepass", "secret"], &["-a", "secret"]);
    let gateway = streams(&[server.addr()], &["temp"])
        .set("mq.redis.password", "secret")
        .set("mq.redis.db", 2)
        .set("mq.redis.streams.producer.stream", "plant:{topic}")
        .set("mq.redis.streams.max_len", 100);
    let gateway = labelled(gateway, "region", "eu").start().await;
    let edge = within("an edge connects", gateway.edge().id(EdgeId(7)).token("t").connect()).await.unwrap();
    edge.publish("temp", vec![0, 255]).custom(vec![1, 0]).await.unwrap();
    let mut client = Resp::connect(server.addr());
    client.ask(&["AUTH", "secret"]);
    client.ask(&["SELECT", "2"]);
    let [entry] = &client.entries("plant:temp")[..] else { panic!("one entry") };
    assert_eq!((field(entry, "edge_id"), field(entry, "topic")), (&b"7"[..], &b"temp"[..]));
    assert_eq!((field(entry, "payload"), field(entry, "custom")), (&[0, 255][..], &[1, 0][..]));
    assert_eq!(field(entry, "labels"), b"region=eu");
    assert!(!field(entry, "message_id").is_empty());
    let large = vec![9; 3_000_000];
    edge.publish("temp", large.clone()).await.unwrap();
    assert!(field(&client.entries("plant:temp")[1], "payload") == large);
    // Redis trims whole nodes of some 100 entries.
    crate::load::in_order(&edge, "temp", 400).await;
    let kept = client.payloads("plant:temp");
    assert!((100..300).contains(&kept.len()) && kept.last().unwrap() == b"399", "{}", kept.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_refuses_says_whether_to_try_again() {
    let server = Server::start();
    let gateway = streams(&[server.addr()], &["temp", "wrong", "none"]).set("mq.redis.streams.create", false);
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    server.cli(&["XADD", "temp", "*", "a", "b"]);
    server.cli(&["SET", "wrong", "text"]);
    edge.publish("temp", "1").await.unwrap();
    let error = refused(&edge, "none", "1").await;
    assert!(
        error.code() == Code::TopicNotOnline && error.text().contains("there is no stream \"none\""),
        "{error}"
    );
    let error = refused(&edge, "wrong", "1").await;
    assert!(error.code() == Code::Denied && error.text().contains("WRONGTYPE"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = refused(&edge, "temp", "2").await;
    assert!(error.code() == Code::Overloaded && error.text().contains("OOM"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let error = refused(&edge, "temp", "3").await;
    assert!(error.code() == Code::Overloaded && error.text().contains("NOREPLICAS"), "{error}");
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    server.cli(&["ACL", "SETUSER", "default", "-xadd"]);
    let error = refused(&edge, "temp", "4").await;
    assert!(error.code() == Code::Denied && error.text().contains("NOPERM"), "{error}");
    server.cli(&["ACL", "SETUSER", "default", "+xadd"]);
    edge.publish("temp", "5").await.unwrap();
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
    let payloads = Resp::connect(server.addr()).entries("temp").len();
    assert_eq!(payloads, 3, "the first one, and the two that were acked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_demoted_is_left_for_the_new_one() {
    let (old, new) = (Server::start(), Server::start());
    let master = new.addr();
    // The second address is the master from the middle on, which is looked for among all of them.
    let gateway = streams(&[old.addr(), new.addr()], &["temp"]).set("mq.max_backoff", "100ms").start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "1").await.unwrap();
    old.cli(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    within("it waits for the new master", edge.publish("temp", "2")).await.unwrap();
    assert_eq!(Resp::connect(master).payloads("temp"), [b"2"]);
    connected(&gateway, 2).await;
    gateway.log().line("READONLY").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_loses_nothing_that_was_acked() {
    // On disk before it answers.
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let gateway = streams(&[server.addr()], &["load"]).set("mq.max_backoff", "100ms").start().await;
    connected(&gateway, 1).await;
    let load = Load::start(&gateway, "load", 8).await;
    for round in 0..3 {
        load.acked(300).await;
        server.restart();
        connected(&gateway, round + 2).await;
    }
    load.acked(300).await;
    let published = load.stop().await;
    let payloads = Resp::connect(server.addr()).payloads("load");
    assert_eq!(published.check(&payloads), 0, "nothing is sent again whose outcome is unknown");
    let codes = published.codes();
    assert!(codes.iter().all(|code| code == "disconnected"), "unknown, and nothing else: {codes:?}");
    assert!(payloads.len() >= published.acked());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_loads_its_data_is_waited_for_and_nothing_overtakes() {
    // A second or two for 10,000 entries. It looks at its connections behind each 1,024 of them.
    let arguments = ["--appendonly", "yes", "--appendfsync", "no", "--key-load-delay", "100"];
    let mut server = Server::with(&arguments, &[]);
    server.cli(&["EVAL", "for i = 1, 10000 do redis.call('XADD', 'old', '*', 'n', i) end", "0"]);
    let gateway = streams(&[server.addr()], &["load"]).set("mq.max_backoff", "100ms").start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    let text = |number: u32| format!("{number:0>500}");
    let publish_all = async |numbers: std::ops::Range<u32>| {
        let mut publishing: Vec<_> =
            numbers.map(|number| Box::pin(edge.publish("load", text(number)))).collect();
        for message in &mut publishing {
            // Each goes out here, and so in order.
            assert!(futures_util::poll!(message).is_pending());
        }
        for message in publishing {
            within("all are acked", message).await.unwrap();
        }
    };
    publish_all(0..10).await;
    server.kill();
    let lost = async || gateway.log().find("the broker is lost");
    eventually(DEADLINE, "it is lost", lost).await;
    let starting = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    // They wait for it, and go out together.
    publish_all(10..1000).await;
    let server = starting.await.unwrap();
    assert!(gateway.log().find("LOADING").is_some(), "it was asked while it loaded");
    let expected: Vec<Vec<u8>> = (0..1000).map(|number| text(number).into_bytes()).collect();
    assert!(Resp::connect(server.addr()).payloads("load") == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_it_is_left_and_an_idle_loss_costs_no_message() {
    let mut server = Server::start();
    let gateway = streams(&[server.addr()], &["temp"]);
    let gateway =
        gateway.set("mq.timeout", "1s").set("mq.connect_timeout", "500ms").set("mq.max_backoff", "100ms");
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "1").await.unwrap();
    // While nothing is in flight: the next message finds a new connection, and not the old one's end.
    server.restart();
    connected(&gateway, 2).await;
    edge.publish("temp", "2").await.unwrap();
    server.signal("-STOP");
    let error = refused(&edge, "temp", "3").await;
    assert!(error.code() == Code::Deadline && error.text().contains("may have the message"), "{error}");
    let left = async || gateway.log().find("the broker has not answered for 1s");
    eventually(DEADLINE, "the broker is left", left).await;
    server.signal("-CONT");
    connected(&gateway, 3).await;
    edge.publish("temp", "4").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_both_show_who_they_are() {
    let files = tempfile::tempdir().unwrap();
    let (authority, dir) = (Authority::common(), files.path());
    replace(&dir.join("ca.pem"), authority.pem());
    let ca = dir.join("ca.pem").to_str().unwrap().to_owned();
    let pair = authority.server(&[SERVER_NAME], Validity::Now).write(dir, "redis");
    let shown = authority.client("gateway", &[], Validity::Now).write(dir, "gateway");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let [cert, key, own_cert, own_key] = [&pair.cert, &pair.key, &shown.cert, &shown.key].map(|it| path(it));
    let login = ["--tls", "--cacert", &ca, "--cert", &own_cert, "--key", &own_key, "-h", SERVER_NAME];
    let server =
        Server::with(&["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca], &login);
    let gateway = streams(&[server.addr()], &["temp"])
        .set("mq.redis.addrs", json!([format!("{SERVER_NAME}:{}", server.addr().port())]))
        .set("mq.redis.tls.enable", true)
        .set("mq.redis.tls.ca_certs", json!([ca]))
        .set("mq.redis.tls.cert", own_cert.clone())
        .set("mq.redis.tls.key", own_key.clone());
    let gateway = gateway.start().await;
    edge(&gateway, 1).await.publish("temp", "1").await.unwrap();
    assert_eq!(server.cli(&["XLEN", "temp"]), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_can_t_save_is_connected_and_takes_messages_once_it_can() {
    let server = Server::start();
    // What it would save goes to a folder that is gone: it refuses writes, and PING as well.
    let folder = server.cli(&["CONFIG", "GET", "dir"]);
    std::fs::remove_dir_all(folder.lines().last().unwrap().trim()).unwrap();
    server.cli(&["CONFIG", "SET", "save", "3600 1"]);
    server.cli(&["BGSAVE"]);
    let refuses = async || Some(server.cli(&["PING"])).filter(|said| said.contains("MISCONF"));
    eventually(DEADLINE, "it says that it can't save", refuses).await;
    let gateway = streams(&[server.addr()], &["temp"]).start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    let error = refused(&edge, "temp", "1").await;
    assert!(error.code() == Code::Overloaded && error.text().contains("MISCONF"), "{error}");
    server.cli(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
    edge.publish("temp", "2").await.unwrap();
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
    assert_eq!(Resp::connect(server.addr()).payloads("temp"), [b"2"]);
}
