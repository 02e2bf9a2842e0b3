//! Request-reply through `nats-server`.
//!
//! The server is the one on the PATH, with its defaults. Client and service speak its text protocol
//! themselves, with the same connection as the relay's: a full client costs more CPU time per request than
//! the server does, and would be what is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role;
use crate::work::Calls;

mod client;
mod keeper;
mod protocol;
mod service;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Keeper { threads: Option<usize> },
    Service { server: SocketAddr },
    Client { server: SocketAddr, process: usize, calls: Calls },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Keeper { threads } => keeper::run(threads, console).await,
            Self::Service { server } => service::run(server, console).await,
            Self::Client { server, process, calls } => client::run(server, process, calls, console).await,
        }
    }
}

pub(crate) async fn start(calls: Calls, processes: &Processes) -> Result<Rig> {
    let keeper = Role::Keeper { threads: processes.gateway_threads };
    let keeper = Child::start("nats-server", 1, role::Role::Nats(keeper)).await?;
    let server = keeper.ready().edges.context("nats-server has no port")?;
    let mut rig = Rig::new(keeper)?;
    rig.start_service(processes, role::Role::Nats(Role::Service { server })).await?;
    for (process, calls) in calls.split(processes.clients).enumerate() {
        rig.start_client(processes, role::Role::Nats(Role::Client { server, process, calls })).await?;
    }
    Ok(rig)
}

/// What the service listens to.
const SUBJECT: &str = "bench";
