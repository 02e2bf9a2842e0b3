//! A client's first packet, in which it says who it is.

use super::credentials::Said;
use super::{Connection, silence};
use crate::config::Limits;
use bytes::BytesMut;
use frontier_exchange::Failure;
use frontier_geminio as wire;
use frontier_protocol::{Code, MAX_TOKEN, Role, Token};
use frontier_transport::{BoxedCarrier, Network};
use std::io;
use std::time::Duration;
use thiserror::Error;
use tokio::io::AsyncReadExt;

/// What a packet holds beside the meta, in bytes.
const BESIDE_META: usize = 1024;

/// What a client has said of itself.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// The id that it would like; 0 for none.
    pub(crate) id: u64,
    /// Of a service.
    pub(crate) name: String,
    /// Of a service.
    pub(crate) topics: Vec<String>,
    /// Of an edge.
    pub(crate) meta: Vec<u8>,
    pub(crate) token: Option<Token<'static>>,
    /// A third of the silence after which it is taken for gone.
    pub(crate) heartbeat: Duration,
}

/// Why there is none.
#[derive(Debug, Error)]
pub(crate) enum GreetingError {
    #[error("the connection was lost: {0}")]
    Io(#[from] io::Error),
    #[error("the peer broke the protocol: {0}")]
    Decode(#[from] wire::DecodeError),
    #[error("the peer began with a {0:?} packet")]
    Other(wire::Kind),
    #[error("the peer has left")]
    Left,
}

/// A connection, and what its client said: or why that can't be.
pub(crate) type Greeted = (Connection, Result<Greeting, Failure>);

impl Greeting {
    /// Waits for the first packet of a connection. The caller sets the deadline.
    pub(crate) async fn receive(
        (mut io, network): (BoxedCarrier, Network),
        role: Role,
        limits: &Limits,
    ) -> Result<Greeted, GreetingError> {
        // Half as much again as it takes in base64.
        let most = (limits.meta.max(BESIDE_META) + MAX_TOKEN) * 2 + BESIDE_META + names(role, limits);
        let mut buffer = BytesMut::new();
        let frame = loop {
            if let Some(frame) = wire::decode(&mut buffer, most)? {
                break frame;
            }
            if io.read_buf(&mut buffer).await? == 0 {
                return Err(GreetingError::Left);
            }
        };
        let wire::Packet::Conn(conn) = wire::Packet::parse(&frame)? else {
            return Err(GreetingError::Other(frame.kind));
        };
        let connection = Connection::new((io, network), buffer, frame.id, role, limits);
        let heartbeat = silence(conn.heartbeat);
        let said = match role {
            Role::Edge => Ok(Said::edge(conn.meta)),
            Role::Service | Role::Frontier => Said::service(&conn.meta).ok_or_else(|| {
                let text =
                    r#"the meta of a service is JSON such as {"service":"files","topics":["telemetry"]}"#;
                Failure::new(Code::Protocol, text)
            }),
        };
        let greeting = said.map(|Said { name, topics, meta, token }| Self {
            id: conn.id,
            name,
            topics,
            meta,
            token,
            heartbeat,
        });
        Ok((connection, greeting))
    }
}

/// What the topics of a service may take.
fn names(role: Role, limits: &Limits) -> usize {
    if role == Role::Edge {
        0
    } else {
        limits.names.saturating_mul(limits.name_len + 3).min(wire::MAX_BODY / 8)
    }
}
