//! A client that keeps its connection, and knows what it was not told.

use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A client of one broker.
pub(crate) struct Client {
    addr: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, connection: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Option<(u16, Value)> {
        self.ask("GET", path, "").await
    }

    /// The status and the body; `None` if the broker went away before it had answered.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        if self.connection.is_none() {
            self.connection = Some(BufReader::new(TcpStream::connect(self.addr).await.ok()?));
        }
        let connection = self.connection.as_mut()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        connection.write_all(head.as_bytes()).await.ok()?;
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            line.clear();
            connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut bytes = Vec::new();
        loop {
            if is_chunked {
                line.clear();
                connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
                length = usize::from_str_radix(line.trim_end(), 16).ok()?;
            }
            let start = bytes.len();
            bytes.resize(start + length, 0);
            connection.read_exact(&mut bytes[start..]).await.ok()?;
            if is_chunked {
                line.clear();
                connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            }
            if !is_chunked || length == 0 {
                break;
            }
        }
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).ok()? };
        Some((status, body))
    }
}
