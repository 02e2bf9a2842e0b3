//! The cost of copying alone: a proxy that moves bytes between two TCP connections and looks at none of them.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role::ProxyRole;
use crate::work::{Bulk, Calls};

mod client;
mod gateway;
mod service;

pub(crate) async fn play(role: ProxyRole, console: &mut Console) -> Result<()> {
    match role {
        ProxyRole::Gateway { service } => gateway::run(service, console).await,
        ProxyRole::Echo => service::run(service::echo, console).await,
        ProxyRole::Sink => service::run(service::sink, console).await,
        ProxyRole::PingPong { gateway, calls } => client::ping_pong(gateway, calls, console).await,
        ProxyRole::Bulk { gateway, bulk } => client::bulk(gateway, bulk, console).await,
    }
}

pub(crate) async fn start_calls(calls: Calls, processes: &Processes) -> Result<Rig> {
    let (mut rig, gateway) = start_between(ProxyRole::Echo, processes).await?;
    for calls in calls.split(processes.clients) {
        rig.start_client(processes, ProxyRole::PingPong { gateway, calls }).await?;
    }
    Ok(rig)
}

pub(crate) async fn start_bulk(bulk: Bulk, processes: &Processes) -> Result<Rig> {
    let (mut rig, gateway) = start_between(ProxyRole::Sink, processes).await?;
    for bulk in bulk.split(processes.clients) {
        rig.start_client(processes, ProxyRole::Bulk { gateway, bulk }).await?;
    }
    Ok(rig)
}

/// The service comes first: the proxy dials it.
async fn start_between(service: ProxyRole, processes: &Processes) -> Result<(Rig, SocketAddr)> {
    let service = Child::start("service", processes.of_each(), service).await?;
    let target = service.ready().services.context("the service has no port")?;
    let role = ProxyRole::Gateway { service: target };
    let gateway = Child::start("proxy", processes.of_gateway(), role).await?;
    let address = gateway.ready().edges.context("the proxy has no port")?;
    let mut rig = Rig::new(gateway)?;
    rig.adopt_service(service);
    Ok((rig, address))
}
