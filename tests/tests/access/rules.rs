//! What is denied, and in which words.

use crate::tokens::entry;
use crate::world::{World, denied, failure, service_refused};
use frontier_sdk::{Edge, EdgeId, Response, Service, ServiceId};
use frontier_tests::{echo, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const YAML: &str = "
edgebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: HERE}}
access: {rules_file: DIR/rules.yaml}
";

const RULES: &str = "
default: deny
rules:
  - name: files-team
    who: {service: files}
    allow:
      register_methods: ['files.*', edge_online]
      register_topics: [uploads]
      reach_edges: {labels: {region: eu}}
      call: [reboot]
  - name: sensors
    who: {edge: '*', labels: {tenant: acme}}
    allow: {call: ['files.*'], publish: [uploads], open_streams_to: [files]}
  - name: nothing is deleted from outside
    who: {edge: '*'}
    deny: {call: ['*.delete']}
  - name: ops
    who: {service: ops}
    allow: {register_methods: '*', register_topics: '*', reach_edges: {}, call: '*'}
";

/// A gateway, the service `files`, and an edge of acme in Europe.
async fn start() -> (World, Service, Edge) {
    let entries = [
        entry("frt_eu", "name: sensor, edge_id: 7, labels: {region: eu, tenant: acme}"),
        entry("frt_us", "edge_id: 8, labels: {region: us, tenant: acme}"),
        entry("frt_stranger", "edge_id: 9"),
    ];
    let world =
        World::new().with("tokens.yaml", entries.concat()).with("rules.yaml", RULES).start(YAML).await;
    let service = world.service("files").topics(["uploads"]).connect().await.unwrap();
    echo(&service, "files.read").await.unwrap();
    let edge = world.edge().token("frt_eu").connect().await.unwrap();
    (world, service, edge)
}

/// Registers a method that counts its calls.
async fn counted(service: &Service, method: &str) -> Arc<AtomicU32> {
    let called = Arc::<AtomicU32>::default();
    let count = called.clone();
    let handler = move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(Response::new("done")) }
    };
    service.register(method, handler).await.unwrap();
    called
}

#[tokio::test]
async fn what_is_allowed_goes_through() {
    let (_world, service, edge) = start().await;
    assert_eq!(within("an answer", edge.call("files.read", "x")).await.unwrap().data, "x");
    let taken = tokio::spawn({
        let service = service.clone();
        async move { service.recv().await.unwrap().done() }
    });
    within("an ack", edge.publish("uploads", "x")).await.unwrap();
    taken.await.unwrap();
    let (opened, accepted) = tokio::join!(edge.open_stream("files"), service.accept_stream());
    assert!(opened.is_ok() && accepted.is_some());
    edge.register("reboot", |_| async { Ok(Response::new("ok")) }).await.unwrap();
    assert_eq!(within("an answer", service.call(EdgeId(7), "reboot", "")).await.unwrap().data, "ok");
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_not_called() {
    let (world, _service, edge) = start().await;
    let ops = world.service("ops").connect().await.unwrap();
    let called = counted(&ops, "other").await;
    let result = within("an answer", edge.call("other", "")).await;
    assert_eq!(failure(result), denied("calling `other` is not allowed by any rule"));
    assert_eq!(called.load(Ordering::SeqCst), 0);
    let line = world.logs("denied peer=7").await;
    assert!(line.contains("calling `other`"), "{line}");
}

#[tokio::test]
async fn a_method_that_is_denied_is_not_called_with_a_large_payload_either() {
    let (_world, service, edge) = start().await;
    let called = counted(&service, "files.delete").await;
    let text = "calling `files.delete` is denied by rule `nothing is deleted from outside`";
    for size in [0, 200_000] {
        let result = within("an answer", edge.call("files.delete", vec![0; size])).await;
        assert_eq!(failure(result), denied(text));
    }
    assert_eq!(called.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_topic_that_is_not_allowed_is_not_published() {
    let (world, _service, edge) = start().await;
    let text = "publishing `other` is not allowed by any rule";
    assert_eq!(failure(within("an ack", edge.publish("other", "")).await), denied(text));
    assert_eq!(failure(within("an ack", edge.publish("other", vec![0; 200_000])).await), denied(text));
    // The sender of a message that asks for no ack does not hear of it, but the log does.
    world.reloaded(|| world.hang_up()).await;
    let lines = || world.log().lines().iter().filter(|line| line.contains(text)).count();
    let before = lines();
    edge.publish("other", "").unacked().await.unwrap();
    frontier_tests::eventually(frontier_tests::DEADLINE, "a line", async || (lines() > before).then_some(()))
        .await;
}

#[tokio::test]
async fn a_stream_that_is_not_allowed_is_not_opened() {
    let (_world, _service, edge) = start().await;
    let result = within("an answer", edge.open_stream("other").into_future()).await;
    assert_eq!(failure(result), denied("opening a stream to `other` is not allowed by any rule"));
}

#[tokio::test]
async fn an_edge_without_the_label_may_do_nothing() {
    let (world, _service, _edge) = start().await;
    let stranger = world.edge().token("frt_stranger").connect().await.unwrap();
    let result = within("an answer", stranger.call("files.read", "")).await;
    assert_eq!(failure(result), denied("calling `files.read` is not allowed by any rule"));
}

#[tokio::test]
async fn a_service_reaches_the_edges_of_its_labels_and_no_others() {
    let (world, service, _edge) = start().await;
    let _us = world.edge().token("frt_us").connect().await.unwrap();
    let text = "reaching edge 8 is not allowed by any rule";
    assert_eq!(failure(within("an answer", service.call(EdgeId(8), "reboot", "")).await), denied(text));
    let large = vec![0; 200_000];
    assert_eq!(failure(within("an answer", service.call(EdgeId(8), "reboot", large)).await), denied(text));
    assert_eq!(failure(within("an ack", service.publish(EdgeId(8), "")).await), denied(text));
    assert_eq!(failure(within("a stream", service.open_stream(EdgeId(8)).into_future()).await), denied(text));
    let result = within("an answer", service.call(EdgeId(7), "format", "")).await;
    assert_eq!(failure(result), denied("calling `format` is not allowed by any rule"));
}

#[tokio::test]
async fn names_that_are_not_allowed_are_not_registered() {
    let (world, service, _edge) = start().await;
    let method = denied("registering method `other` is not allowed by any rule");
    assert_eq!(failure(echo(&service, "other").await), method);
    let topic = denied("registering topic `*` is not allowed by any rule");
    assert_eq!(failure(service.subscribe("*").await), topic);
    let ids = service.on_edge_id(|_| async { Ok(EdgeId(1)) }).await;
    assert_eq!(failure(ids), denied("registering method `get_edge_id` is not allowed by any rule"));
    // In the Hello it costs the connection.
    let greedy = world.service("files").topics(["uploads", "*"]);
    assert_eq!(service_refused(greedy).await, topic);
    let greedy = world.service("files").register("other", |_| async { Ok(Default::default()) });
    assert_eq!(service_refused(greedy).await, method);
    world.logs("registering method `other`").await;
}

#[tokio::test]
async fn labels_in_the_meta_count_where_they_are_taken_and_never_against_credentials() {
    let yaml = YAML.replace("}]}}\nservice", "}], meta_labels: [region, tenant]}}\nservice");
    assert_ne!(yaml, YAML);
    let entries = [entry("frt_us", "edge_id: 8, labels: {region: us}"), entry("frt_none", "edge_id: 9")];
    let world = World::new().with("tokens.yaml", entries.concat()).with("rules.yaml", RULES);
    let world = world.start(&yaml).await;
    let service = world.service("files").connect().await.unwrap();
    echo(&service, "files.read").await.unwrap();
    let meta = r#"{"region": "eu", "tenant": "acme"}"#;
    let (us, none) = (world.edge().token("frt_us").meta(meta), world.edge().token("frt_none").meta(meta));
    let (us, none) = (us.connect().await.unwrap(), none.connect().await.unwrap());
    for edge in [&us, &none] {
        assert_eq!(within("an answer", edge.call("files.read", "x")).await.unwrap().data, "x");
        edge.register("reboot", |_| async { Ok(Response::new("ok")) }).await.unwrap();
    }
    // Its region is what its token says.
    let result = within("an answer", service.call(EdgeId(8), "reboot", "")).await;
    assert_eq!(failure(result), denied("reaching edge 8 is not allowed by any rule"));
    assert_eq!(within("an answer", service.call(EdgeId(9), "reboot", "")).await.unwrap().data, "ok");
    // A reload looks at it again.
    world.reloaded(|| world.configure(YAML)).await;
    let result = within("an answer", none.call("files.read", "")).await;
    assert_eq!(failure(result), denied("calling `files.read` is not allowed by any rule"));
}

#[tokio::test]
async fn an_id_is_no_way_round_the_rules() {
    let (world, _service, edge) = start().await;
    let ops = world.service("ops").id(ServiceId(5)).connect().await.unwrap();
    echo(&ops, "files.admin").await.unwrap();
    echo(&ops, "secret").await.unwrap();
    let thief = world.service("files").id(ServiceId(5));
    let refused = service_refused(thief).await;
    assert_eq!(refused, denied("another service has this id, and another name"));
    assert_eq!(within("an answer", edge.call("files.admin", "x")).await.unwrap().data, "x");
}

#[tokio::test]
async fn a_denied_stream_leaves_the_connection_as_it_was() {
    let (_world, service, edge) = start().await;
    let _ = within("an answer", edge.open_stream("other").into_future()).await.unwrap_err();
    let (opened, accepted) = tokio::join!(edge.open_stream("files"), service.accept_stream());
    let (mut opened, mut accepted) = (opened.unwrap(), accepted.unwrap());
    accepted.write_all(b"hello").await.unwrap();
    let mut bytes = [0; 5];
    within("bytes", opened.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"hello");
}
