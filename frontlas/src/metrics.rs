//! Everything that is measured of a frontlas, as a scrape gets it: docs/metrics.md.

mod sample;

pub(crate) use sample::Sample;

use crate::RedisDirectory;
use crate::api::{Load, LoadNow};
use crate::plane::FrontierCount;
use frontier_admin::{ProcessMetrics, Readiness, write_lifetimes, write_runtime};
use frontier_metrics::Exposition;
use frontier_transport::Lifetimes;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where the numbers of a frontlas are.
pub(crate) struct NodeMetrics {
    pub(crate) readiness: Readiness,
    /// Of the directory, as it was found last.
    pub(crate) sample: Arc<Sample>,
    /// What the control plane is at.
    pub(crate) load: Load,
    pub(crate) frontiers: FrontierCount,
    pub(crate) redis: Option<Arc<RedisDirectory>>,
    pub(crate) process: ProcessMetrics,
    pub(crate) runtime: Handle,
    /// Of certificates and revocation lists.
    pub(crate) lifetimes: Lifetimes,
}

impl NodeMetrics {
    /// Writes all of them.
    pub(crate) fn write(&self, out: &mut Exposition) {
        out.gauge("frontlas_build_info", "The version that runs; always 1.")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
        let help = "Whether the directory takes writes and answers lookups.";
        out.gauge("frontlas_ready", help).sample(&[], self.readiness.is_ready());
        self.sample.write(out);
        let help = "Gateways that are connected to this frontlas.";
        out.gauge("frontlas_frontier_connections", help).sample(&[], self.frontiers.now());
        let LoadNow { watches, lists, reads } = self.load.now();
        out.gauge("frontlas_watches", "Watches that are open.").sample(&[], watches);
        out.gauge("frontlas_lists", "Lists that are being read.").sample(&[], lists);
        let help = "Pages of the directory that are being read, for lists and watches.";
        out.gauge("frontlas_page_reads", help).sample(&[], reads);
        if let Some(redis) = &self.redis {
            redis.write_stats(out);
        }
        write_lifetimes(&self.lifetimes, out);
        self.process.write(out);
        let help = "Lines of the log that nobody took in time, or that could not be written.";
        out.counter("frontier_log_lines_lost_total", help)
            .sample(&[], frontier_daemon::telemetry::lost_lines());
        write_runtime(&self.runtime, out);
    }
}
