//! Who is there and who comes and goes, by frontlas.

use crate::world::{World, prints};
use frontier_sdk::{Edge, EdgeId, Service, ServiceId};
use frontier_tests::{DEADLINE, Frontlas, Gateway, eventually};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

struct Cluster {
    frontlas: Frontlas,
    gateway: Gateway,
    world: World,
}

async fn cluster() -> Cluster {
    let frontlas = Frontlas::builder().set("frontier_plane.expiration.history", 1000).start().await;
    let gateway = Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
        .set("daemon.frontier_id", "f1")
        .start()
        .await;
    let world = World::at(&gateway).and(&frontlas);
    let listed = async || {
        let ended = world.run(&["frontiers", "ls", "-o", "json"]).await;
        (ended.json()[0]["frontier_id"] == json!("f1")).then_some(())
    };
    eventually(DEADLINE, "the gateway is listed", listed).await;
    Cluster { frontlas, gateway, world }
}

impl Cluster {
    /// Waits until frontlas has heard of so many edges.
    async fn has_edges(&self, count: &str) {
        let there = async || {
            (self.world.run(&["edges", "ls", "--count"]).await.text().trim_end() == count).then_some(())
        };
        eventually(DEADLINE, "the edges are listed", there).await;
    }
}

#[tokio::test]
async fn frontiers_edges_and_services_are_listed_and_found() {
    let cluster = cluster().await;
    let (gateway, world) = (&cluster.gateway, &cluster.world);
    let mut edges = Vec::new();
    for id in [7, 8, u64::MAX] {
        edges.push(Edge::builder(gateway.edge_url()).id(EdgeId(id)).connect().await.unwrap());
    }
    let service = Service::builder(gateway.service_url()).name("files").id(ServiceId(5));
    let _service = service.connect().await.unwrap();
    cluster.has_edges("3").await;

    let listed = world.run(&["edges", "ls", "-o", "json"]).await.json();
    let ids: Vec<&str> =
        listed.as_array().unwrap().iter().map(|edge| edge["edge_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["7", "8", "18446744073709551615"]);
    assert_eq!(listed[0]["frontier_id"], json!("f1"));
    let limited = world.run(&["edges", "ls", "--limit", "2", "-o", "json"]).await.json();
    assert_eq!(limited.as_array().unwrap().len(), 2);
    assert_eq!(world.run(&["edges", "ls", "--frontier", "f2", "-o", "json"]).await.json(), json!([]));
    let table = world.run(&["edges", "ls", "--frontier", "f1"]).await.text();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines.len(), lines[0].split_whitespace().next()), (4, Some("EDGE")), "{table}");
    assert!(!table.contains('\x1b'), "no colour where nobody looks");

    let edge = world.run(&["edges", "get", "7", "-o", "json"]).await.json();
    assert_eq!((&edge["edge_id"], edge["stamp"].is_string()), (&json!("7"), true));
    let yaml = world.run(&["edges", "get", "7", "8", "-o", "yaml"]).await.text();
    assert!(yaml.starts_with("- ") && yaml.matches("frontier_id: f1").count() == 2, "{yaml}");
    let ended = world.run(&["edges", "get", "7", "9"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("not there: edge 9") && ended.stdout.contains("\n7  "), "{ended:?}");
    world.run(&["edges", "get", "seven"]).await.failed(64, "edge_id");

    let services = world.run(&["services", "ls", "-o", "json"]).await.json();
    assert_eq!((&services[0]["service"], &services[0]["service_id"]), (&json!("files"), &json!("5")));
    assert_eq!(world.run(&["services", "get", "5", "-o", "json"]).await.json()["service"], json!("files"));
    let frontier = world.run(&["frontiers", "get", "f1", "-o", "json"]).await.json();
    assert_eq!((&frontier["edge_count"], &frontier["draining"]), (&json!("3"), &json!(false)));
    world.run(&["frontiers", "get", "f9"]).await.failed(1, "not there: frontier f9");
}

#[tokio::test]
async fn a_watch_begins_with_who_is_there_and_goes_on_after_a_loss() {
    let mut cluster = cluster().await;
    let edge = Edge::builder(cluster.gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    cluster.has_edges("1").await;
    let mut watch = cluster.world.start(&["edges", "watch", "-o", "json"]);
    let line = prints(&watch, "edge_present").await;
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["type"], &told["edge"]["edge_id"]), (&json!("edge_present"), &json!("7")));
    edge.close().await.unwrap();
    prints(&watch, "edge_offline").await;

    cluster.frontlas.kill().await;
    prints(&watch, "trying again in").await;
    cluster.frontlas.start_again().await;
    let _edge = Edge::builder(cluster.gateway.edge_url()).id(EdgeId(8)).connect().await.unwrap();
    let line = prints(&watch, "\"8\"").await;
    assert!(line.contains("edge_online") || line.contains("edge_present"), "{line}");
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.exit().await, Some(0));
}

#[tokio::test]
async fn events_are_of_all_kinds_and_from_now_on() {
    let cluster = cluster().await;
    let mut events = cluster.world.start(&["events", "--count", "2"]);
    let connected = async || {
        let service = Service::builder(cluster.gateway.service_url()).name("files").connect().await.unwrap();
        // Each one that comes and goes is an event, and the watch may not stand yet.
        service.close().await.unwrap();
        events.log().find("service").map(drop)
    };
    eventually(DEADLINE, "an event is told", connected).await;
    assert_eq!(events.exit().await, Some(0));
    let line = prints(&events, "service").await;
    assert!(line.contains("  service   ") && line.contains("f1"), "{line}");
}
