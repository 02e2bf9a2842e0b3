//! What the tests share: a client of REST, one of gRPC, and tokens.

use frontier_api::gateway::control_plane_client::ControlPlaneClient;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, Log, eventually, replace, within};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

/// Asks over REST, as somebody who shows this token.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub(crate) addr: SocketAddr,
    pub(crate) token: Option<&'static str>,
}

impl Rest {
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        Self { addr: gateway.control().await, token: None }
    }

    pub(crate) fn with(&self, token: &'static str) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// Status and body of an answer.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = within(path, TcpStream::connect(self.addr)).await.unwrap();
        let token = self.token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let len = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len}\r\n\
             content-type: application/json\r\n{token}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(path, stream.read_to_string(&mut answer)).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (status.unwrap_or_else(|| panic!("{answer}")), body.unwrap_or_default())
    }

    /// Status and JSON of an answer.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let (status, body) = self.send(method, path, "").await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// What is there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// A client of gRPC.
pub(crate) async fn grpc(addr: SocketAddr) -> ControlPlaneClient<Channel> {
    ControlPlaneClient::new(channel(addr).await)
}

pub(crate) async fn channel(addr: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).unwrap();
    within("a connection", endpoint.connect()).await.unwrap()
}

/// A request with a token.
pub(crate) fn shown<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// An entry of a file of tokens.
pub(crate) fn entry(token: &str, rest: &str) -> String {
    let hash = frontier_credentials::token::hash(token.as_bytes()).expect("a token has a hash");
    format!("- {{{}', {rest}}}\n", hash.replacen("hash: ", "hash: '", 1))
}

/// A gateway whose operators show `reader`, `operator` or `admin`. `edge_token` and `gateway_token` are good elsewhere.
pub(crate) fn guarded() -> GatewayBuilder {
    let builder = Gateway::builder();
    let file = builder.file("operators.yaml");
    let tokens = [
        entry("reader", "name: Rita, role: read"),
        entry("operator", "name: Otto, role: operate"),
        entry("admin", "name: Anna, role: admin"),
        entry("edge_token", "edge_id: 7"),
        entry("gateway_token", "frontier: f1"),
    ];
    replace(&file, tokens.concat());
    // The tests try many wrong ones.
    let builder = builder.set("access.throttle.failures", 1000);
    builder.set("controlplane.auth.methods", json!([{"token": {"file": file}}]))
}

/// The line of a log that has all of these words.
pub(crate) async fn says(log: &Log, words: &[&str]) -> String {
    let line = async || log.lines().into_iter().find(|line| words.iter().all(|word| line.contains(word)));
    eventually(DEADLINE, &words.join(" "), line).await
}
