//! A process that the tool started.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::dialogue::{Order, Ready, Report};
use crate::procfs::Sample;
use crate::role::{Role, Spec, Threads};
use crate::tally::Tally;

/// A role in a process of its own. Dropping it closes the process's stdin, upon which it cleans up and exits.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    process: Process,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
    ready: Ready,
}

impl Child {
    /// Starts a process, and waits until it is ready.
    pub(crate) async fn start(name: &'static str, threads: Threads, role: impl Into<Role>) -> Result<Self> {
        let spec = serde_json::to_string(&Spec { threads, role: role.into() })?;
        let mut process = Command::new(env::current_exe().context("finding the tool's own executable")?)
            .args(["role", &spec])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An interrupt at the terminal reaches the tool alone, which then ends its children in an orderly
            // way.
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting the {name} process"))?;
        let orders = process.stdin.take().context("the child has no stdin")?;
        let reports = BufReader::new(process.stdout.take().context("the child has no stdout")?).lines();
        let mut child = Self { name, process, orders, reports, ready: Ready::default() };
        child.ready = match child.report(REPORT_TIMEOUT).await? {
            Report::Ready(ready) => ready,
            other => bail!("the {name} process says {other:?} before it is ready"),
        };
        Ok(child)
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    pub(crate) async fn order(&mut self, order: Order) -> Result<()> {
        let mut line = serde_json::to_vec(&order)?;
        line.push(b'\n');
        let sent = self.orders.write_all(&line).await;
        match sent {
            Ok(()) => Ok(()),
            // What the process said before it went explains more than a broken pipe.
            Err(error) => Err(self.report(REPORT_TIMEOUT).await.err().unwrap_or_else(|| anyhow!(error))),
        }
    }

    pub(crate) async fn tally(&mut self) -> Result<Tally> {
        self.tally_within(REPORT_TIMEOUT).await
    }

    /// The same, of what may take so long.
    pub(crate) async fn tally_within(&mut self, patience: Duration) -> Result<Tally> {
        match self.report(patience).await? {
            Report::Counted(tally) => Ok(tally),
            other => bail!("the {} process says {other:?} instead of what it counted", self.name),
        }
    }

    /// CPU time and memory so far; `None` where the system does not tell.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn sample(&mut self) -> Result<Option<Sample>> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the {} process ended early: {status}", self.name);
        }
        let pid = self.ready.measured.or(self.process.id()).context("the process has no id")?;
        Sample::take(pid).with_context(|| format!("looking at the {} process", self.name))
    }

    /// Tells the process to exit by closing its stdin, and kills it if it doesn't.
    pub(crate) async fn shut_down(self) {
        let Self { mut process, orders, .. } = self;
        drop(orders);
        if timeout(EXIT_TIMEOUT, process.wait()).await.is_err() {
            // It may have gone just now.
            let _ = process.kill().await;
        }
    }

    /// Kills the process, in the middle of whatever it does, and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.process.kill().await.with_context(|| format!("killing the {} process", self.name))
    }

    async fn report(&mut self, patience: Duration) -> Result<Report> {
        let name = self.name;
        let line = timeout(patience, self.reports.next_line())
            .await
            .map_err(|_| anyhow!("the {name} process says nothing for {patience:?}"))??
            .with_context(|| format!("the {name} process ended without a word"))?;
        match serde_json::from_str(&line).with_context(|| format!("the {name} process says {line:?}"))? {
            Report::Failed(reason) => bail!("the {name} process failed: {reason}"),
            report => Ok(report),
        }
    }
}

const REPORT_TIMEOUT: Duration = Duration::from_secs(60);
/// More than a process gives itself.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);
