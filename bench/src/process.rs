//! The whole life of a process that the tool has started.
//!
//! The tool starts itself again as `frontier-bench role <json>`. A role ends when its stdin does, so no
//! process outlives the tool, however that ends.

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::console::Console;
use crate::role::{Role, Spec};
use crate::{cluster, frontier, nats, proxy, relay, sessions};

pub(crate) fn main(spec: &str) -> ExitCode {
    let Err(error) = run(spec) else { return ExitCode::SUCCESS };
    // Nobody is left to tell if even this fails.
    let _ = Console::failed(format!("{error:#}"));
    ExitCode::FAILURE
}

fn run(spec: &str) -> Result<()> {
    let Spec { threads, role } = serde_json::from_str(spec).context("reading the role")?;
    raise_file_limit()?;
    let runtime = runtime(threads.count)?;
    let _ = SPIN.set(Duration::from_micros(threads.spin_us));
    let mut console = Console::open();
    let result = runtime.block_on(play(role, &mut console));
    // Connections that are still busy are not worth waiting for.
    runtime.shutdown_background();
    result
}

/// For how long threads of connections stay awake in this process.
static SPIN: OnceLock<Duration> = OnceLock::new();

pub(crate) fn spin() -> Duration {
    SPIN.get().copied().unwrap_or_default()
}

async fn play(role: Role, console: &mut Console) -> Result<()> {
    match role {
        Role::Frontier(role) => frontier::play(role, console).await,
        Role::Proxy(role) => proxy::play(role, console).await,
        Role::Relay(role) => relay::play(role, console).await,
        Role::Nats(role) => nats::play(role, console).await,
        Role::Cluster(role) => cluster::play(role, console).await,
        Role::Sessions(role) => sessions::play(role, console).await,
    }
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
