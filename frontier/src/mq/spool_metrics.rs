//! What is measured of the spools of sinks, as a scrape gets it: docs/metrics.md.

use frontier_metrics::Exposition;
use frontier_mq::{Sink, SpoolCount};
use std::sync::Arc;

/// The counters of spools, each with its name and what it says.
const COUNTS: [(SpoolCount, &str, &str); 6] = [
    (
        SpoolCount::Spooled,
        "frontier_mq_spool_written_total",
        "Messages that went to the spool, since the broker could not take them at once.",
    ),
    (
        SpoolCount::Drained,
        "frontier_mq_spool_drained_total",
        "Messages of the spool that the broker has confirmed.",
    ),
    (
        SpoolCount::Dropped,
        "frontier_mq_spool_dropped_total",
        "The oldest messages of the spool, which were dropped because it was full.",
    ),
    (
        SpoolCount::Refused,
        "frontier_mq_spool_refused_total",
        "Messages that the spool did not take, being full or failing to be written.",
    ),
    (
        SpoolCount::DeadLettered,
        "frontier_mq_spool_dead_lettered_total",
        "Messages of the spool that the broker has refused for good, and that went to the dead letters.",
    ),
    (
        SpoolCount::Damaged,
        "frontier_mq_spool_damaged_total",
        "Messages of the spool that could not be read again.",
    ),
];

/// Writes the metrics of all spools; nothing without any.
pub(crate) fn write_spool_metrics(sinks: &[Arc<Sink>], out: &mut Exposition) {
    let spools: Vec<_> =
        sinks.iter().filter_map(|sink| sink.spool_status().map(|status| (sink, status))).collect();
    if spools.is_empty() {
        return;
    }
    let mut family = out.gauge("frontier_mq_spool_messages", "Messages that the spool of a sink holds.");
    for (sink, status) in &spools {
        family.sample(&[("sink", sink.name())], status.messages);
    }
    let mut family = out.gauge("frontier_mq_spool_bytes", "What the files of a spool have in bytes.");
    for (sink, status) in &spools {
        family.sample(&[("sink", sink.name())], status.bytes);
    }
    let help = "How long the oldest message of a spool has been there; 0 without any.";
    let mut family = out.gauge("frontier_mq_spool_oldest_seconds", help);
    for (sink, status) in &spools {
        family.sample(&[("sink", sink.name())], status.oldest.unwrap_or_default().as_secs());
    }
    for (count, name, help) in COUNTS {
        let mut family = out.counter(name, help);
        for (sink, _) in &spools {
            family.sample(&[("sink", sink.name())], sink.spool_count(count));
        }
    }
}
