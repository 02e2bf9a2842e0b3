//! The process that keeps `redis-server` alive exactly as long as it is needed.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::console::Console;
use crate::dialogue::Ready;
use crate::loopback;

/// Starts the server on a free port, and stops it when the tool is done with it, or gone.
pub(super) async fn run(synced: Option<&Path>, console: &mut Console) -> Result<()> {
    let directory =
        tempfile::Builder::new().prefix("frontier-bench-").tempdir().context("making a directory")?;
    let started = tokio::select! {
        started = start(directory.path(), synced) => started,
        () = console.closed() => Err(anyhow!("the tool went away")),
    };
    let (mut server, address) = started?;
    console.ready(Ready { edges: None, services: Some(address), measured: server.id() })?;
    tokio::select! {
        status = server.wait() => bail!("redis-server ended: {}", status?),
        () = console.closed() => {}
    }
    server.kill().await.context("stopping redis-server")
}

/// Somebody else may take the free port first; then another one is tried.
async fn start(directory: &Path, synced: Option<&Path>) -> Result<(Child, SocketAddr)> {
    let mut last = anyhow!("no attempt");
    for _ in 0..ATTEMPTS {
        let (listener, address) = loopback::listen().await?;
        drop(listener);
        let mut server = launch(directory, synced, address)?;
        match wait_for_answer(&mut server, address).await {
            Ok(()) => return Ok((server, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn launch(directory: &Path, synced: Option<&Path>, address: SocketAddr) -> Result<Child> {
    let mut command = Command::new("redis-server");
    command.args(["--bind", &Ipv4Addr::LOCALHOST.to_string(), "--port", &address.port().to_string()]);
    // The directory asks for no persistence, and the disk is not what is measured; durable sessions ask for all of it.
    match synced {
        None => command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(directory),
        Some(path) => {
            command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(path)
        }
    };
    // Its log goes nowhere, and must not mix with this process's reports.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("there is no redis-server on the PATH: install redis-server"),
        _ => anyhow!(error).context("starting redis-server"),
    })
}

async fn wait_for_answer(server: &mut Child, address: SocketAddr) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < ANSWER_TIMEOUT {
        // First the ping, then whether it lives: so the answer is not another's.
        let answers = ping(address).await.is_ok();
        if let Some(status) = server.try_wait()? {
            bail!("redis-server ended: {status}");
        }
        if answers {
            return Ok(());
        }
        sleep(Duration::from_millis(10)).await;
    }
    bail!("redis-server does not answer after {ANSWER_TIMEOUT:?}")
}

async fn ping(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    if &answer == b"+PONG" { Ok(()) } else { bail!("another answer") }
}

const ATTEMPTS: usize = 5;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
