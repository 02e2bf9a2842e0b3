//! Many requests that nobody computes: what they take of the broker's memory, and how long it takes to start again with them.

use anyhow::Result;
use serde::Serialize;
use std::time::{Duration, Instant};

use super::broker::Kept;
use super::{Kind, Load, Sessions, Store, start_broker};
use crate::dialogue::Order;
use crate::number::{or_dash, thousands};
use crate::procfs::Sample;
use crate::table::Table;

#[derive(Debug, Serialize)]
struct Backlog {
    store: Store,
    kind: Kind,
    requests: u64,
    body_bytes: usize,
    /// Until the broker had taken all.
    taken_per_second: f64,
    /// Of the broker, beside the bodies; `None` where the system does not tell.
    memory_bytes_per_request: Option<f64>,
    /// From the start of the process of a broker that was killed until it says that all are there.
    restart_seconds: Option<f64>,
    /// The same, of the one that has started again.
    restarted_memory_bytes_per_request: Option<f64>,
}

/// Measures, and returns what is to be printed.
pub(super) async fn run(plan: &Sessions, requests: u64) -> Result<String> {
    let Sessions { store, load: Load { kind, body, .. }, progress, .. } = plan;
    progress.begin(format!("{} queued requests", thousands(requests as f64)));
    let mut processes = plan.start(false).await?;
    let memory = |before: Option<Sample>, after: Option<Sample>| {
        let grown = after?.resident as f64 - before?.resident as f64;
        Some(grown / requests as f64 - *body as f64)
    };
    // What it takes for the first ones is not counted again and again.
    processes.order(Order::Queue(0)).await?;
    let client = &mut processes.clients[0];
    client.tally().await?;
    let before = processes.broker.sample()?;
    progress.show("sending");
    client.order(Order::Queue(requests)).await?;
    let taken_in = client.tally_within(PATIENCE).await?.window;
    let after = processes.broker.sample()?;
    let mut restarted = None;
    if processes.role.store != Kept::Memory {
        progress.show("starting again");
        processes.role.at = processes.broker.ready().services;
        processes.broker.kill().await?;
        let begun = Instant::now();
        processes.broker = start_broker(&processes.role, &plan.processes).await?;
        let client = &mut processes.clients[0];
        client.order(Order::Recovered(requests)).await?;
        client.tally_within(PATIENCE).await?;
        restarted = Some((begun.elapsed(), memory(before, processes.broker.sample()?)));
    }
    processes.shut_down().await;
    progress.end();
    let found = Backlog {
        store: *store,
        kind: *kind,
        requests,
        body_bytes: *body,
        taken_per_second: requests as f64 / taken_in.as_secs_f64(),
        memory_bytes_per_request: memory(before, after),
        restart_seconds: restarted.map(|(took, _)| took.as_secs_f64()),
        restarted_memory_bytes_per_request: restarted.and_then(|(_, memory)| memory),
    };
    found.render(plan.json)
}

impl Backlog {
    fn render(&self, json: bool) -> Result<String> {
        if json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let figure = |value: Option<f64>| or_dash(value.map(thousands));
        let mut table = Table::new(["", ""]);
        let mut row = |name: &str, value: String| table.row([name.into(), value]);
        row("requests taken per second", thousands(self.taken_per_second));
        row("memory per request beside its body, bytes", figure(self.memory_bytes_per_request));
        row("s to start again", or_dash(self.restart_seconds.map(|it| format!("{it:.2}"))));
        row("memory per request then, bytes", figure(self.restarted_memory_bytes_per_request));
        let requests = thousands(self.requests as f64);
        Ok(format!("{requests} requests of {} bytes wait\n\n{table}", self.body_bytes))
    }
}

/// How long all may take together.
const PATIENCE: Duration = Duration::from_secs(600);
