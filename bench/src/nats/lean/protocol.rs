//! As much of the NATS client protocol as requests need.

use std::net::SocketAddr;
use std::str;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::loopback::dial;

/// What the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received<'a> {
    Message {
        subject: &'a [u8],
        reply_to: Option<&'a [u8]>,
        payload: &'a [u8],
    },
    Ping,
    /// `INFO`, `PONG`, `+OK`: nothing to do.
    Other,
}

/// Connects and subscribes; when this returns, the server knows the subscription.
pub(super) async fn subscribe(server: SocketAddr, subject: &str) -> Result<TcpStream> {
    let mut stream = dial(server).await?;
    let hello = format!("{CONNECT}SUB {subject} 1\r\nPING\r\n");
    stream.write_all(hello.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"PONG\r\n") {
        let read = stream.read_buf(&mut answer).await?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(read > 0 && !text.contains("-ERR"), "nats-server refuses: {text}");
    }
    Ok(stream)
}

/// One whole message at the start of `bytes`, and what follows it; `None` if it isn't all there yet.
pub(super) fn split(bytes: &[u8]) -> Result<Option<(Received<'_>, &[u8])>> {
    let Some(end) = bytes.iter().position(|&b| b == b'\n') else { return Ok(None) };
    let (line, rest) = (bytes[..end].trim_ascii_end(), &bytes[end + 1..]);
    if let Some(fields) = line.strip_prefix(b"MSG ") {
        return split_message(fields, rest);
    }
    match line {
        b"PING" => Ok(Some((Received::Ping, rest))),
        b"PONG" | b"+OK" => Ok(Some((Received::Other, rest))),
        _ if line.starts_with(b"INFO ") => Ok(Some((Received::Other, rest))),
        _ => bail!("nats-server says {:?}", String::from_utf8_lossy(line)),
    }
}

/// `subject sid [reply-to] length`, then the payload on a line of its own.
fn split_message<'a>(fields: &'a [u8], rest: &'a [u8]) -> Result<Option<(Received<'a>, &'a [u8])>> {
    let mut fields = fields.split(|&b| b == b' ');
    let subject = fields.next().context("a message without a subject")?;
    let (_sid, third, fourth) = (fields.next(), fields.next(), fields.next());
    let (reply_to, length) = match fourth {
        Some(length) => (third, length),
        None => (None, third.context("a message without a length")?),
    };
    let length: usize = str::from_utf8(length)?.parse()?;
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    Ok(rest
        .split_at_checked(LINE_END.len())
        .map(|(_, rest)| (Received::Message { subject, reply_to, payload }, rest)))
}

pub(super) const LINE_END: &[u8] = b"\r\n";
pub(super) const PONG: &[u8] = b"PONG\r\n";
const CONNECT: &str =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"rust\",\"name\":\"frontier-bench\"}\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_apart() {
        let bytes = b"MSG bench 1 _INBOX.0.7 5\r\nhello\r\nMSG _INBOX.0.7 1 2\r\nok\r\nPING\r\n";
        let (first, rest) = split(bytes).unwrap().unwrap();
        let reply_to = Some(&b"_INBOX.0.7"[..]);
        assert_eq!(first, Received::Message { subject: b"bench", reply_to, payload: b"hello" });
        let (second, rest) = split(rest).unwrap().unwrap();
        assert_eq!(second, Received::Message { subject: b"_INBOX.0.7", reply_to: None, payload: b"ok" });
        assert_eq!(split(rest).unwrap(), Some((Received::Ping, &b""[..])));
    }

    #[test]
    fn half_a_message_waits_for_the_rest() {
        let bytes = b"MSG bench 1 5\r\nhello\r\n";
        for end in 0..bytes.len() {
            assert_eq!(split(&bytes[..end]).unwrap(), None, "{end}");
        }
    }

    #[test]
    fn complaints_are_errors() {
        assert!(split(b"-ERR 'Unknown Protocol Operation'\r\n").is_err());
    }
}
