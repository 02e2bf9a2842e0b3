//! The process that keeps `nats-server` alive exactly as long as it is needed.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::console::Console;
use crate::dialogue::Ready;

/// Starts the server on a free port, and stops it when the tool is done with it, or gone.
pub(super) async fn run(program: &Path, threads: usize, console: &mut Console) -> Result<()> {
    let directory =
        tempfile::Builder::new().prefix("frontier-bench-").tempdir().context("making a directory")?;
    let mut server = launch(program, directory.path(), threads)?;
    let result = tokio::select! {
        address = wait_for_port(&directory, &mut server) => address,
        () = console.closed() => Err(anyhow!("the tool went away")),
    };
    if let Ok(address) = result {
        console.ready(Ready { edges: Some(address), services: Some(address), measured: server.id() })?;
        tokio::select! {
            status = server.wait() => bail!("nats-server ended: {}", status?),
            () = console.closed() => {}
        }
    }
    server.kill().await.context("stopping nats-server")?;
    result.map(drop)
}

fn launch(program: &Path, directory: &Path, threads: usize) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir"]).arg(directory);
    command.env("GOMAXPROCS", threads.to_string());
    // Its log goes nowhere, and must not mix with this process's reports.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("there is no nats-server on the PATH: install nats-server"),
        _ => anyhow!(error).context("starting nats-server"),
    })
}

/// The server writes down its ports when it listens.
#[derive(Debug, Deserialize)]
struct Ports {
    nats: Vec<String>,
}

async fn wait_for_port(directory: &TempDir, server: &mut Child) -> Result<SocketAddr> {
    let start = Instant::now();
    while start.elapsed() < LISTEN_TIMEOUT {
        if let Some(status) = server.try_wait()? {
            bail!("nats-server ended: {status}");
        }
        if let Some(ports) = read_ports(directory.path())? {
            let url = ports.nats.first().context("nats-server names no port")?;
            let address = url.strip_prefix("nats://").unwrap_or(url);
            return address.parse().with_context(|| format!("nats-server listens on {url:?}"));
        }
        sleep(Duration::from_millis(10)).await;
    }
    bail!("nats-server does not listen after {LISTEN_TIMEOUT:?}")
}

fn read_ports(directory: &Path) -> Result<Option<Ports>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ports") {
            // It may be there before all of it is written.
            return Ok(serde_json::from_slice(&fs::read(path)?).ok());
        }
    }
    Ok(None)
}

const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);
