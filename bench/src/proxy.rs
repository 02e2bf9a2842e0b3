//! The cost of copying alone: a proxy that moves bytes between two TCP connections and looks at none of them.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role;
use crate::work::{Bulk, Calls};

mod bulk;
mod gateway;
mod ping_pong;
mod service;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Gateway {
        service: SocketAddr,
    },
    /// Sends back what it reads.
    Echo,
    /// Reads, and that is all.
    Sink,
    PingPong {
        gateway: SocketAddr,
        calls: Calls,
    },
    Bulk {
        gateway: SocketAddr,
        bulk: Bulk,
    },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Gateway { service } => gateway::run(service, console).await,
            Self::Echo => service::run(service::echo, console).await,
            Self::Sink => service::run(service::sink, console).await,
            Self::PingPong { gateway, calls } => ping_pong::run(gateway, calls, console).await,
            Self::Bulk { gateway, bulk } => bulk::run(gateway, bulk, console).await,
        }
    }
}

pub(crate) async fn start_calls(calls: Calls, processes: &Processes) -> Result<Rig> {
    let (mut rig, gateway) = start_between(Role::Echo, processes).await?;
    for calls in calls.split(processes.clients) {
        rig.start_client(processes, role::Role::Proxy(Role::PingPong { gateway, calls })).await?;
    }
    Ok(rig)
}

pub(crate) async fn start_bulk(bulk: Bulk, processes: &Processes) -> Result<Rig> {
    let (mut rig, gateway) = start_between(Role::Sink, processes).await?;
    for bulk in bulk.split(processes.clients) {
        rig.start_client(processes, role::Role::Proxy(Role::Bulk { gateway, bulk })).await?;
    }
    Ok(rig)
}

/// The service comes first: the proxy dials it.
async fn start_between(service: Role, processes: &Processes) -> Result<(Rig, SocketAddr)> {
    let service = Child::start("service", processes.threads, role::Role::Proxy(service)).await?;
    let target = service.ready().services.context("the service has no port")?;
    let role = role::Role::Proxy(Role::Gateway { service: target });
    let gateway = Child::start("proxy", processes.gateway_threads, role).await?;
    let address = gateway.ready().edges.context("the proxy has no port")?;
    let mut rig = Rig::new(gateway)?;
    rig.adopt_service(service);
    Ok((rig, address))
}
