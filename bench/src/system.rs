//! What can be measured: the name of each system, and what it supports.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::network::Network;
use crate::work::{Scene, Work};

/// A gateway, with the service and the clients that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum System {
    /// The gateway, with services and edges on the SDK
    Frontier,
    /// The gateway over TLS
    Tls,
    /// The gateway over QUIC
    Quic,
    /// The gateway over WebSocket
    Ws,
    /// Frontier without what goes on beside the work: idle edges, more services, a disturbance
    Alone,
    /// Two-hop byte copying
    Proxy,
    /// Bare frames
    Relay,
    /// nats-server, with the client library that its users have
    Nats,
    /// The same with nats-server 2.15, which the go on the PATH builds the first time
    NatsCurrent,
    /// nats-server, with a client that does as little as possible
    NatsLean,
}

impl System {
    /// Whether it does this work, and so that it means the same.
    pub(crate) fn supports(self, work: &Work) -> bool {
        match self {
            Self::Frontier | Self::Tls | Self::Quic | Self::Ws => true,
            Self::Alone => work.scene() != Scene::default(),
            Self::Proxy => matches!(work, Work::Bulk(_)) || is_plain_call(work),
            Self::Relay | Self::Nats | Self::NatsCurrent | Self::NatsLean => is_plain_call(work),
        }
    }

    /// What is spoken to the gateway, where it is ours and there is nothing beside the work.
    pub(crate) fn network(self) -> Option<Network> {
        match self {
            Self::Frontier => Some(Network::Tcp),
            Self::Tls => Some(Network::Tls),
            Self::Quic => Some(Network::Quic),
            Self::Ws => Some(Network::Ws),
            Self::Alone | Self::Proxy | Self::Relay | Self::Nats | Self::NatsCurrent | Self::NatsLean => None,
        }
    }
}

fn is_plain_call(work: &Work) -> bool {
    matches!(work, Work::Calls(calls) if calls.is_plain())
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Frontier => "frontier",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Ws => "ws",
            Self::Alone => "alone",
            Self::Proxy => "proxy",
            Self::Relay => "relay",
            Self::Nats => "nats",
            Self::NatsCurrent => "nats-current",
            Self::NatsLean => "nats-lean",
        })
    }
}
