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
        FrontierRole::Edges { gateway, first, edges } => answer::edges(gateway, first, edges, console).await,
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

/// Where the peers of a measurement connect to.
struct Places {
    services: Address,
    /// At each gateway that has some.
    edges: Vec<Address>,
}

/// Starts a cluster, of which the gateway is measured that those who call have, or that has the services.
async fn start_cluster(network: Network, calls: Calls, processes: &Processes) -> Result<(Rig, Places)> {
    let frontlas = cluster::start_frontlas().await?;
    let plane = frontlas.ready().edges.context("frontlas has no port for gateways")?;
    let count = if calls.scene.across { 2 } else { calls.scene.gateways };
    let mut gateways = Vec::with_capacity(count);
    for number in 0..count {
        let membership = Membership { id: format!("gateway-{number}"), frontlas: plane };
        gateways.push(start_member(network, Some(membership), processes).await?);
    }
    let ports = gateways.iter().map(|gateway| ports(network, gateway)).collect::<Result<Vec<_>>>()?;
    let edges = ports.iter().map(|(edges, _)| *edges);
    let places = match (calls.scene.across, calls.reverse) {
        (false, _) => Places { services: ports[0].1, edges: edges.collect() },
        (true, true) => Places { services: ports[0].1, edges: edges.skip(1).collect() },
        (true, false) => Places { services: ports[1].1, edges: edges.take(1).collect() },
    };
    let mut rig = Rig::new(gateways.remove(0))?;
    rig.adopt_bystanders(gateways);
    rig.adopt_bystanders(vec![frontlas]);
    Ok((rig, places))
}

pub(crate) async fn start_calls(network: Network, calls: Calls, processes: &Processes) -> Result<Rig> {
    let (mut rig, places) = if calls.scene.forwards() {
        start_cluster(network, calls, processes).await?
    } else {
        let rig = Rig::new(start_gateway(network, processes).await?)?;
        let (edges, services) = ports(network, rig.gateway())?;
        (rig, Places { services, edges: vec![edges] })
    };
    let spread: Vec<_> =
        places.edges.iter().enumerate().map(|(number, at)| (*at, calls.at_gateway(number))).collect();
    for (gateway, Calls { scene: Scene { idle_edges, .. }, .. }) in &spread {
        if *idle_edges > 0 {
            let mut idle = IdleEdges::start(*gateway, *idle_edges, processes).await?;
            idle.connect().await?;
            rig.adopt_bystanders(idle.into_children());
        }
    }
    if calls.reverse {
        let mut first = 0;
        for (gateway, Calls { edges, .. }) in spread {
            rig.start_service(processes, FrontierRole::Edges { gateway, first, edges }).await?;
            first += edges;
        }
        let mut first = 0;
        for calls in calls.split(processes.clients) {
            let role = FrontierRole::ServiceCallers { gateway: places.services, first, calls };
            rig.start_client(processes, role).await?;
            first += calls.edges;
        }
    } else {
        let Scene { services, idle_services: idle, .. } = calls.scene;
        let role = FrontierRole::Services { gateway: places.services, services, idle };
        rig.start_service(processes, role).await?;
        for (gateway, calls) in spread {
            for calls in calls.split(processes.clients) {
                rig.start_client(processes, FrontierRole::EdgeCallers { gateway, calls }).await?;
            }
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
