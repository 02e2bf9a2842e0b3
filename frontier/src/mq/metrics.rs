//! What is measured of sinks, as a scrape gets it: docs/metrics.md.

use frontier_metrics::{Exposition, Family};
use frontier_mq::{Cause, Sink, SinkMetrics};
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
