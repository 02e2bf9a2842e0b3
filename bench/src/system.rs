//! What can be measured.

use std::fmt;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;

use crate::frontier::Network;
use crate::nats::Client;
use crate::rig::{Processes, Rig};
use crate::work::{Calls, Scene, Work};
use crate::{frontier, nats, proxy, relay};

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
            Self::Relay | Self::Nats | Self::NatsLean => is_plain_call(work),
        }
    }

    /// What is spoken to the gateway, where it is ours and there is nothing beside the work.
    fn network(self) -> Option<Network> {
        match self {
            Self::Frontier => Some(Network::Tcp),
            Self::Tls => Some(Network::Tls),
            Self::Quic => Some(Network::Quic),
            Self::Ws => Some(Network::Ws),
            Self::Alone | Self::Proxy | Self::Relay | Self::Nats | Self::NatsLean => None,
        }
    }

    /// Starts all processes; when this returns, every client is connected and at work.
    pub(crate) async fn start(self, work: &Work, processes: &Processes) -> Result<Rig> {
        if let Some(network) = self.network() {
            return match *work {
                Work::Calls(calls) => frontier::start_calls(network, calls, processes).await,
                Work::Bulk(bulk) => frontier::start_bulk(network, bulk, processes).await,
            };
        }
        match (self, *work) {
            (Self::Alone, Work::Calls(calls)) => {
                let calls = Calls { scene: Scene::default(), ..calls };
                frontier::start_calls(Network::Tcp, calls, processes).await
            }
            (Self::Proxy, Work::Calls(calls)) => proxy::start_calls(calls, processes).await,
            (Self::Proxy, Work::Bulk(bulk)) => proxy::start_bulk(bulk, processes).await,
            (Self::Relay, Work::Calls(calls)) => relay::start(calls, processes).await,
            (Self::Nats, Work::Calls(calls)) => nats::start(Client::Library, calls, processes).await,
            (Self::NatsLean, Work::Calls(calls)) => nats::start(Client::Lean, calls, processes).await,
            _ => {
                bail!("{self} does not do {work}")
            }
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
            Self::NatsLean => "nats-lean",
        })
    }
}
