//! REST by curl: what a person types in.

use crate::program::run;
use crate::world::{TOKEN, World};
use frontier_tests::{DEADLINE, eventually, tool, within};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// What curl prints for these arguments, with the token of an operator; and the status.
async fn curl(arguments: &[&str]) -> (u16, String) {
    let token = format!("authorization: Bearer {TOKEN}");
    let more = ["-sS", "--max-time", "20", "-w", "\n%{http_code}", "-H", &token];
    let said = run(&tool("curl", "curl"), more.iter().chain(arguments)).await;
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

async fn json_of(arguments: &[&str]) -> (u16, Value) {
    let (status, body) = curl(arguments).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}")))
}

/// The head of an answer that has no end, and its lines up to the first data.
async fn head_and_data(url: &str) -> Vec<String> {
    let mut command = Command::new(tool("curl", "curl"));
    let token = format!("authorization: Bearer {TOKEN}");
    command.args(["-sSN", "-D", "-", "-H", &token, url]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut curl = command.spawn().unwrap();
    let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines();
    let mut read = Vec::new();
    while let Some(line) = within("the stream goes on", lines.next_line()).await.unwrap() {
        read.push(line.trim_end().to_owned());
        if line.starts_with("data: ") {
            break;
        }
    }
    curl.kill().await.unwrap();
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_asked_and_told() {
    let world = World::new().await;
    let url = |path: &str| world.gateway_url(path);
    let (status, edges) = json_of(&[&url("/v1/edges?order=%2Bedge_id&page_size=1")]).await;
    assert_eq!((status, &edges["edges"][0]["edge_id"], &edges["count"]), (200, &json!("1"), &json!(3)));
    let next =
        format!("/v1/edges?order=%2Bedge_id&page_token={}", edges["next_page_token"].as_str().unwrap());
    let (_, rest) = json_of(&[&url(&next)]).await;
    assert_eq!(rest["edges"][1]["edge_id"], u64::MAX.to_string(), "{rest}");
    // As curl sends it: called a form.
    let call = async |body: &str| json_of(&["-d", body, &url("/v1/edges/1/call")]).await;
    assert_eq!(call(r#"{"method": "echo", "payload": "/w"}"#).await, (200, json!({"payload": "/w=="})));
    assert_eq!(call(r#"{"method": "echo", "timeout_ms": 5e3}"#).await.0, 200);
    let (status, error) = call(r#"{"method": "fails"}"#).await;
    assert_eq!((status, &error["peer"]["detail"]), (424, &json!(42)), "{error}");
    let (status, error) = json_of(&["-X", "DELETE", &url("/v1/edges/2?now")]).await;
    assert_eq!((status, &error["message"]), (400, &json!("unknown parameter \"now\"")));
    assert_eq!(json_of(&["-X", "DELETE", &url("/v1/edges/2")]).await, (200, json!({})));
    let is_back = async || (json_of(&[&url("/v1/edges/2")]).await.0 == 200).then_some(());
    eventually(DEADLINE, "the edge that was kicked is back", is_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_read_as_it_comes() {
    let world = World::new().await;
    for (url, event) in [
        (world.gateway_url("/v1/watch?kinds=services"), "snapshot"),
        (world.gateway_url("/v1/watch?kinds=rates"), "rates"),
        (world.frontlas_url("/cluster/v1/watch?kinds=frontiers,edges"), "snapshot"),
    ] {
        let lines = head_and_data(&url).await;
        assert_eq!(lines[0], "HTTP/1.1 200 OK", "{url}: {lines:?}");
        assert!(lines.contains(&"content-type: text/event-stream".to_owned()), "{url}: {lines:?}");
        assert!(lines.contains(&format!("event: {event}")), "{url}: {lines:?}");
        let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert!(serde_json::from_str::<Value>(data).unwrap().is_object(), "{url}: {lines:?}");
    }
    for path in
        ["/v1/watch?kinds=heights", "/v1/watch?kinds=", "/v1/watch?kind=edges", "/v1/watch?kinds=edges,"]
    {
        assert_eq!(json_of(&[&world.gateway_url(path)]).await.0, 400, "{path}");
    }
    for query in ["after=1", "after=a.b", "after=%2B1.2", "kinds=rates", "before=1.2"] {
        let (status, error) = json_of(&[&world.frontlas_url(&format!("/cluster/v1/watch?{query}"))]).await;
        assert_eq!(status, 400, "{query}: {error}");
    }
    let (status, error) = json_of(&[&world.frontlas_url("/cluster/v1/watch?after=1.2")]).await;
    assert_eq!((status, &error["code"]), (410, &json!("OUT_OF_RANGE")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_413() {
    let world = World::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!(r#"{{"level": "{}"}}"#, "a".repeat(20 << 20))).unwrap();
    let data = format!("@{}", file.path().display());
    for (method, path) in [("PUT", "/v1/log_level"), ("POST", "/v1/edges/1/call")] {
        let arguments = ["-X", method, "--data-binary", &data, &world.gateway_url(path)];
        let (status, error) = json_of(&arguments).await;
        assert_eq!((status, &error["code"]), (413, &json!("INVALID_ARGUMENT")), "{path}: {error}");
        assert!(error["message"].as_str().unwrap().contains("request_size"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_answered_and_ends_the_gateway() {
    let mut world = World::new().await;
    let url = world.gateway_url("/v1/drain");
    assert_eq!(json_of(&["-X", "POST", &format!("{url}?soon")]).await.0, 400);
    assert_eq!(json_of(&[&url]).await.0, 405, "a GET changes nothing");
    assert_eq!(json_of(&["-X", "POST", &url]).await, (200, json!({})));
    assert_eq!(world.gateway.process().exit().await, Some(0));
}
