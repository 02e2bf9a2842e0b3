//! What edges cost that do nothing.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::frontier::{IdleEdges, ports, start_gateway};
use crate::network::Network;
use crate::number::{mebibytes, thousands};
use crate::procfs::Sample;
use crate::progress::Progress;
use crate::rig::Processes;
use crate::table::Table;

/// A measurement of idle connections.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) network: Network,
    pub(crate) edges: usize,
    /// How long the gateway is watched.
    pub(crate) window: Duration,
    /// How long it is left alone before it is looked at.
    pub(crate) settle: Duration,
    pub(crate) processes: Processes,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

/// What it found. Memory is resident, in bytes.
#[derive(Debug, Serialize)]
struct Findings {
    network: Network,
    edges: usize,
    processes: Processes,
    connects_per_second: f64,
    gateway_memory: Memory,
    /// Of all edges' processes together, divided in the same way.
    edge_memory_per_edge: f64,
    window_seconds: f64,
    /// 100 is one core.
    gateway_cpu_percent: f64,
}

#[derive(Debug, Serialize)]
struct Memory {
    at_start: f64,
    /// After a tenth of the edges came and left: the allocator keeps some of what they used.
    after_warmup: f64,
    with_edges: f64,
    /// After the window.
    at_end: f64,
    peak: f64,
    /// What the edges added since the warm-up, divided by their number.
    per_edge: f64,
}

impl Connections {
    /// Measures, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        let Self { network, edges, processes, progress, .. } = self;
        progress.begin(format!("{} idle edges", thousands(*edges as f64)));
        let mut gateway = start_gateway(*network, processes).await?;
        let (for_edges, _) = ports(*network, &gateway)?;
        let at_start = some(gateway.sample()?)?;

        progress.show("warming up");
        let mut first = IdleEdges::start(for_edges, edges.div_ceil(10), processes).await?;
        first.connect().await?;
        first.leave().await;
        progress.wait("settling", self.settle).await;
        let after_warmup = some(gateway.sample()?)?;

        progress.show("connecting");
        let mut idle = IdleEdges::start(for_edges, *edges, processes).await?;
        let empty = some(idle.sample()?)?;
        let connected = idle.connect().await?;
        progress.wait("settling", self.settle).await;
        let before = some(gateway.sample()?)?;
        progress.wait("idling", self.window).await;
        let after = some(gateway.sample()?)?;
        let full = some(idle.sample()?)?;
        idle.check().await?;

        idle.leave().await;
        gateway.shut_down().await;
        progress.end();
        let per_edge =
            |with: Sample, without: Sample| (with.resident as f64 - without.resident as f64) / *edges as f64;
        let cpu = after.cpu.saturating_sub(before.cpu);
        let findings = Findings {
            network: *network,
            edges: *edges,
            processes: *processes,
            connects_per_second: *edges as f64 / connected.window.as_secs_f64(),
            gateway_memory: Memory {
                at_start: at_start.resident as f64,
                after_warmup: after_warmup.resident as f64,
                with_edges: before.resident as f64,
                at_end: after.resident as f64,
                peak: after.peak as f64,
                per_edge: per_edge(after, after_warmup),
            },
            edge_memory_per_edge: per_edge(full, empty),
            window_seconds: self.window.as_secs_f64(),
            gateway_cpu_percent: cpu.as_secs_f64() / self.window.as_secs_f64() * 100.0,
        };
        findings.render(self.json)
    }
}

impl Findings {
    fn render(&self, json: bool) -> Result<String> {
        if json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let memory = &self.gateway_memory;
        let mut table = Table::new(["the gateway", ""]);
        let mut row = |name: &str, value: String| table.row([name.into(), value]);
        row("memory at start, MiB", mebibytes(memory.at_start));
        row("after a tenth of the edges came and left", mebibytes(memory.after_warmup));
        row("with all edges", mebibytes(memory.with_edges));
        row("at the end", mebibytes(memory.at_end));
        row("memory per idle edge, bytes", thousands(memory.per_edge));
        row("CPU while idle, % of a core", format!("{:.2}", self.gateway_cpu_percent));
        row("edges let in per second", thousands(self.connects_per_second));
        row("memory per edge on the edges' side, bytes", thousands(self.edge_memory_per_edge));
        Ok(format!(
            "{} edges over {}, idle for {} s\n\n{table}",
            thousands(self.edges as f64),
            self.network,
            self.window_seconds
        ))
    }
}

fn some(sample: Option<Sample>) -> Result<Sample> {
    sample.context("this system does not tell how much memory a process has")
}
