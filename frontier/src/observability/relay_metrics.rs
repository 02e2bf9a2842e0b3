//! What is measured of the relay.

use frontier_metrics::Exposition;
use frontier_relay::Handle;

pub(super) fn write(relay: &Handle, out: &mut Exposition) {
    let help = "Messages that were given to the relay, by how they came and what their senders were told.";
    let mut family = out.counter("frontier_relay_answers_total", help);
    for (via, answer, count) in relay.answers() {
        family.sample(&[("via", via), ("answer", answer)], count);
    }
    let help = "Callers of the relay that wait for a broker.";
    out.gauge("frontier_relay_waiting", help).sample(&[], relay.waiting());
    let help = "Attempts of the relay to send a message to a broker.";
    out.counter("frontier_relay_attempts_total", help).sample(&[], relay.attempts());
    let help = "Messages whose key the relay knew, and which it did not send again.";
    out.counter("frontier_relay_repeats_total", help).sample(&[], relay.repeats());
    let help =
        "Requests to the relay that were turned away for their credentials, or the host that they were for.";
    out.counter("frontier_relay_turned_away_total", help).sample(&[], relay.turned_away());
    let help = "Time from a message at the relay to what its sender is told.";
    out.histogram("frontier_relay_duration_seconds", help).distribution(&[], &relay.duration());
}
