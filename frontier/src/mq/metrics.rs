//! What is measured of sinks and sources, as a scrape gets it: docs/metrics.md.

use frontier_metrics::{Exposition, Family};
use frontier_mq::{Cause, Sink, SinkMetrics, Source, SourceCount};
use std::sync::Arc;

/// Writes the metrics of all sinks; nothing without any.
pub(crate) fn write_metrics(sinks: &[Arc<Sink>], out: &mut Exposition) {
    if sinks.is_empty() {
        return;
    }
    let statuses: Vec<_> = sinks.iter().map(|sink| (sink.name(), sink.status())).collect();
    let mut family = out.gauge("frontier_mq_connected", "Whether the broker of a sink is connected.");
    for (name, status) in &statuses {
        family.sample(&[("sink", name)], status.away.is_none());
    }
    let help = "Whether the broker of a sink is connected and takes nothing, for an alarm of its own.";
    let mut family = out.gauge("frontier_mq_blocked", help);
    for (name, status) in &statuses {
        family.sample(&[("sink", name)], status.blocked.is_some());
    }
    let mut family = out.gauge("frontier_mq_waiting", "Messages for a broker that have not left yet.");
    for (name, status) in &statuses {
        family.sample(&[("sink", name)], status.waiting);
    }
    let help = "Messages that have left for a broker, and are not confirmed yet.";
    let mut family = out.gauge("frontier_mq_in_flight", help);
    for (name, status) in &statuses {
        family.sample(&[("sink", name)], status.in_flight);
    }
    let help = "What a sink holds of messages, as it is counted against mq.max_inflight_size.";
    let mut family = out.gauge("frontier_mq_held_bytes", help);
    for (name, status) in &statuses {
        family.sample(&[("sink", name)], status.bytes);
    }
    let help = "Messages that a sink has taken.";
    each(out.counter("frontier_mq_taken_total", help), sinks, SinkMetrics::taken);
    let help = "Messages that a broker has confirmed.";
    each(out.counter("frontier_mq_confirmed_total", help), sinks, SinkMetrics::confirmed);
    let help = "Messages that were not confirmed, or not taken, by why.";
    let mut family = out.counter("frontier_mq_failed_total", help);
    for sink in sinks {
        for cause in Cause::ALL {
            family.sample(&[("sink", sink.name()), ("cause", cause.label())], sink.metrics().failed(cause));
        }
    }
    let help =
        "Messages that were sent once more, because the connection was lost before they were confirmed.";
    each(out.counter("frontier_mq_repeated_total", help), sinks, SinkMetrics::repeated);
    let help = "Confirmed messages that the broker had already, and has recognized.";
    each(out.counter("frontier_mq_duplicates_total", help), sinks, SinkMetrics::duplicates);
    let help = "Connections to a broker that were made.";
    each(out.counter("frontier_mq_connects_total", help), sinks, SinkMetrics::connects);
    let help = "Connections to a broker that were lost.";
    each(out.counter("frontier_mq_disconnects_total", help), sinks, SinkMetrics::losses);
    let help = "Time from taking a message to the broker's confirm.";
    let mut family = out.histogram("frontier_mq_confirm_duration_seconds", help);
    for sink in sinks {
        family.distribution(&[("sink", sink.name())], &sink.metrics().latency());
    }
}

fn each(mut family: Family<'_>, sinks: &[Arc<Sink>], count: impl Fn(&SinkMetrics) -> u64) {
    for sink in sinks {
        family.sample(&[("sink", sink.name())], count(sink.metrics()));
    }
}

/// The counters of sources, each with its name and what it says.
const SOURCE_COUNTS: [(SourceCount, &str, &str); 10] = [
    (SourceCount::Received, "frontier_mq_source_received_total", "Messages that came from a broker."),
    (
        SourceCount::Redelivered,
        "frontier_mq_source_redelivered_total",
        "Messages that came from a broker, and that it had given out before.",
    ),
    (
        SourceCount::Delivered,
        "frontier_mq_source_delivered_total",
        "Messages of a broker that their receiver has acked.",
    ),
    (
        SourceCount::Absent,
        "frontier_mq_source_absent_total",
        "Attempts to deliver a message for which no receiver was there, or none had room.",
    ),
    (
        SourceCount::Failed,
        "frontier_mq_source_failed_total",
        "Attempts to deliver a message that failed at its receiver, or were not answered in time.",
    ),
    (
        SourceCount::DeadLettered,
        "frontier_mq_source_dead_lettered_total",
        "Messages that were given up, and went to the dead letters.",
    ),
    (
        SourceCount::Dropped,
        "frontier_mq_source_dropped_total",
        "Messages that were given up and dropped, since there is no place for dead letters.",
    ),
    (
        SourceCount::Gone,
        "frontier_mq_source_gone_total",
        "Messages that were not acked, and that the broker does not have any more.",
    ),
    (SourceCount::Connects, "frontier_mq_source_connects_total", "Connections of a source that were made."),
    (SourceCount::Losses, "frontier_mq_source_disconnects_total", "Connections of a source that were lost."),
];

/// Writes the metrics of all sources; nothing without any.
pub(crate) fn write_source_metrics(sources: &[Arc<Source>], out: &mut Exposition) {
    if sources.is_empty() {
        return;
    }
    let statuses: Vec<_> = sources.iter().map(|source| (source.name(), source.status())).collect();
    let mut family =
        out.gauge("frontier_mq_source_connected", "Whether the broker of a source is connected.");
    for (name, status) in &statuses {
        family.sample(&[("source", name)], status.away.is_none());
    }
    let mut family = out.gauge("frontier_mq_source_held", "Messages that a source holds.");
    for (name, status) in &statuses {
        family.sample(&[("source", name)], status.held);
    }
    let help = "What a source holds of messages, as it is counted against its max_inflight_size and max_waiting_size.";
    let mut family = out.gauge("frontier_mq_source_held_bytes", help);
    for (name, status) in &statuses {
        family.sample(&[("source", name)], status.bytes);
    }
    let help = "Messages that a source holds and that wait, as it is counted against its max_waiting.";
    let mut family = out.gauge("frontier_mq_source_waiting", help);
    for (name, status) in &statuses {
        family.sample(&[("source", name)], status.waiting);
    }
    let help = "Messages that are at a broker for a source; NaN where the broker has not said.";
    let mut family = out.gauge("frontier_mq_source_backlog", help);
    for (name, status) in &statuses {
        match status.backlog {
            Some(backlog) => family.sample(&[("source", name)], backlog),
            None => family.sample(&[("source", name)], f64::NAN),
        }
    }
    for (count, name, help) in SOURCE_COUNTS {
        let mut family = out.counter(name, help);
        for source in sources {
            family.sample(&[("source", source.name())], source.metrics().count(count));
        }
    }
    let help = "Time from reading a message of a broker to its receiver's ack.";
    let mut family = out.histogram("frontier_mq_source_delivery_duration_seconds", help);
    for source in sources {
        family.distribution(&[("source", source.name())], &source.metrics().latency());
    }
}
