//! The login at a server, and what both may send.

use super::decode::{ConnAck, Packet, decode};
use super::encode::{self, Connect};
use super::reason::{SUCCESS, describe};
use crate::dial::dial;
use crate::link::Link;
use crate::{BrokerTls, Credentials};
use frontier_config::HostPort;
use std::time::Duration;

/// Bytes of a packet with which a server answers, at most.
pub(super) const MAX_ANSWER: usize = 64 << 10;

/// By what a client connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) client_id: &'a str,
    pub(super) credentials: &'a Credentials,
    pub(super) tls: Option<&'a BrokerTls>,
    pub(super) keep_alive: Duration,
    pub(super) session: Session,
}

/// How a session is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    /// Whether it begins anew.
    pub(super) is_clean: bool,
    /// For how long the server keeps it when the connection is lost.
    pub(super) expiry: Duration,
    /// How many messages the server may send that are not acked.
    pub(super) receive_max: u16,
    /// Bytes of a packet that the server may send.
    pub(super) max_packet_size: usize,
}

/// A connection after the login, and what the server has said of itself.
pub(super) struct Opened {
    pub(super) link: Link,
    pub(super) server: ConnAck,
}

/// Connects to a server. The error is one line.
pub(super) async fn connect(access: Access<'_>, addr: &HostPort) -> Result<Opened, String> {
    let mut link = Link::new(dial(addr, access.tls).await?);
    let Access { client_id, credentials, keep_alive, session, .. } = access;
    let seconds = u16::try_from(keep_alive.as_secs()).unwrap_or(u16::MAX).max(1);
    let login = Connect {
        client_id,
        username: credentials.username.as_deref(),
        password: credentials.password.as_ref().map(|password| password.expose()),
        keep_alive: seconds,
        is_clean: session.is_clean,
        session_expiry: u32::try_from(session.expiry.as_secs()).unwrap_or(u32::MAX),
        receive_max: session.receive_max,
        max_packet_size: u32::try_from(session.max_packet_size).unwrap_or(u32::MAX),
    };
    encode::connect(link.output(), &login);
    let server = loop {
        match decode(link.input(), MAX_ANSWER)? {
            Some(Packet::ConnAck(connack)) => break connack,
            Some(Packet::Disconnect(reason)) => return Err(describe(&reason)),
            Some(_) => return Err("the broker says what was not asked for".to_owned()),
            None => {
                link.progress(false).await.map_err(|error| format!("{error}, at the login"))?;
            }
        }
    };
    if server.reason.code != SUCCESS {
        return Err(format!("the broker refuses the login: {}", describe(&server.reason)));
    }
    if server.max_qos == Some(0) {
        return Err("the broker acks no messages: it has QoS 0 alone".to_owned());
    }
    // 0 is for a server that misses nobody.
    let seconds = server.keep_alive.unwrap_or(seconds);
    if seconds > 0 {
        link.expect_life(Duration::from_secs(seconds.into()));
    }
    Ok(Opened { link, server })
}
