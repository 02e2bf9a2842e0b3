//! `frontctl host`: programs and containers that compute requests.

use crate::{curl, post};
use data_encoding::BASE64;
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A broker, and a program that is a host of it.
struct World {
    _gateway: Gateway,
    broker: Broker,
    host: Process,
    _home: TempDir,
}

/// A file beside this one.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions").join(name)
}

impl World {
    async fn new(arguments: &[&str]) -> Self {
        let gateway = Gateway::builder().quick().start().await;
        let broker = Broker::of(&gateway).start().await;
        let home = TempDir::new().unwrap();
        let mut command = Command::new(Process::binary("frontctl-under-test"));
        let edgebound = gateway.edge_url();
        command.args(["host", "--edgebound", &edgebound, "--service", "calc", "--capacity", "2"]);
        command.args(arguments).env("HOME", home.path()).env_remove("XDG_CONFIG_HOME");
        let host = Process::spawn("frontctl host", command);
        eventually(DEADLINE, "the host is connected", async || host.log().find("host ")).await;
        Self { _gateway: gateway, broker, host, _home: home }
    }

    /// What becomes of these requests: an action and a body each. Answers as text, or the fault.
    async fn compute(&self, requests: &[(&str, &str)]) -> Vec<Value> {
        let (_, made) = post(&self.broker.url("/api/v1/sessions"), r#"{"serviceName": "calc"}"#).await;
        let path = format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap());
        let session = self.broker.url(&path);
        let item = |(place, (action, body)): (usize, &(&str, &str))| json!({"action": action, "payload": BASE64.encode(body.as_bytes()), "userData": place.to_string()});
        let body = json!({"requests": requests.iter().enumerate().map(item).collect::<Vec<_>>()});
        assert_eq!(post(&format!("{session}/requests"), &body.to_string()).await.0, 202);
        assert_eq!(post(&format!("{session}/requests/flush?end=true"), "").await.0, 200);
        let mut found = vec![Value::Null; requests.len()];
        loop {
            let (_, page) = curl(&[&format!("{session}/responses?waitMs=5000")]).await;
            for one in page["responses"].as_array().unwrap() {
                let place: usize = one["userData"].as_str().unwrap().parse().unwrap();
                let text = || {
                    String::from_utf8(BASE64.decode(one["payload"].as_str().unwrap().as_bytes()).unwrap())
                        .unwrap()
                };
                found[place] = match one["isFault"] == true {
                    true => json!([one["faultCode"], one["faultDetail"], one["faultMessage"]]),
                    false => text().into(),
                };
            }
            if !page["endOfResponses"].is_null() {
                return found;
            }
        }
    }

    /// It drains, and ends well.
    async fn end(mut self) {
        self.host.signal(Signal::SIGTERM);
        assert_eq!(self.host.exit().await, Some(0), "{:?}", self.host.log().lines());
        assert!(self.host.log().find("drained").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_computes_one_request_after_the_other_and_its_exit_code_is_a_fault() {
    let script = r#"case "$FRONTIER_ACTION" in
        fail) echo "no such number" >&2; exit 3 ;;
        again) echo "$FRONTIER_TRIES" >&2; test "$FRONTIER_TRIES" -eq 2 || exit 75; echo third ;;
        *) tr a-z A-Z ;;
    esac"#;
    let world = World::new(&["--", "sh", "-c", script]).await;
    let found = world.compute(&[("up", "hello"), ("fail", ""), ("again", ""), ("up", "world")]).await;
    assert_eq!((&found[0], &found[2], &found[3]), (&json!("HELLO"), &json!("third\n"), &json!("WORLD")));
    assert_eq!(found[1], json!(["ServiceFault", 3, "exit code 3: no such number"]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_gone_is_told_each_time_that_it_is_to_be_started() {
    let home = TempDir::new().unwrap();
    let program = home.path().join("program");
    std::os::unix::fs::symlink("/bin/cat", &program).unwrap();
    let path = program.to_str().unwrap();
    let world = World::new(&["--", path]).await;
    assert_eq!(world.compute(&[("", "hello")]).await[0], "hello");
    std::fs::remove_file(&program).unwrap();
    let (_, made) = post(&world.broker.url("/api/v1/sessions"), r#"{"serviceName": "calc"}"#).await;
    let path = format!("/api/v1/sessions/{}", made["sessionId"].as_str().unwrap());
    let session = world.broker.url(&path);
    let body = r#"{"requests": [{"action": "", "payload": "", "userData": ""}]}"#;
    assert_eq!(post(&format!("{session}/requests"), body).await.0, 202);
    assert_eq!(post(&format!("{session}/requests/flush"), "").await.0, 200);
    let said = format!("the program can't be started: {}: no such file", program.display());
    world.host.log().line(&said).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_processes_reads_lines_or_frames() {
    for form in ["lines", "frames"] {
        let script = file("pooled.py");
        let world = World::new(&["--pool", form, "--", "python3", script.to_str().unwrap(), form]).await;
        let mut requests = vec![("up", "hello"); 50];
        requests.extend([("fail", ""), ("die", ""), ("up", "last")]);
        let found = world.compute(&requests).await;
        assert!(found[..50].iter().all(|it| *it == "HELLO"), "{form}: {found:?}");
        let [failed, died, last] = &found[50..] else { panic!("{found:?}") };
        assert_eq!((&failed[0], &failed[2]), (&json!("ServiceFault"), &json!("no such number")));
        // It dies each time that it is tried.
        let died = died[2].as_str().unwrap();
        assert!(died.starts_with("the request has failed 4 times: the program has ended"), "{died}");
        assert!(died.contains("exit status: 4") && died.contains("out of paper"), "{died}");
        assert_eq!(last, "LAST");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_speaks_the_compute_service_is_a_host_as_long_as_it_is_well() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients/bin/python3");
    assert!(python.exists(), "{} is missing: `tests/run` installs it", python.display());
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/proto");
    let mut command = Command::new(python);
    command.arg(file("container.py")).arg(protos);
    let container = Process::spawn("container", command);
    let port = eventually(DEADLINE, "the container listens", async || {
        container.log().find("listening ").and_then(|line| line.split(' ').nth(1).map(str::to_owned))
    });
    let address = format!("127.0.0.1:{}", port.await);
    let world = World::new(&["--grpc", &address]).await;
    world.host.log().line("the container offers calc 1.0: up, fail").await;
    let found = world.compute(&[("up", "hello"), ("fail", ""), ("reject", "")]).await;
    assert_eq!(found[0], "HELLO data 0");
    assert_eq!(found[1], json!(["ServiceFault", 1, "no such number"]));
    assert_eq!(found[2], json!(["ServiceFault", 3, "InvalidArgument: not like this"]));
    world.end().await;
}

#[test]
fn what_can_not_be_had_is_a_mistake_of_the_command_line() {
    let home = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(Process::binary("frontctl-under-test"));
        command.args(["host", "--service", "calc"]).args(arguments).env("HOME", home.path());
        let output = command.env_remove("XDG_CONFIG_HOME").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (arguments, part) in [
        (&[][..], "add `-- PROGRAM` and its arguments, or `--grpc HOST:PORT`"),
        (&["--grpc", "127.0.0.1:1", "--", "cat"], "cannot be used with"),
        (&["--grpc", "https://127.0.0.1:1"], "without TLS"),
        (&["--grpc", "127.0.0.1:1", "--max-memory", "1MiB"], "cannot be used with"),
        (&["--label", "zone", "--", "cat"], "NAME=VALUE"),
        (&["--capacity", "0", "--", "cat"], "capacity"),
        (&["--pool", "xml", "--", "cat"], "pool"),
        (&["--max-answer", "4M", "--", "cat"], "a size such as 4096, 64KiB, 4MiB or 1GB"),
        (&["--", "/no/such/prog"], "/no/such/prog: no such file"),
        (&["--pool", "lines", "--max-memory", "1GiB", "--", "no-such-prog"], "no such program in PATH"),
    ] {
        let (code, text) = run(arguments);
        assert_eq!(code, Some(64), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}
