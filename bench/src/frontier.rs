//! Frontier itself: the real gateway, and services and edges on the SDK.
//!
//! One process runs the gateway's library with its default configuration, on ports that the system chooses.
//! Services and edges are what users write: they call, answer, publish and stream through the SDK, one task
//! per caller.

use anyhow::{Context, Result};

use crate::child::Child;
use crate::cluster;
use crate::console::Console;
use crate::network::{Address, Key, Network};
use crate::rig::{Processes, Rig};
use crate::role::{FrontierRole, Membership};
use crate::work::{Bulk, Calls, Scene};
use frontier_config::ByteSize;

pub(crate) use idle_edges::IdleEdges;

mod answer;
mod caller;
mod callers;
mod connect;
mod disturbance;
mod gateway;
mod idle_edges;

pub(crate) async fn play(role: FrontierRole, console: &mut Console) -> Result<()> {
    match role {
        FrontierRole::Gateway { network, key, membership } => {
            gateway::run(network, key, membership, console).await
        }
        FrontierRole::Services { gateway, services, idle } => {
            answer::services(gateway, services, idle, console).await
        }
        FrontierRole::Edges { gateway, edges } => answer::edges(gateway, edges, console).await,
        FrontierRole::EdgeCallers { gateway, calls } => callers::on_edges(gateway, calls, console).await,
        FrontierRole::ServiceCallers { gateway, first, calls } => {
            callers::on_service(gateway, first, calls, console).await
        }
        FrontierRole::Bulk { gateway, bulk } => callers::on_streams(gateway, bulk, console).await,
        FrontierRole::IdleEdges { gateway, edges, at_once } => {
            idle_edges::run(gateway, edges, at_once, console).await
        }
    }
}

/// Starts a gateway and nothing else.
pub(crate) async fn start_gateway(network: Network, processes: &Processes) -> Result<Child> {
    start_member(network, None, processes).await
}

/// Starts a gateway and nothing else, whose certificate has such a key.
pub(crate) async fn start_gateway_with(network: Network, key: Key, processes: &Processes) -> Result<Child> {
    let role = FrontierRole::Gateway { network, key, membership: None };
    Child::start("gateway", processes.of_gateway(), role).await
}

/// Edges that call a service one call after the other, while something else happens.
pub(crate) async fn add_callers(
    rig: &mut Rig,
    network: Network,
    callers: usize,
    processes: &Processes,
) -> Result<()> {
    let (for_edges, for_services) = ports(network, rig.gateway())?;
    let services = FrontierRole::Services { gateway: for_services, services: 1, idle: 0 };
    rig.start_service(processes, services).await?;
    let calls = Calls::new(callers, callers, ByteSize::bytes(64))?;
    rig.start_client(processes, FrontierRole::EdgeCallers { gateway: for_edges, calls }).await
}

async fn start_member(
    network: Network,
    membership: Option<Membership>,
    processes: &Processes,
) -> Result<Child> {
    let role = FrontierRole::Gateway { network, key: Key::default(), membership };
    Child::start("gateway", processes.of_gateway(), role).await
}

/// Starts a cluster of two gateways: one for those who call, which is measured, and one for those who answer. With
/// `reverse` services call, else edges do.
async fn start_cluster(
    network: Network,
    reverse: bool,
    processes: &Processes,
) -> Result<(Rig, Address, Address)> {
    let frontlas = cluster::start_frontlas().await?;
    let plane = frontlas.ready().edges.context("frontlas has no port for gateways")?;
    let member = |id: &str| Some(Membership { id: id.to_owned(), frontlas: plane });
    let near = start_member(network, member("near"), processes).await?;
    let far = start_member(network, member("far"), processes).await?;
    let (at_near, at_far) = (ports(network, &near)?, ports(network, &far)?);
    let (for_edges, for_services) = if reverse { (at_far.0, at_near.1) } else { (at_near.0, at_far.1) };
    let mut rig = Rig::new(near)?;
    rig.adopt_bystanders(vec![far, frontlas]);
    Ok((rig, for_edges, for_services))
}

pub(crate) async fn start_calls(network: Network, calls: Calls, processes: &Processes) -> Result<Rig> {
    let (mut rig, for_edges, for_services) = if calls.scene.across {
        start_cluster(network, calls.reverse, processes).await?
    } else {
        let rig = Rig::new(start_gateway(network, processes).await?)?;
        let (for_edges, for_services) = ports(network, rig.gateway())?;
        (rig, for_edges, for_services)
    };
    if calls.scene.idle_edges > 0 {
        let mut idle = IdleEdges::start(for_edges, calls.scene.idle_edges, processes).await?;
        idle.connect().await?;
        rig.adopt_bystanders(idle.into_children());
    }
    if calls.reverse {
        let role = FrontierRole::Edges { gateway: for_edges, edges: calls.edges };
        rig.start_service(processes, role).await?;
        let mut first = 0;
        for calls in calls.split(processes.clients) {
            let role = FrontierRole::ServiceCallers { gateway: for_services, first, calls };
            rig.start_client(processes, role).await?;
            first += calls.edges;
        }
    } else {
        let Scene { services, idle_services: idle, .. } = calls.scene;
        let role = FrontierRole::Services { gateway: for_services, services, idle };
        rig.start_service(processes, role).await?;
        for calls in calls.split(processes.clients) {
            let role = FrontierRole::EdgeCallers { gateway: for_edges, calls };
            rig.start_client(processes, role).await?;
        }
    }
    Ok(rig)
}

pub(crate) async fn start_bulk(network: Network, bulk: Bulk, processes: &Processes) -> Result<Rig> {
    let mut rig = Rig::new(start_gateway(network, processes).await?)?;
    let (for_edges, for_services) = ports(network, rig.gateway())?;
    let role = FrontierRole::Services { gateway: for_services, services: 1, idle: 0 };
    rig.start_service(processes, role).await?;
    for bulk in bulk.split(processes.clients) {
        let role = FrontierRole::Bulk { gateway: for_edges, bulk };
        rig.start_client(processes, role).await?;
    }
    Ok(rig)
}

/// Where edges and where services connect to.
pub(crate) fn ports(network: Network, gateway: &Child) -> Result<(Address, Address)> {
    let ready = gateway.ready();
    let edges = ready.edges.context("the gateway has no port for edges")?;
    let services = ready.services.context("the gateway has no port for services")?;
    Ok((Address { network, addr: edges }, Address { network, addr: services }))
}
