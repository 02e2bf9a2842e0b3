//! Everything that is measured of a broker, as a scrape gets it: docs/metrics.md.

use crate::leading::Place;
use crate::sessions::{Sessions, Totals};
use frontier_admin::{ProcessMetrics, Readiness, Watches, write_lifetimes, write_runtime};
use frontier_metrics::Exposition;
use frontier_redis::StatNames;
use frontier_sessions::Figures;
use frontier_transport::Lifetimes;
use tokio::runtime::Handle;

const REDIS: StatNames = StatNames {
    connected: "broker_redis_connected",
    connects: "broker_redis_connects_total",
    durations: "broker_redis_operation_duration_seconds",
    failures: "broker_redis_operation_failures_total",
};

/// Where the numbers of a broker are.
pub(crate) struct BrokerMetrics {
    pub(crate) readiness: Readiness,
    pub(crate) sessions: Sessions,
    pub(crate) streams: Watches,
    pub(crate) process: ProcessMetrics,
    pub(crate) runtime: Handle,
    pub(crate) lifetimes: Lifetimes,
}

impl BrokerMetrics {
    /// Writes all of them.
    pub(crate) fn write(&self, out: &mut Exposition) {
        out.gauge("broker_build_info", "The version that runs; always 1.")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
        out.gauge("broker_ready", "Whether the broker is connected to a gateway, and takes requests.")
            .sample(&[], self.readiness.is_ready());
        let Totals { open, created, counts, stored, on_disk, hedges_won, hedges_lost } =
            self.sessions.totals();
        out.gauge("broker_sessions", "Sessions that are open.").sample(&[], open);
        out.counter("broker_sessions_created_total", "Sessions that were created.").sample(&[], created);
        out.counter("broker_requests_total", "Requests that were accepted.").sample(&[], counts.received);
        let mut answers =
            out.counter("broker_responses_total", "Requests that were answered, by how: answered or failed.");
        answers.sample(&[("result", "answered")], counts.answered.saturating_sub(counts.failed));
        answers.sample(&[("result", "failed")], counts.failed);
        out.gauge("broker_requests_queued", "Requests that wait for a host.").sample(&[], counts.queued);
        out.gauge("broker_requests_running", "Requests that are at a host.").sample(&[], counts.running);
        let help =
            "Calls that were made at a second host as well, by whether that one was first: won or lost.";
        let mut hedges = out.counter("broker_hedged_calls_total", help);
        hedges.sample(&[("result", "won")], hedges_won);
        hedges.sample(&[("result", "lost")], hedges_lost);
        let help = "Responses that were not fetched.";
        out.gauge("broker_responses_unfetched", help).sample(&[], counts.unfetched);
        let help = "What requests and responses take in memory, in bytes.";
        out.gauge("broker_stored_bytes", help).sample(&[], stored);
        let help = "What requests and responses of durable sessions take on disk, in bytes.";
        out.gauge("broker_disk_bytes", help).sample(&[], on_disk);
        if let Some(redis) = self.sessions.redis() {
            let help = "Whether this broker has the sessions of its store: the others stand by.";
            let leads = self.sessions.leading().place() == Place::Here;
            out.gauge("broker_leads", help).sample(&[], leads);
            redis.stats().write(out, &REDIS);
        }
        let help = "Streams of requests and responses that are open, of `sessions.watchers`.";
        out.gauge("broker_streams", help).sample(&[], self.streams.count());
        let mut all = Figures::default();
        for figures in self.sessions.standing().values() {
            let Figures { hosts, blocked, draining, capacity, .. } = figures;
            all.hosts += hosts;
            all.blocked += blocked;
            all.draining += draining;
            all.capacity += capacity;
        }
        let mut hosts = out.gauge("broker_hosts", "Hosts, by state: ready, blocked or draining.");
        hosts.sample(&[("state", "ready")], all.hosts - all.blocked - all.draining);
        hosts.sample(&[("state", "blocked")], all.blocked);
        hosts.sample(&[("state", "draining")], all.draining);
        let help = "What hosts that are ready do at once.";
        out.gauge("broker_capacity", help).sample(&[], all.capacity);
        write_lifetimes(&self.lifetimes, out);
        self.process.write(out);
        let help = "Lines of the log that nobody took in time, or that could not be written.";
        out.counter("frontier_log_lines_lost_total", help)
            .sample(&[], frontier_daemon::telemetry::lost_lines());
        write_runtime(&self.runtime, out);
    }
}
