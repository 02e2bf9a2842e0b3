//! The external scaler, asked by clients that are not ours: KEDA's own in Go, and Python's.

use crate::{post, requests};
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, tool};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions").join(name)
}

/// Asks until it has said that nothing is to be done, and then there is something.
async fn watched(broker: &Broker, mut asking: Process) -> Vec<String> {
    eventually(DEADLINE, "it watches", async || asking.log().find("active false")).await;
    let body = json!({"serviceName": "calc"}).to_string();
    let (_, made) = post(&broker.url("/api/v1/sessions"), &body).await;
    let session = broker.url(&format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap()));
    assert_eq!(post(&format!("{session}/requests"), &requests("echo", 0..10)).await.0, 202);
    assert_eq!(asking.exit().await, Some(0), "{:?}", asking.log().lines());
    asking.log().lines().iter().map(|line| line.to_string()).collect()
}

/// What each of them has to say.
const EXPECTED: [&str; 6] =
    ["spec outstanding 4 4", "streamed 1 4", "active false", "active true", "value 1 10 10", "active true"];

#[tokio::test(flavor = "multi_thread")]
async fn pythons_client_is_told_all_that_it_asks() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients/bin/python3");
    assert!(python.exists(), "{} is missing: `tests/run` installs it", python.display());
    let mut command = Command::new(python);
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/proto");
    command.arg(file("scaler.py")).arg(protos).args([&*broker.addr().to_string(), "calc"]);
    let mut said = watched(&broker, Process::spawn("python", command)).await;
    assert_eq!(said.pop().as_deref(), Some("refused INVALID_ARGUMENT"));
    assert_eq!(said, EXPECTED);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes Go 1.26 or later, and modules from GOPROXY"]
async fn kedas_own_client_in_go_is_told_all_that_it_asks() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let program = gateway.dir().join("keda");
    let mut build = tokio::process::Command::new(tool("go", "golang-go"));
    build.args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".").current_dir(file("keda"));
    build.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0").kill_on_drop(true);
    let built = tokio::time::timeout(Duration::from_secs(240), build.output()).await;
    let built = built.expect("go builds in time").expect("go starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut go = Command::new(program);
    go.args([&*broker.addr().to_string(), "calc"]);
    assert_eq!(watched(&broker, Process::spawn("keda", go)).await, EXPECTED);
}
