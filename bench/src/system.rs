//! What can be measured.

use std::fmt;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;

use crate::rig::{Processes, Rig};
use crate::work::Work;
use crate::{nats, proxy, relay};

/// A gateway, with the service and the clients that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum System {
    Proxy,
    Relay,
    Nats,
}

impl System {
    pub(crate) fn supports(self, work: &Work) -> bool {
        match self {
            Self::Proxy => true,
            Self::Relay | Self::Nats => matches!(work, Work::Calls(_)),
        }
    }

    /// Starts all processes; when this returns, every client is connected and at work.
    pub(crate) async fn start(self, work: &Work, processes: &Processes) -> Result<Rig> {
        match (self, *work) {
            (Self::Proxy, Work::Calls(calls)) => proxy::start_calls(calls, processes).await,
            (Self::Proxy, Work::Bulk(bulk)) => proxy::start_bulk(bulk, processes).await,
            (Self::Relay, Work::Calls(calls)) => relay::start(calls, processes).await,
            (Self::Nats, Work::Calls(calls)) => nats::start(calls, processes).await,
            (Self::Relay | Self::Nats, Work::Bulk(_)) => bail!("{self} does not do {work}"),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Proxy => "proxy",
            Self::Relay => "relay",
            Self::Nats => "nats",
        })
    }
}
