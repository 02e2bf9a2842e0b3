//! Request-reply through `nats-server` with its defaults: the one on the PATH, or one of the current release line.
//!
//! With `async-nats`, the client library that users of NATS have, it is what they get: the peer of Frontier
//! with its SDK. That library costs more CPU time per request than the server does. With a lean client of our
//! own it is the server that is measured: the peer of the relay.

use anyhow::{Context, Result};

use crate::child::Child;
use crate::console::Console;
use crate::rig::{Processes, Rig};
use crate::role::{NatsClient, NatsRole, Threads};
use crate::work::Calls;

mod lean;
mod library;
mod release;
mod server;

pub(crate) use release::Release;

pub(crate) async fn play(role: NatsRole, console: &mut Console) -> Result<()> {
    match role {
        NatsRole::Server { program, threads } => server::run(&program, threads, console).await,
        NatsRole::Service { client: NatsClient::Library, server } => library::serve(server, console).await,
        NatsRole::Service { client: NatsClient::Lean, server } => lean::serve(server, console).await,
        NatsRole::Client { client: NatsClient::Library, server, calls, .. } => {
            library::call(server, calls, console).await
        }
        NatsRole::Client { client: NatsClient::Lean, server, process, calls } => {
            lean::call(server, process, calls, console).await
        }
    }
}

pub(crate) async fn start(
    release: Release,
    client: NatsClient,
    calls: Calls,
    processes: &Processes,
) -> Result<Rig> {
    let program = release.program().await?;
    let server = NatsRole::Server { program, threads: processes.gateway_threads };
    let server = Child::start("nats-server", Threads::ONE, server).await?;
    let address = server.ready().edges.context("nats-server has no port")?;
    let mut rig = Rig::new(server)?;
    rig.start_service(processes, NatsRole::Service { client, server: address }).await?;
    for (process, calls) in calls.split(processes.clients).enumerate() {
        rig.start_client(processes, NatsRole::Client { client, server: address, process, calls }).await?;
    }
    Ok(rig)
}
