//! The limit for calls through a gateway: a relay of bare frames, with neither mux nor protocol.
//!
//! One task per connection; an outbox per connection, which is a byte buffer under a short lock with a wake
//! when it stops being empty; all complete frames of one read are routed before anyone is woken; one write
//! per drain.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role;
use crate::work::Calls;

mod client;
mod frame;
mod gateway;
mod service;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Gateway,
    Service { gateway: SocketAddr },
    Client { gateway: SocketAddr, calls: Calls },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Gateway => gateway::run(console).await,
            Self::Service { gateway } => service::run(gateway, console).await,
            Self::Client { gateway, calls } => client::run(gateway, calls, console).await,
        }
    }
}

pub(crate) async fn start(calls: Calls, processes: &Processes) -> Result<Rig> {
    let role = role::Role::Relay(Role::Gateway);
    let gateway = Child::start("relay", processes.gateway_threads, role).await?;
    let mut rig = Rig::new(gateway)?;
    let ready = *rig.gateway().ready();

    let gateway = ready.services.context("the relay has no port for services")?;
    rig.start_service(processes, role::Role::Relay(Role::Service { gateway })).await?;

    let gateway = ready.edges.context("the relay has no port for edges")?;
    for calls in calls.split(processes.clients) {
        rig.start_client(processes, role::Role::Relay(Role::Client { gateway, calls })).await?;
    }
    Ok(rig)
}
