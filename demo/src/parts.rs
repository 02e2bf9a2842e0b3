//! The service and the edges, and what they do with each other.

use crate::activity::Activity;
use crate::backend::Backend;
use crate::report::Report;
use anyhow::{Context as _, Result};
use frontier_sdk::{Edge, Request, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How many operations of each kind a round does at each edge.
const OPERATIONS_PER_ROUND: u64 = 200;

/// How often the table is printed.
const TABLE_INTERVAL: Duration = Duration::from_secs(1);

/// The pause after something failed, so that a table of errors can be read.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// The service and the edges of the demo.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) service: Backend,
    pub(crate) edges: Vec<Edge>,
}

impl Parts {
    /// Connects edges to `url`, beside a service that is.
    pub(crate) async fn start(service: Backend, url: &str, edges: u16) -> Result<Self> {
        let mut connected = Vec::new();
        for number in 1..=edges {
            let edge = Edge::builder(url)
                .meta(format!("demo-{number}").into_bytes())
                .register("status", |_: Request| async { Ok(Response::new("fine")) })
                .connect()
                .await
                .context("an edge can't connect")?;
            connected.push(edge);
        }
        Ok(Self { service, edges: connected })
    }

    /// A fixed number of each operation at each edge.
    pub(crate) async fn round(&self, report: &Arc<Report>) {
        let mut tasks = JoinSet::new();
        for (edge, activity) in self.all() {
            let (service, edge, report) = (self.service.clone(), edge.clone(), report.clone());
            tasks.spawn(async move {
                for _ in 0..OPERATIONS_PER_ROUND {
                    once(activity, &service, &edge, &report).await;
                }
            });
        }
        tasks.join_all().await;
    }

    /// Everything at once at every edge until `stop`, with a table every second.
    pub(crate) async fn go_on(&self, report: &Arc<Report>, stop: &CancellationToken) {
        let mut tasks = JoinSet::new();
        for (edge, activity) in self.all() {
            let (service, edge, report) = (self.service.clone(), edge.clone(), report.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                while !stop.is_cancelled() {
                    once(activity, &service, &edge, &report).await;
                }
            });
        }
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(TABLE_INTERVAL) => report.print(Some(TABLE_INTERVAL)),
                () = stop.cancelled() => {}
            }
        }
        tasks.join_all().await;
    }

    pub(crate) async fn close(self) {
        for edge in self.edges {
            // The demo is over either way.
            let _ = edge.close().await;
        }
        self.service.close().await;
    }

    fn all(&self) -> impl Iterator<Item = (&Edge, Activity)> {
        self.edges.iter().flat_map(|edge| Activity::ALL.map(|activity| (edge, activity)))
    }
}

/// Does it once, and reports how it went.
async fn once(activity: Activity, service: &Backend, edge: &Edge, report: &Report) {
    let start = Instant::now();
    match activity.perform(service, edge).await {
        Ok(()) => report.done(activity, start.elapsed()),
        Err(error) => {
            report.failed(activity, &error);
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }
}
