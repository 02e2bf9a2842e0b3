//! What can be measured.

use std::fmt;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;

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
            Self::Frontier => true,
            Self::Alone => work.scene() != Scene::default(),
            Self::Proxy => matches!(work, Work::Bulk(_)) || is_plain_call(work),
            Self::Relay | Self::Nats | Self::NatsLean => is_plain_call(work),
        }
    }

    /// Starts all processes; when this returns, every client is connected and at work.
    pub(crate) async fn start(self, work: &Work, processes: &Processes) -> Result<Rig> {
        match (self, *work) {
            (Self::Frontier, Work::Calls(calls)) => frontier::start_calls(calls, processes).await,
            (Self::Alone, Work::Calls(calls)) => {
                let calls = Calls { scene: Scene::default(), ..calls };
                frontier::start_calls(calls, processes).await
            }
            (Self::Frontier, Work::Bulk(bulk)) => frontier::start_bulk(bulk, processes).await,
            (Self::Proxy, Work::Calls(calls)) => proxy::start_calls(calls, processes).await,
            (Self::Proxy, Work::Bulk(bulk)) => proxy::start_bulk(bulk, processes).await,
            (Self::Relay, Work::Calls(calls)) => relay::start(calls, processes).await,
            (Self::Nats, Work::Calls(calls)) => nats::start(Client::Library, calls, processes).await,
            (Self::NatsLean, Work::Calls(calls)) => nats::start(Client::Lean, calls, processes).await,
            (Self::Alone | Self::Relay | Self::Nats | Self::NatsLean, Work::Bulk(_)) => {
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
            Self::Alone => "alone",
            Self::Proxy => "proxy",
            Self::Relay => "relay",
            Self::Nats => "nats",
            Self::NatsLean => "nats-lean",
        })
    }
}
