//! Frontier itself: the real gateway, and services and edges on the SDK.
//!
//! One process runs the gateway's library with its default configuration, on ports that the system chooses.
//! Services and edges are what users write: they call, answer, publish and stream through the SDK, one task
//! per caller.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::work::{Bulk, Calls, Scene};
use crate::{cluster, role};

pub(crate) use address::{Address, Network};
pub(crate) use crowd::Crowd;
pub(crate) use gateway::Membership;

mod address;
mod answer;
mod bulk;
mod caller;
mod callers;
mod connect;
mod crowd;
mod disturbance;
mod gateway;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Gateway {
        network: Network,
        membership: Option<Membership>,
    },
    /// Services that answer edges.
    Services {
        gateway: Address,
        services: usize,
        idle: usize,
    },
    /// Edges that answer services.
    Edges {
        gateway: Address,
        edges: usize,
    },
    /// Edges, and callers that share them.
    EdgeCallers {
        gateway: Address,
        calls: Calls,
    },
    /// A service, and callers on it that share the edges from number `first` on.
    ServiceCallers {
        gateway: Address,
        first: usize,
        calls: Calls,
    },
    Bulk {
        gateway: Address,
        bulk: Bulk,
    },
    Crowd {
        gateway: Address,
        edges: usize,
        at_once: usize,
    },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Gateway { network, membership } => gateway::run(network, membership, console).await,
            Self::Services { gateway, services, idle } => {
                answer::services(gateway, services, idle, console).await
            }
            Self::Edges { gateway, edges } => answer::edges(gateway, edges, console).await,
            Self::EdgeCallers { gateway, calls } => callers::on_edges(gateway, calls, console).await,
            Self::ServiceCallers { gateway, first, calls } => {
                callers::on_service(gateway, first, calls, console).await
            }
            Self::Bulk { gateway, bulk } => bulk::run(gateway, bulk, console).await,
            Self::Crowd { gateway, edges, at_once } => crowd::run(gateway, edges, at_once, console).await,
        }
    }
}

/// Starts a gateway and nothing else.
pub(crate) async fn start_gateway(network: Network, processes: &Processes) -> Result<Child> {
    start_member(network, None, processes).await
}

async fn start_member(
    network: Network,
    membership: Option<Membership>,
    processes: &Processes,
) -> Result<Child> {
    let role = role::Role::Frontier(Role::Gateway { network, membership });
    Child::start("gateway", processes.gateway_threads, role).await
}

/// Starts a cluster: a gateway for services, which is the one that is measured, and another one for edges.
async fn start_cluster(network: Network, processes: &Processes) -> Result<(Rig, Address, Address)> {
    let frontlas = cluster::start_frontlas().await?;
    let plane = frontlas.ready().edges.context("frontlas has no port for gateways")?;
    let member = |id: &str| Some(Membership { id: id.to_owned(), frontlas: plane });
    let near = start_member(network, member("near"), processes).await?;
    let far = start_member(network, member("far"), processes).await?;
    let ((_, for_services), (for_edges, _)) = (ports(network, &near)?, ports(network, &far)?);
    let mut rig = Rig::new(near)?;
    rig.adopt_bystanders(vec![far, frontlas]);
    Ok((rig, for_edges, for_services))
}

pub(crate) async fn start_calls(network: Network, calls: Calls, processes: &Processes) -> Result<Rig> {
    let (mut rig, for_edges, for_services) = if calls.scene.across {
        start_cluster(network, processes).await?
    } else {
        let rig = Rig::new(start_gateway(network, processes).await?)?;
        let (for_edges, for_services) = ports(network, rig.gateway())?;
        (rig, for_edges, for_services)
    };
    if calls.scene.idle_edges > 0 {
        let mut crowd = Crowd::start(for_edges, calls.scene.idle_edges, processes).await?;
        crowd.connect().await?;
        rig.adopt_bystanders(crowd.into_children());
    }
    if calls.reverse {
        let role = Role::Edges { gateway: for_edges, edges: calls.edges };
        rig.start_service(processes, role::Role::Frontier(role)).await?;
        let mut first = 0;
        for calls in calls.split(processes.clients) {
            let role = Role::ServiceCallers { gateway: for_services, first, calls };
            rig.start_client(processes, role::Role::Frontier(role)).await?;
            first += calls.edges;
        }
    } else {
        let Scene { services, idle_services: idle, .. } = calls.scene;
        let role = Role::Services { gateway: for_services, services, idle };
        rig.start_service(processes, role::Role::Frontier(role)).await?;
        for calls in calls.split(processes.clients) {
            let role = Role::EdgeCallers { gateway: for_edges, calls };
            rig.start_client(processes, role::Role::Frontier(role)).await?;
        }
    }
    Ok(rig)
}

pub(crate) async fn start_bulk(network: Network, bulk: Bulk, processes: &Processes) -> Result<Rig> {
    let mut rig = Rig::new(start_gateway(network, processes).await?)?;
    let (for_edges, for_services) = ports(network, rig.gateway())?;
    let role = Role::Services { gateway: for_services, services: 1, idle: 0 };
    rig.start_service(processes, role::Role::Frontier(role)).await?;
    for bulk in bulk.split(processes.clients) {
        let role = Role::Bulk { gateway: for_edges, bulk };
        rig.start_client(processes, role::Role::Frontier(role)).await?;
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

/// What is called, sent and opened.
const METHOD: &str = "echo";
const TOPIC: &str = "telemetry";
const SERVICE: &str = "bench";
