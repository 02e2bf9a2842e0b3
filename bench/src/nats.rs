//! Request-reply through `nats-server`, the one on the PATH with its defaults.
//!
//! With `async-nats`, the client library that users of NATS have, it is what they get: the peer of Frontier
//! with its SDK. That library costs more CPU time per request than the server does. With a lean client of our
//! own it is the server that is measured: the peer of the relay.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role;
use crate::work::Calls;

mod keeper;
mod lean;
mod library;

/// What talks to the server.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Client {
    Library,
    Lean,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Keeper { threads: usize },
    Service { client: Client, server: SocketAddr },
    Client { client: Client, server: SocketAddr, process: usize, calls: Calls },
}

impl Role {
    pub(crate) async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Keeper { threads } => keeper::run(threads, console).await,
            Self::Service { client: Client::Library, server } => library::service::run(server, console).await,
            Self::Service { client: Client::Lean, server } => lean::service::run(server, console).await,
            Self::Client { client: Client::Library, server, calls, .. } => {
                library::client::run(server, calls, console).await
            }
            Self::Client { client: Client::Lean, server, process, calls } => {
                lean::client::run(server, process, calls, console).await
            }
        }
    }
}

pub(crate) async fn start(client: Client, calls: Calls, processes: &Processes) -> Result<Rig> {
    let keeper = Role::Keeper { threads: processes.gateway_threads };
    let keeper = Child::start("nats-server", 1, role::Role::Nats(keeper)).await?;
    let server = keeper.ready().edges.context("nats-server has no port")?;
    let mut rig = Rig::new(keeper)?;
    rig.start_service(processes, role::Role::Nats(Role::Service { client, server })).await?;
    for (process, calls) in calls.split(processes.clients).enumerate() {
        let role = Role::Client { client, server, process, calls };
        rig.start_client(processes, role::Role::Nats(role)).await?;
    }
    Ok(rig)
}

/// What the service listens to.
const SUBJECT: &str = "bench";
