//! What each process of a measurement is.
//!
//! The tool starts itself again as `frontier-bench role <json>`. A role ends when its stdin does, so no
//! process outlives the tool, however that ends.

use std::process::ExitCode;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::console::Console;
use crate::{cluster, frontier, nats, proxy, relay};

/// What a process does, and on how many threads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) threads: usize,
    pub(crate) role: Role,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Frontier(frontier::Role),
    Proxy(proxy::Role),
    Relay(relay::Role),
    Nats(nats::Role),
    Cluster(cluster::Role),
}

impl Role {
    async fn play(self, console: &mut Console) -> Result<()> {
        match self {
            Self::Frontier(role) => role.play(console).await,
            Self::Proxy(role) => role.play(console).await,
            Self::Relay(role) => role.play(console).await,
            Self::Nats(role) => role.play(console).await,
            Self::Cluster(role) => role.play(console).await,
        }
    }
}

/// The whole life of a role's process.
pub(crate) fn main(spec: &str) -> ExitCode {
    let Err(error) = run(spec) else { return ExitCode::SUCCESS };
    // Nobody is left to tell if even this fails.
    let _ = Console::failed(format!("{error:#}"));
    ExitCode::FAILURE
}

fn run(spec: &str) -> Result<()> {
    let Spec { threads, role } = serde_json::from_str(spec).context("reading the role")?;
    raise_file_limit()?;
    let runtime = runtime(threads)?;
    let mut console = Console::open();
    let result = runtime.block_on(role.play(&mut console));
    // Connections that are still busy are not worth waiting for.
    runtime.shutdown_background();
    result
}

/// One thread means a runtime without worker threads: no hand-over between threads blurs what is measured.
fn runtime(threads: usize) -> Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().context("starting the runtime")
}

/// Thousands of connections need thousands of descriptors.
fn raise_file_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("raising the limit of open files")
}
