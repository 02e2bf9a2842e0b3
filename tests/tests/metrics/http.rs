//! Requests to a port for metrics.

use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A gateway with a port for metrics, to be configured.
pub(crate) fn observed() -> GatewayBuilder {
    observing(Gateway::builder())
}

/// The same with a bridge, which has metrics of its own.
pub(crate) fn with_bridge(gateway: GatewayBuilder) -> GatewayBuilder {
    gateway
        .set("bridge.enable", true)
        .set("bridge.listen.addr", "127.0.0.1:0")
        .set("bridge.topics", serde_json::json!([{"name": "telemetry"}]))
}

/// The same of any gateway.
pub(crate) fn observing(gateway: GatewayBuilder) -> GatewayBuilder {
    gateway.set("observability.enable", true).set("observability.addr", "127.0.0.1:0")
}

/// Where it tells of itself.
pub(crate) async fn metrics_of(gateway: &Gateway) -> SocketAddr {
    let told = async || {
        let line = gateway.log().find("the metrics plane listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok()
    };
    eventually(DEADLINE, "it listens for scrapes", told).await
}

/// Status, head and body.
pub(crate) async fn get(addr: SocketAddr, path: &str, accept: &str) -> (u16, String, String) {
    let mut stream = within("a connection", TcpStream::connect(addr)).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// Waits until `/readyz` has this status: its body.
pub(crate) async fn becomes(addr: SocketAddr, status: u16) -> String {
    let looks = async || {
        let (told, _, body) = get(addr, "/readyz", "*/*").await;
        (told == status).then_some(body)
    };
    eventually(DEADLINE, "it is ready or not", looks).await
}
