//! The login at an nsqd.
//!
//! ```text
//!   "  V2", IDENTIFY ─▶ what it is ─▶ (TLS ─▶ OK) ─▶ (AUTH ─▶ who we are)
//! ```

use super::command::{MAGIC, line, with_body};
use super::frame::{Frame, decode};
use crate::dial::{dial, secure};
use crate::link::Link;
use crate::{BrokerTls, Credentials};
use bytes::Bytes;
use frontier_config::HostPort;
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of an answer at the login, at most.
const MAX_ANSWER: usize = 64 << 10;

/// By what a client connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    /// Of the sink or source.
    pub(super) name: &'a str,
    /// The token is the secret of `AUTH`.
    pub(super) credentials: &'a Credentials,
    pub(super) tls: Option<&'a BrokerTls>,
    pub(super) heartbeat: Duration,
    /// How long the server waits for an end or a sign of life of a message; `None` where none come.
    pub(super) message_timeout: Option<Duration>,
}

/// A connection after the login.
pub(super) struct Opened {
    pub(super) link: Link,
    /// Messages that may be asked for at once.
    pub(super) max_ready: usize,
    pub(super) message_timeout: Duration,
}

/// Connects to a server. The error is one line.
pub(super) async fn connect(access: Access<'_>, addr: &HostPort) -> Result<Opened, String> {
    let mut link = Link::new(dial(addr, None).await?);
    let (wants_tls, millis) = (access.tls.is_some(), |duration: Duration| json!(duration.as_millis()));
    let mut identity = json!({
        "client_id": access.name,
        "hostname": access.name,
        "user_agent": concat!("frontier/", env!("CARGO_PKG_VERSION")),
        "feature_negotiation": true,
        "heartbeat_interval": millis(access.heartbeat),
        "tls_v1": wants_tls,
    });
    if let Some(timeout) = access.message_timeout {
        identity["msg_timeout"] = millis(timeout);
        // In milliseconds, for which messages wait for others: the least that nsqd allows by default.
        identity["output_buffer_timeout"] = json!(25);
    }
    link.output().extend_from_slice(MAGIC);
    with_body(link.output(), "IDENTIFY", identity.to_string().as_bytes());
    let answer = response(&mut link).await?;
    let Ok(server) = serde_json::from_slice::<Value>(&answer) else {
        return Err("the broker is no nsqd that says what it can: 0.2.22 or later is needed".to_owned());
    };
    if let Some(tls) = access.tls {
        if server["tls_v1"] != true {
            return Err("the broker has no TLS".to_owned());
        }
        link = Link::new(secure(link.into_stream()?, tls, &addr.host).await?);
        response(&mut link).await?;
    }
    if server["auth_required"] == true {
        let Some(secret) = &access.credentials.token else {
            return Err("the broker asks for a secret, and there is no `auth_secret`".to_owned());
        };
        with_body(link.output(), "AUTH", secret.expose().as_bytes());
        response(&mut link).await?;
    }
    // It asks for a sign of life twice in this time, unless something goes.
    link.expect_life(access.heartbeat);
    let number = |key: &str| server[key].as_u64();
    let default = access.message_timeout.unwrap_or_default();
    Ok(Opened {
        link,
        max_ready: number("max_rdy_count").and_then(|it| usize::try_from(it).ok()).unwrap_or(1).max(1),
        message_timeout: number("msg_timeout").map_or(default, Duration::from_millis),
    })
}

/// The answer to the last command.
pub(super) async fn response(link: &mut Link) -> Result<Bytes, String> {
    loop {
        match decode(link.input(), MAX_ANSWER)? {
            Some(Frame::Response(response)) => return Ok(response),
            Some(Frame::Heartbeat) => line(link.output(), "NOP"),
            Some(Frame::Error(failure)) => return Err(format!("the broker refuses it: {}", failure.text)),
            Some(Frame::Message(_)) => return Err("the broker sends messages unasked".to_owned()),
            None => {
                link.progress(false).await.map_err(|error| format!("{error}, at the login"))?;
            }
        }
    }
}
