//! What frontlas tells of the cluster: frontiers and their loads, and how many come and go.

use super::history::History;
use crate::directory::{Frontiers, Kind as _, all_of};
use crate::failure::Outcome;
use crate::output::Table;
use crate::plane::{Plane, PlaneKind};
use crate::settings::Settings;
use crate::timestamp;
use crate::watch::{Seen, Watch};
use frontier_api::json::Frontier;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinHandle;

/// The cluster as it was last seen.
pub(super) struct Cluster {
    plane: Plane,
    frontiers: Vec<Frontier>,
    /// Why it could not be seen, if it could not.
    trouble: Option<String>,
    changes: Arc<Changes>,
    /// When rates were last taken.
    looked: Instant,
    edges: History,
    online: History,
    offline: History,
    watching: JoinHandle<()>,
}

/// How many have come and gone.
#[derive(Debug, Default)]
struct Changes {
    online: AtomicU64,
    offline: AtomicU64,
}

/// All frontiers.
pub(super) async fn look(plane: &mut Plane) -> Outcome<Vec<Frontier>> {
    all_of::<Frontiers>(plane).await
}

pub(super) fn table(frontiers: &[Frontier]) -> Table {
    let mut table = Table::new(Frontiers::HEADER);
    frontiers.iter().for_each(|frontier| table.row(Frontiers::row(frontier)));
    table
}

impl Cluster {
    pub(super) async fn connect(settings: &Settings) -> Outcome<Self> {
        let mut plane = settings.plane(PlaneKind::Frontlas)?;
        let frontiers = look(&mut plane).await?;
        let changes = Arc::<Changes>::default();
        let watch = Watch::new(settings.plane(PlaneKind::Frontlas)?, "edges,services").in_silence();
        let watching = tokio::spawn(count(watch, changes.clone()));
        let (edges, online, offline) = Default::default();
        let looked = Instant::now();
        Ok(Self { plane, frontiers, trouble: None, changes, looked, edges, online, offline, watching })
    }

    /// Looks again. What is in the way is shown, and tried again the next time.
    pub(super) async fn look(&mut self) {
        match look(&mut self.plane).await {
            Ok(frontiers) => (self.frontiers, self.trouble) = (frontiers, None),
            Err(failure) => self.trouble = Some(failure.text().to_owned()),
        }
        let passed = self.looked.elapsed().as_secs_f64().max(0.001);
        self.looked = Instant::now();
        let rate = |count: &AtomicU64| count.swap(0, Ordering::Relaxed) as f64 / passed;
        self.online.push(rate(&self.changes.online));
        self.offline.push(rate(&self.changes.offline));
        self.edges.push(self.frontiers.iter().map(|frontier| frontier.edge_count).sum::<u64>() as f64);
    }

    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let services: u64 = self.frontiers.iter().map(|frontier| frontier.service_count).sum();
        let draining = self.frontiers.iter().filter(|frontier| frontier.draining).count();
        let plot = width.saturating_sub(30).min(100);
        let row = |name: &str, history: &History| {
            format!("{name:10} {:>12.0}   {}", history.last(), history.plot(plot))
        };
        let mut lines = vec![
            format!("frontctl top   {}   {}   q: leave", self.plane, timestamp::now()),
            String::new(),
            format!("{} frontiers, {draining} of them draining, {services} services", self.frontiers.len()),
            row("edges", &self.edges),
            row("online/s", &self.online),
            row("offline/s", &self.offline),
            self.trouble.clone().unwrap_or_default(),
        ];
        lines.extend(table(&self.frontiers).render(Some(width)).lines().map(str::to_owned));
        lines
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Counts changes until it is refused for good.
async fn count(mut watch: Watch, changes: Arc<Changes>) {
    while let Ok(seen) = watch.next().await {
        if let Seen::Change(change) = seen {
            let counter = if change.is_online() { &changes.online } else { &changes.offline };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}
