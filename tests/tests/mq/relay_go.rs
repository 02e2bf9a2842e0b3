//! A client that is generated in Go from the relay's protobuf file.

use crate::kafka_server::Kafka;
use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{relay, relay_of, texts, to_queues};
use crate::world::connected;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Runs it to its end, which is well.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// The client, made in this directory.
fn build(directory: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["go.mod", "go.sum", "main.go"] {
        std::fs::copy(here.join("tests/mq/relay_go").join(name), directory.join(name)).unwrap();
    }
    let go = |arguments: &[&str]| {
        let mut command = Command::new("go");
        command
            .args(arguments)
            .current_dir(directory)
            .env("GOFLAGS", "-mod=readonly")
            .env("CGO_ENABLED", "0");
        run(&mut command)
    };
    for name in ["pb", "bin"] {
        std::fs::create_dir(directory.join(name)).unwrap();
    }
    for plugin in
        ["google.golang.org/grpc/cmd/protoc-gen-go-grpc", "google.golang.org/protobuf/cmd/protoc-gen-go"]
    {
        go(&["build", "-o", "bin/", plugin]);
    }
    let mut protoc = Command::new(here.join("../target/clients/bin/python3"));
    protoc.args(["-m", "grpc_tools.protoc"]).arg(format!("-I{}", here.join("../crates/api/proto").display()));
    for kind in ["go", "go-grpc"] {
        protoc.args([
            format!("--plugin=protoc-gen-{kind}=bin/protoc-gen-{kind}"),
            format!("--{kind}_out=pb"),
            format!("--{kind}_opt=paths=source_relative,Mmessagebroker.proto=frontier.test/relay/pb"),
        ]);
    }
    run(protoc.arg("messagebroker.proto").current_dir(directory));
    go(&["build", "-o", "client", "."]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes Go 1.24 and its modules: CONTRIBUTING.md says how to run it"]
async fn a_client_generated_in_go_sends_to_rabbitmq_and_kafka() {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    let host = VirtualHost::of(RabbitMq::shared(), "golang");
    let kafka = Kafka::shared();
    kafka.topic("golang", 1, 1, &json!({}));
    let gateway = to_queues(relay(), &host, &["golang"])
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.addr(0)]))
        .set("relay.kafka.topics", json!(["golang"]))
        .start()
        .await;
    connected(&gateway, 2).await;
    let addr = relay_of(&gateway).await.to_string();
    let client = directory.path().join("client");
    let client = move |topic: &str, count: &str| {
        let mut command = Command::new(&client);
        command.args([&addr, "", "golang", topic, count]);
        run(&mut command)
    };
    let told =
        tokio::task::spawn_blocking(move || [client("golang", "50"), client("none", "1")]).await.unwrap();
    assert_eq!(
        (told[0].matches("rabbitmq 0").count(), told[0].matches("kafka 0").count()),
        (50, 50),
        "{told:?}"
    );
    assert!(told[1].contains("kafka 2 the relay sends to no topic"), "{told:?}");
    let expected: Vec<String> = (0..50).map(|number| format!("go {number}")).collect();
    assert_eq!(texts(&kafka.drain("golang")), expected);
    assert_eq!(texts(&host.drain("golang"))[..50], expected);
}
