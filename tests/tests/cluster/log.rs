//! The log as programs read it: one line for each connection, with names that stay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use crate::world::{Frontlas as InProcess, member};
use frontier_protocol::{Code, FEATURE_BY_NAME, Hello, Kind, Role};
use frontier_tests::{DEADLINE, Frontlas, Gateway, Log, RawPeer, eventually, none};
use frontier_transport::Network;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

type Line = Map<String, Value>;

/// The names that docs/operations.md has.
fn documented() -> BTreeSet<&'static str> {
    let text = include_str!("../../../docs/operations.md");
    let fields = text.split_once("### Fields").expect("there is a list of them").1;
    let rows = fields.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    let names: BTreeSet<_> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 30, "{names:?}");
    names
}

/// The line with this message, once it is there.
async fn line(log: &Log, message: &str) -> Line {
    let found = async || {
        let lines = log.lines().into_iter().map(|line| serde_json::from_str::<Line>(&line).expect(&line));
        lines.into_iter().find(|line| line["message"] == message)
    };
    eventually(DEADLINE, message, found).await
}

/// Checks what each end of a connection has.
fn is_end(line: &Line, cause: &str, whose: &str) {
    assert_eq!((&line["level"], &line["cause"]), (&"INFO".into(), &cause.into()), "{line:?}");
    for bytes in ["received_bytes", "sent_bytes"] {
        assert!(line[bytes].as_u64().unwrap() >= 40, "{line:?}");
    }
    assert!(line["duration_ms"].is_u64() && !line["reason"].as_str().unwrap().is_empty(), "{line:?}");
    assert!(line.contains_key(whose) && line.contains_key("addr"), "{line:?}");
}

fn are_documented(log: &Log) {
    let known = documented();
    for line in log.lines() {
        let fields: Line = serde_json::from_str(&line).unwrap();
        for name in fields.keys() {
            assert!(known.contains(&**name), "{name} is not in docs/operations.md: {line}");
        }
    }
}

#[tokio::test]
async fn frontlas_says_that_the_lease_of_a_gateway_that_died_has_run_out() {
    let frontlas = Frontlas::builder()
        .set("log.format", "json")
        .set("frontier_plane.expiration.alive", "2s")
        .start()
        .await;
    let mut gateway = member("g1", &[frontlas.plane()]).start().await;
    let is_member = async || gateway.log().find("connected to frontlas");
    eventually(DEADLINE, "it is a member", is_member).await;
    gateway.kill().await;
    let told = "the leases of frontiers have run out: they, and all that is on them, are listed no longer";
    let line = line(frontlas.log(), told).await;
    assert_eq!((&line["level"], &line["gone"]), (&"WARN".into(), &1.into()), "{line:?}");
    are_documented(frontlas.log());
}

#[tokio::test]
async fn each_connection_has_one_line_at_its_end_and_every_field_is_documented() {
    let frontlas = Frontlas::builder().set("log.format", "json").start().await;
    let mut gateway = member("g1", &[frontlas.plane()])
        .set(
            "log",
            Value::Object(Map::from_iter([
                ("format".into(), "json".into()),
                ("output".into(), "stderr".into()),
            ])),
        )
        .set("daemon.grace", "2s")
        .set("frontlas.forward.enable", true)
        .set("limits.connections", 2)
        .start()
        .await;
    let log = gateway.log().clone();
    line(&log, "connected to frontlas").await;

    let mut service = RawPeer::service(gateway.services(), "lamp", &[]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.request(1, "m", none(), &[7; 1000]);
    let request = service.frame().await;
    service.respond(request.id, b"");
    edge.response(1).await;
    let id = edge.id();
    drop(edge);
    let end = line(&log, "edge disconnected").await;
    is_end(&end, "peer", "edge");
    assert!(end["edge"] == id && end["received_bytes"].as_u64().unwrap() > 1000, "{end:?}");

    let mut violator = RawPeer::edge(gateway.edges()).await;
    violator.send_bytes(&[0, 0, 0, 12, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(violator.ended().await, Some(Code::Protocol));
    let violation = async || log.find("\"cause\":\"protocol\"");
    let end = serde_json::from_str(&eventually(DEADLINE, "its end is told", violation).await).unwrap();
    is_end(&end, "protocol", "edge");

    let wrong = RawPeer::connect(gateway.edges(), &RawPeer::hello(Role::Service)).await;
    assert_eq!(wrong.unwrap_err().0, Code::Denied);
    assert_eq!(line(&log, "edge refused").await["code"], "denied");
    let kept = [RawPeer::edge(gateway.edges()).await, RawPeer::edge(gateway.edges()).await];
    let one_more = RawPeer::connect(gateway.edges(), &RawPeer::hello(Role::Edge)).await;
    assert_eq!(one_more.unwrap_err().0, Code::Overloaded);
    assert!(line(&log, "edge turned away").await["error"].as_str().unwrap().contains("limits.connections"));
    drop(kept);

    let hello = Hello { name: "g2", features: FEATURE_BY_NAME, ..RawPeer::hello(Role::Frontier) };
    let mut origin = RawPeer::connect(gateway.services(), &hello).await.unwrap();
    assert_eq!(origin.frame().await.kind, Kind::Offer);
    drop(origin);
    is_end(&line(&log, "another gateway asks here no more").await, "peer", "frontier");
    drop(service);
    let end = line(&log, "service disconnected").await;
    is_end(&end, "peer", "service");
    assert_eq!(end["name"], "lamp");

    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    assert_eq!(line(&log, "left the cluster").await["cause"], "left");
    is_end(&line(frontlas.log(), "frontier disconnected").await, "left", "frontier");
    are_documented(&log);
    are_documented(frontlas.log());
}

#[tokio::test]
async fn edges_that_come_and_go_in_a_loop_do_not_fill_the_log() {
    let gateway = Gateway::builder().set("log.level", "info").start().await;
    for _ in 0..100 {
        drop(RawPeer::edge(gateway.edges()).await);
    }
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.is_alive().await;
    drop(service);
    let log = gateway.log();
    eventually(DEADLINE, "a service has a line of its own", async || log.find("service disconnected")).await;
    eventually(DEADLINE, "the rest is counted", async || log.find("suppressed=")).await;
    let ends = log.lines().iter().filter(|line| line.contains("edge disconnected")).count();
    assert!((10..=60).contains(&ends), "{ends}");
}

#[tokio::test]
async fn a_link_between_gateways_has_a_line_at_both_ends() {
    let frontlas = InProcess::patient();
    let gateway = |id: &str| {
        let forward = frontlas.gateway(id).set("frontlas.forward.enable", true);
        forward.set("frontlas.forward.idle", "1s")
    };
    let (origin, owner) = (gateway("g1").start().await, gateway("g2").start().await);
    frontlas.knows("g2").await;
    let edge = RawPeer::edge(owner.edges()).await;
    frontlas.finds(edge.id(), "g2").await;
    let mut service = RawPeer::service(origin.services(), "s", &[]).await;
    let custom = frontier_protocol::Custom::tailed(b"", frontier_protocol::EdgeId(edge.id()));
    service.request(1, "m", custom, b"");
    let mut owner = owner;
    eventually(DEADLINE, "the link stands", async || owner.log().find("another gateway asks here for")).await;
    owner.kill().await;
    service.response(1).await;
    let ended = async || origin.log().find("the connection to another gateway has ended");
    let line = eventually(DEADLINE, "its end is told", ended).await;
    for field in ["cause=", "duration_ms=", "received_bytes=", "sent_bytes="] {
        assert!(line.contains(field), "{line}");
    }
}

#[tokio::test]
async fn the_bytes_of_a_connection_are_counted_over_every_carrier() {
    for network in [Network::Tcp, Network::Tls, Network::Quic, Network::Ws] {
        let gateway = Gateway::over(network).quick().start().await;
        let mut edge =
            RawPeer::reach(&gateway, Role::Edge).await.handshake(&RawPeer::hello(Role::Edge)).await.unwrap();
        edge.publish(1, "nobody", none(), &[7; 5000]);
        edge.acked(1).await;
        drop(edge);
        let ended = async || gateway.log().find("edge disconnected");
        let line = eventually(DEADLINE, "its end is told", ended).await;
        let count = |field: &str| -> u64 {
            let value = line.split_once(field).unwrap().1;
            value.split(|it: char| !it.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        assert!((5000..30_000).contains(&count("received_bytes=")), "{network:?}: {line}");
        assert!((40..30_000).contains(&count("sent_bytes=")), "{network:?}: {line}");
    }
}
