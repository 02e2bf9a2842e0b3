//! Work sessions by clients of others: a generated one for gRPC, one that knows nothing but reflection, and one for WebSocket.

use crate::program::{file, python, run};
use crate::world::TOKEN;
use frontier_tests::{Broker, Gateway, Process, replace, tool};
use serde_json::{Value, json};
use std::path::Path;

/// The system's own, since Debian's packages are there for no other.
const PYTHON: &str = "/usr/bin/python3";

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_uses_a_session_and_another_finds_out_what_there_is() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/proto");
    let target = broker.url("").trim_start_matches("http://").to_owned();
    let script = file("sessions.py");
    run(&python("python3"), [script.to_str().unwrap(), protos.to_str().unwrap(), &target]).await;
    let script = file("described.py");
    for (service, calls) in [
        (
            "cloudsoa.BrokerService",
            &["CreateSession", "SendRequests", "GetResponses", "SendAndGetResponses"][..],
        ),
        ("externalscaler.ExternalScaler", &["IsActive", "StreamIsActive", "GetMetricSpec", "GetMetrics"]),
    ] {
        let said = run(&python("python3"), [script.to_str().unwrap(), &target, service]).await;
        assert!(calls.iter().all(|call| said.contains(call)), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_responses_within_its_window_and_goes_on_where_it_was() {
    const COUNT: usize = 100;
    let gateway = Gateway::builder().quick();
    let tokens = gateway.file("clients.yaml");
    let hash = frontier_credentials::token::hash(TOKEN.as_bytes()).expect("a token has a hash");
    let entry = hash.replacen("hash: ", "hash: '", 1);
    replace(&tokens, format!("- {{{entry}', name: Anna, role: operate}}\n"));
    let gateway = gateway.start().await;
    let methods = json!([{"token": {"file": tokens}}]);
    let broker = Broker::of(&gateway).set("sessions.auth.methods", methods).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let post = async |url: &str, body: &str| {
        let key = format!("x-api-key: {TOKEN}");
        let arguments =
            ["-sSf", "-X", "POST", "-H", &key, "-H", "content-type: application/json", "-d", body, url];
        let said = run(&tool("curl", "curl"), arguments).await;
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let made = post(&broker.url("/api/v1/sessions"), r#"{"serviceName": "calc"}"#).await;
    let id = made["sessionId"].as_str().unwrap();
    let item =
        |number: usize| json!({"action": "echo", "payload": "aGVsbG8=", "userData": number.to_string()});
    let requests = json!({"requests": (0..COUNT).map(item).collect::<Vec<_>>()});
    post(&broker.url(&format!("/api/v1/sessions/{id}/requests")), &requests.to_string()).await;
    post(&broker.url(&format!("/api/v1/sessions/{id}/requests/flush?end=true")), "").await;
    let url = broker.url(&format!("/ws/v1/sessions/{id}/responses")).replacen("http", "ws", 1);
    let script = file("responses.py");
    assert!(
        Path::new(PYTHON).exists(),
        "python3 is missing: please install it, or start tests/run, which does"
    );
    run(Path::new(PYTHON), [script.to_str().unwrap(), &url, TOKEN, &COUNT.to_string()]).await;
}
