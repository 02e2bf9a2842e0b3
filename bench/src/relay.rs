//! The limit for calls through a gateway: a relay of bare frames, with neither mux nor protocol.
//!
//! One task per connection; an outbox per connection, which is a byte buffer under a short lock with a wake
//! when it stops being empty; all complete frames of one read are routed before anyone is woken; one write
//! per drain.

use anyhow::{Context, Result};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role::RelayRole;
use crate::work::Calls;

mod client;
mod frame;
mod gateway;
mod service;

pub(crate) async fn play(role: RelayRole, console: &mut Console) -> Result<()> {
    match role {
        RelayRole::Gateway => gateway::run(console).await,
        RelayRole::Service { gateway } => service::run(gateway, console).await,
        RelayRole::Client { gateway, calls } => client::run(gateway, calls, console).await,
    }
}

pub(crate) async fn start(calls: Calls, processes: &Processes) -> Result<Rig> {
    let gateway = Child::start("relay", processes.of_gateway(), RelayRole::Gateway).await?;
    let mut rig = Rig::new(gateway)?;
    let ready = *rig.gateway().ready();

    let gateway = ready.services.context("the relay has no port for services")?;
    rig.start_service(processes, RelayRole::Service { gateway }).await?;

    let gateway = ready.edges.context("the relay has no port for edges")?;
    for calls in calls.split(processes.clients) {
        rig.start_client(processes, RelayRole::Client { gateway, calls }).await?;
    }
    Ok(rig)
}
