//! Messages without an ack that were lost here: whoever sends them chooses how many, and may not fill the log.

use frontier_protocol::PeerText;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(1);

/// What was lost since it was last said.
#[derive(Debug, Default)]
pub(super) struct Losses {
    told: Option<Instant>,
    suppressed: u64,
}

impl Losses {
    /// One more, of this topic.
    pub(super) fn note(&mut self, topic: &str, now: Instant) {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            self.suppressed += 1;
            return;
        }
        self.told = Some(now);
        let suppressed = std::mem::take(&mut self.suppressed);
        warn!(topic = %PeerText(topic), suppressed, "an unacked message was lost: the receive queue is full");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_tells_of_all_that_were_lost() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        (0..1000).for_each(|_| losses.note("t", start));
        assert_eq!((losses.told, losses.suppressed), (Some(start), 999));
        losses.note("t", start + PAUSE);
        assert_eq!((losses.told, losses.suppressed), (Some(start + PAUSE), 0));
    }
}
