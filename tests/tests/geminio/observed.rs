//! What operators are told of clients of the original: lists, metrics, logs.

use crate::client::Client;
use frontier_tests::{DEADLINE, Gateway, Log, eventually, within};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is answered to a request over HTTP.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = within("a connection", TcpStream::connect(addr)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

pub(crate) async fn scrape(log: &Log) -> String {
    let told = async || {
        let line = log.find("the metrics plane listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok()
    };
    get(eventually(DEADLINE, "it listens for scrapes", told).await, "/metrics").await
}

#[tokio::test]
async fn lists_metrics_and_logs_know_them_as_they_know_ours() {
    let gateway = Gateway::builder().set("observability.enable", true);
    let gateway = gateway.set("observability.addr", "127.0.0.1:0").start().await;
    let service = Client::service(&gateway, "svc", &["echo"], &["t"]).await;
    let (id, echo) = (service.id, tokio::spawn(service.echo()));
    let mut edge = Client::edge(&gateway).await;
    let ours = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.call("echo", b"", b"1234").await, Ok(b"1234".to_vec()));
    let control = gateway.control().await;
    let list = async |path: &str| -> Value { serde_json::from_str(&get(control, path).await).unwrap() };
    let listed = list(&format!("/v1/edges/{}", edge.id)).await;
    assert_eq!((&listed["network"], &listed["listener"]), (&"geminio".into(), &"edgebound.listen".into()));
    assert_eq!(list(&format!("/v1/edges/{}", ours.id().0)).await["network"], "tcp");
    let listed = list(&format!("/v1/services/{id}")).await;
    assert_eq!((&listed["network"], &listed["service"]), (&"geminio".into(), &"svc".into()));
    assert_eq!(list("/v1/services/rpcs").await["rpcs"], serde_json::json!(["echo"]));
    let metrics = scrape(gateway.log()).await;
    for sample in [
        r#"frontier_connections{side="edge",network="geminio"} 1"#,
        r#"frontier_connections{side="edge",network="tcp"} 1"#,
        r#"frontier_connections{side="service",network="geminio"} 1"#,
        r#"frontier_requests_total{kind="call",direction="to_service",result="ok"} 1"#,
        r#"frontier_payload_bytes_total{kind="call",direction="to_service",part="request"} 4"#,
        r#"frontier_payload_bytes_total{kind="call",direction="to_service",part="reply"} 4"#,
    ] {
        assert!(metrics.contains(sample), "{sample} is not in {metrics}");
    }
    let gone = edge.id;
    edge.close().await;
    let line = async || {
        gateway.log().lines().into_iter().find(|line| {
            line.contains("edge disconnected")
                && [&*format!("edge={gone}"), "network=\"geminio\"", "cause=\"peer\"", "sent_bytes="]
                    .iter()
                    .all(|field| line.contains(field))
        })
    };
    eventually(DEADLINE, "the log says how it has ended", line).await;
    echo.abort();
}

#[tokio::test]
async fn operators_kick_them() {
    let gateway = Gateway::start().await;
    let mut edge = Client::edge(&gateway).await;
    let control = gateway.control().await;
    let mut stream = within("a connection", TcpStream::connect(control)).await.unwrap();
    let request =
        format!("DELETE /v1/edges/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", edge.id);
    stream.write_all(request.as_bytes()).await.unwrap();
    let kinds = edge.rest().await;
    assert_eq!(kinds, [frontier_geminio::Kind::Disconnect]);
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
