//! Who is where, and waiting for it.

use anyhow::{Result, bail};
use frontier_sdk::Edge;
use frontlas::{Directory, DirectoryError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long everyone may take to be where they should be.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause between two looks.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Who is where, as frontlas knows it.
pub(super) struct Places(Arc<dyn Directory>);

impl Places {
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self(directory)
    }

    /// The gateway that an edge is at.
    pub(super) async fn of(&self, edge: &Edge) -> Result<Option<String>, DirectoryError> {
        let mut found = self.0.frontiers_by_edge(&[edge.id().0]).await?;
        Ok(found.pop().flatten().map(|frontier| frontier.id))
    }

    /// How many edges each gateway has.
    pub(super) async fn text(&self) -> Result<String, DirectoryError> {
        let frontiers = self.0.frontiers().await?;
        let counts = frontiers.iter().map(|it| format!("{} at {}", it.edge_count, it.id));
        Ok(counts.collect::<Vec<_>>().join(", "))
    }

    /// Waits until so many gateways are known.
    pub(super) async fn until_members(&self, count: usize) -> Result<()> {
        until("not all gateways report to frontlas", async || Ok(self.0.frontiers().await?.len() == count))
            .await
    }

    /// Waits until every edge is at a gateway that will do.
    pub(super) async fn until_edges(&self, edges: &[Edge], will_do: impl Fn(&str) -> bool) -> Result<()> {
        let ids: Vec<u64> = edges.iter().map(|edge| edge.id().0).collect();
        until("not all edges are where they should be", async || {
            let at = self.0.frontiers_by_edge(&ids).await?;
            Ok(at.iter().all(|at| at.as_ref().is_some_and(|at| will_do(&at.id))))
        })
        .await
    }
}

async fn until(not: &str, mut condition: impl AsyncFnMut() -> Result<bool, DirectoryError>) -> Result<()> {
    let holds = async {
        while !condition().await? {
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    };
    match timeout(SETTLE_TIMEOUT, holds).await {
        Ok(held) => held,
        Err(_) => bail!("{not}, after {SETTLE_TIMEOUT:?}"),
    }
}
