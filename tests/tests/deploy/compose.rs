//! The composition without containers: its services as processes, with the files and the environment that they have there.

use frontier_sdk::{Edge, Request, Response, Service};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, Process, eventually, within};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/compose").join(name)
}

/// The environment of each service.
fn environments() -> BTreeMap<String, Vec<(String, String)>> {
    let text = std::fs::read_to_string(file("compose.yaml")).unwrap();
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut service = String::new();
    let mut is_environment = false;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        match line.trim().split_once(':') {
            Some((name, "")) if depth == 2 => service = name.to_owned(),
            Some((name, _)) if depth == 4 => is_environment = name == "environment",
            Some((name, value)) if depth == 6 && is_environment => {
                let value = value.trim().trim_matches('"').to_owned();
                found.entry(service.clone()).or_default().push((name.to_owned(), value));
            }
            _ => {}
        }
    }
    found
}

/// A service of the composition, listening on other addresses; `hosts` are those of the others.
fn start(
    binary: &'static str,
    service: &str,
    config: &str,
    listen: [&str; 2],
    hosts: &[(&str, SocketAddr)],
) -> Process {
    let mut command = Command::new(Process::binary(binary));
    command.arg("--config").arg(file(config));
    for (name, value) in &environments()[service] {
        let host = hosts.iter().find(|(host, _)| value.split(':').next() == Some(host));
        command.env(name, host.map_or_else(|| value.clone(), |(_, addr)| addr.to_string()));
    }
    for variable in listen {
        command.env(variable, "127.0.0.1:0");
    }
    Process::spawn(binary, command)
}

/// Where it says that it listens.
async fn addr(process: &Process, what: &str) -> SocketAddr {
    eventually(DEADLINE, what, async || {
        let line = process.log().find(what)?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok()
    })
    .await
}

#[tokio::test]
async fn the_composition_is_a_cluster() {
    let names: Vec<_> = environments().into_keys().collect();
    assert_eq!(names, ["frontier-1", "frontier-2", "frontlas"]);
    let redis = Server::start();
    let listen = ["FRONTLAS_CONTROL_PLANE_ADDR", "FRONTLAS_FRONTIER_PLANE_ADDR"];
    let frontlas =
        start("frontlas-under-test", "frontlas", "frontlas.yaml", listen, &[("redis", redis.addr())]);
    let plane = addr(&frontlas, "listening for frontiers").await;
    let gateway = |service: &str| {
        let listen = ["FRONTIER_EDGEBOUND_ADDR", "FRONTIER_SERVICEBOUND_ADDR"];
        start("gateway-under-test", service, "frontier.yaml", listen, &[("frontlas", plane)])
    };
    let (first, second) = (gateway("frontier-1"), gateway("frontier-2"));
    for (process, id) in [(&first, "frontier-1"), (&second, "frontier-2")] {
        let line = format!("connected to frontlas id=\"{id}\"");
        eventually(DEADLINE, &line, async || process.log().find(&line)).await;
    }

    // A service at one gateway, an edge at the other.
    let at = addr(&first, "listening for services").await;
    let service = Service::builder(format!("tcp://{at}")).name("files").connect().await.unwrap();
    let answer = |request: Request| async move { Ok(Response::new(request.data)) };
    service.register("echo", answer).await.unwrap();
    let at = addr(&second, "listening for edges").await;
    let edge = within("an edge connects", Edge::builder(format!("tcp://{at}")).connect()).await.unwrap();
    let said =
        eventually(DEADLINE, "the edge reaches the service", async || edge.call("echo", "hello").await.ok());
    assert_eq!(&*said.await.data, b"hello");
}
