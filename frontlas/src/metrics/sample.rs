//! Numbers of the directory, read now and then: a scrape waits for no store.

use crate::Directory;
use frontier_metrics::Exposition;
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often they are read, and how long that may take.
const INTERVAL: Duration = Duration::from_secs(5);

/// What the directory had when it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Sample(Mutex<Option<Numbers>>);

#[derive(Clone, Copy, Debug)]
struct Numbers {
    frontiers: usize,
    draining: usize,
    edges: u64,
    services: u64,
    at: Instant,
}

impl Sample {
    /// Reads again and again, without end.
    pub(crate) async fn run(&self, directory: &dyn Directory) {
        let mut tick = interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            // The probe of the control plane warns when the directory does not answer.
            let Ok(Ok(frontiers)) = timeout(INTERVAL, directory.frontiers()).await else { continue };
            let numbers = Numbers {
                frontiers: frontiers.len(),
                draining: frontiers.iter().filter(|frontier| frontier.draining).count(),
                edges: frontiers.iter().map(|frontier| frontier.edge_count).sum(),
                services: frontiers.iter().map(|frontier| frontier.service_count).sum(),
                at: Instant::now(),
            };
            *self.0.lock() = Some(numbers);
        }
    }

    /// Writes them, if any were ever read.
    pub(crate) fn write(&self, out: &mut Exposition) {
        let Some(Numbers { frontiers, draining, edges, services, at }) = *self.0.lock() else { return };
        out.gauge("frontlas_frontiers", "Gateways of the cluster.").sample(&[], frontiers);
        let help = "Gateways of the cluster that are stopping.";
        out.gauge("frontlas_frontiers_draining", help).sample(&[], draining);
        out.gauge("frontlas_edges", "Edges of the cluster.").sample(&[], edges);
        out.gauge("frontlas_services", "Services of the cluster.").sample(&[], services);
        let help = "How old these numbers of the cluster are; they are read each 5 s.";
        out.gauge("frontlas_sample_age_seconds", help).sample(&[], at.elapsed().as_secs_f64());
    }
}
