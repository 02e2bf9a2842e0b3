//! Which nsqd have a topic: what an nsqlookupd says, over HTTP.

use crate::dial::dial;
use crate::text::one_line;
use frontier_config::HostPort;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes of an answer, at most.
const MAX_ANSWER: u64 = 1 << 20;

/// Asks for those that have the topic; none if nobody has. The error is one line.
pub(super) async fn lookup(addr: &HostPort, topic: &str) -> Result<Vec<HostPort>, String> {
    let mut stream = dial(addr, None).await?;
    // As 1.0, so that the answer ends with the connection, in one piece. A topic has `#` alone of what is special.
    let topic = topic.replace('#', "%23");
    let request = format!("GET /lookup?topic={topic} HTTP/1.0\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    let io = |error: std::io::Error| error.to_string();
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await.map_err(io)?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Vec<HostPort>, String> {
    let no_answer = || "what answers is no nsqlookupd".to_owned();
    let answer = std::str::from_utf8(answer).map_err(|_| no_answer())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(no_answer)?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    match status {
        "200" => {}
        // Nobody has the topic yet.
        "404" => return Ok(Vec::new()),
        _ => return Err(format!("nsqlookupd says {}", one_line(head.lines().next().unwrap_or_default()))),
    }
    let body: Value = serde_json::from_str(body).map_err(|_| no_answer())?;
    let producers = body["producers"].as_array().ok_or_else(no_answer)?;
    let addr = |producer: &Value| {
        let (host, port) = (producer["broadcast_address"].as_str()?, producer["tcp_port"].as_u64()?);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{host}:{port}").parse().ok()
    };
    Ok(producers.iter().filter_map(addr).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_are_addresses() {
        let answer =
            |status: &str, body: &str| parse(format!("HTTP/1.0 {status}\r\nA: b\r\n\r\n{body}").as_bytes());
        let body = r#"{"channels":[],"producers":[{"broadcast_address":"a","tcp_port":1},{"tcp_port":2},
            {"broadcast_address":"::1","tcp_port":3},{"broadcast_address":"b","tcp_port":70000}]}"#;
        let found = answer("200 OK", body).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a:1", "[::1]:3"]);
        assert_eq!(answer("404 Not Found", r#"{"message":"TOPIC_NOT_FOUND"}"#), Ok(Vec::new()));
        assert!(answer("500 Oh\u{1}no", "").unwrap_err().contains("HTTP/1.0 500 Oh no"));
        for wrong in ["{", "{}", "[]"] {
            assert!(answer("200 OK", wrong).is_err(), "{wrong}");
        }
        assert!(parse(b"\xff").is_err() && parse(b"").is_err());
    }
}
