//! What is measured of the bridge.

use frontier_bridge::{ChannelCounts, Handle, Transport};
use frontier_metrics::Exposition;

pub(super) fn write(bridge: &Handle, out: &mut Exposition) {
    let counts = bridge.counts();
    let mut family = out
        .gauge("frontier_bridge_subscribers", "Who is subscribed, by topic or flat path and by transport.");
    for (topic, counts) in &counts {
        for transport in Transport::ALL {
            let labels = [("topic", *topic), ("transport", transport.as_str())];
            family.sample(&labels, counts.subscribers[transport as usize]);
        }
    }
    let mut each = |name, help: &str, count: fn(&ChannelCounts) -> u64| {
        let mut family = out.counter(name, help);
        for (topic, counts) in &counts {
            family.sample(&[("topic", *topic)], count(counts));
        }
    };
    let help = "Messages that the bridge has taken.";
    each("frontier_bridge_messages_total", help, |counts| counts.messages);
    let help = "Messages that were given to subscribers, each counted for each of them.";
    each("frontier_bridge_sent_total", help, |counts| counts.sent);
    let help =
        "Messages that subscribers were too slow for, or away too long, each counted for each of them.";
    each("frontier_bridge_lost_total", help, |counts| counts.lost);
    let help = "Keys whose last value was forgotten for want of room.";
    each("frontier_bridge_forgotten_total", help, |counts| counts.forgotten);
    let help = "Messages that are no text, which a flat path does not show.";
    each("frontier_bridge_unreadable_total", help, |counts| counts.unreadable);
    let mut family =
        out.counter("frontier_bridge_refusals_total", "Who was turned away from the bridge, by why.");
    for (reason, count) in bridge.refusals() {
        family.sample(&[("reason", reason)], count);
    }
    let help =
        "Messages that the bridge keeps, all topics together: the last ones, and the last of each key.";
    let mut family = out.gauge("frontier_bridge_kept_bytes", help);
    for (what, size) in ["history", "last_values"].into_iter().zip(bridge.kept()) {
        family.sample(&[("what", what)], size);
    }
}
