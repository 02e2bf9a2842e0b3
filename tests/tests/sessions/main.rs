//! Work sessions end to end: a gateway, a broker and hosts as processes, and curl as their client.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod autoscale;
mod client;
mod cuts;
mod durable;
mod hedging;
mod http;
mod listen;
mod programs;
mod shared;

use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, tool, within};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::process::{Command, Stdio};

/// What curl prints for these arguments, as JSON, and the status.
async fn curl(arguments: &[&str]) -> (u16, Value) {
    let mut command = tokio::process::Command::new(tool("curl", "curl"));
    command.args(["-sS", "--max-time", "30", "-w", "\n%{http_code}"]).args(arguments);
    let output = within("curl ends", command.stdin(Stdio::null()).output()).await.unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap_or_else(|| panic!("{output:?}"));
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).unwrap_or_else(|_| json!(body))
    };
    (status.parse().unwrap(), body)
}

async fn post(url: &str, body: &str) -> (u16, Value) {
    curl(&["-X", "POST", "-H", "content-type: application/json", "-d", body, url]).await
}

/// A session of `calc`: its URL.
async fn session(broker: &Broker) -> String {
    let (status, made) = post(&broker.url("/api/v1/sessions"), r#"{"serviceName": "calc"}"#).await;
    assert_eq!(status, 201, "{made}");
    broker.url(&format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap()))
}

fn requests(action: &str, range: std::ops::Range<u32>) -> String {
    let item = |number: u32| json!({"action": action, "payload": "aGVsbG8=", "userData": number.to_string()});
    json!({"requests": range.map(item).collect::<Vec<_>>()}).to_string()
}

/// All user data that come back with answers, up to the end.
async fn answered(session: &str) -> HashSet<u32> {
    let mut seen = HashSet::new();
    loop {
        let (status, page) = curl(&[&format!("{session}/responses?maxCount=500&waitMs=5000")]).await;
        assert_eq!(status, 200, "{page}");
        for one in page["responses"].as_array().unwrap() {
            assert_eq!((&one["payload"], &one["isFault"]), (&json!("aGVsbG8="), &json!(false)), "{one}");
            let is_new = seen.insert(one["userData"].as_str().unwrap().parse().unwrap());
            assert!(is_new, "nothing is answered twice");
        }
        if !page["endOfResponses"].is_null() {
            assert_eq!(page["endOfResponses"]["count"], seen.len());
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_killed_and_drained_lose_nothing_and_a_broker_that_stops_gives_out_what_it_has() {
    let gateway = Gateway::builder().quick().start().await;
    let mut broker = Broker::of(&gateway).set("daemon.grace", "60s").start().await;
    let session = session(&broker).await;
    let send =
        async |action: &str, range| post(&format!("{session}/requests"), &requests(action, range)).await;
    // It is accepted before there is any host.
    assert_eq!(send("echo", 0..500).await.0, 202);
    let mut killed = Process::host(&gateway, "calc").await;
    assert_eq!(send("hang", 500..502).await.0, 202);
    assert_eq!(send("echo", 502..600).await.0, 202);
    let hanging = async || {
        let lines = killed.log().lines();
        (lines.iter().filter(|line| line.contains("hanging")).count() == 2).then_some(())
    };
    eventually(DEADLINE, "both are at the host", hanging).await;
    killed.signal(Signal::SIGKILL);
    killed.exit().await;
    let mut drained = Process::host(&gateway, "calc").await;
    let _last = Process::host(&gateway, "calc").await;
    drained.signal(Signal::SIGTERM);
    eventually(DEADLINE, "it has drained", async || drained.log().find("drained")).await;
    assert_eq!(drained.exit().await, Some(0));
    let ended = post(&format!("{session}/requests/flush?end=true"), "").await;
    assert_eq!(ended.0, 200, "{}", ended.1);
    broker.terminate();
    eventually(DEADLINE, "it is stopping", async || broker.log().find("draining")).await;
    assert_eq!(answered(&session).await, (0..600).collect());
    assert_eq!(broker.exit().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_lost_for_a_time_costs_no_request() {
    let mut gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let session = session(&broker).await;
    for part in 0..4 {
        let body = requests("echo", part * 100..(part + 1) * 100);
        assert_eq!(post(&format!("{session}/requests"), &body).await.0, 202);
        if part == 1 {
            gateway.restart().await;
        }
    }
    assert_eq!(post(&format!("{session}/requests/flush?end=true"), "").await.0, 200);
    assert_eq!(answered(&session).await, (0..400).collect());
}

#[test]
fn a_configuration_is_checked() {
    let check = |yaml: &str| {
        let mut file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::io::Write::write_all(&mut file, yaml.as_bytes()).unwrap();
        let mut command = Command::new(Process::binary("broker-under-test"));
        let output = command.arg("--check").arg("--config").arg(file.path()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), text)
    };
    let (code, text) = check("");
    assert_eq!((code, text.contains("the configuration is valid")), (Some(0), true), "{text}");
    let (code, text) = check("sessions: {sesions: 1}\nhosts: {prefetch: 1000}");
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("sessions.sesions") && text.contains("hosts.prefetch"), "{text}");
}
