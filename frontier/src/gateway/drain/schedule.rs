//! What has to be over when, so that all of it fits into the grace.
//!
//! ```text
//!   signal                                                          goodbyes              end
//!     ├── services go first ──┬── edges are sent away ──┬── the late ──┼── edge_offline,     │
//!     │   a tenth, 1 s at most    the spread               what is         frontlas is told  │
//!     │                                                    in flight                         │
//!     └──────────────────────────────────────── the grace ───────────────────────────────────┘
//! ```
//!
//! Whoever kills a process that has not ended in time (Docker after 10 s, Kubernetes after 30 s, systemd after 90 s) looks
//! at nothing but the end. So the grace is all there is: nothing comes behind it.

use std::time::Duration;
use tokio::time::Instant;

/// How long the services may take to be somewhere else before the first edge goes, at most.
const SERVICE_LEAD: Duration = Duration::from_secs(1);

/// What the goodbyes get of the grace: a fifth, within these bounds. The lower one holds without any grace, too.
const MIN_GOODBYES: Duration = Duration::from_millis(500);
const MAX_GOODBYES: Duration = Duration::from_secs(10);

/// The times of one drain.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Schedule {
    grace: Duration,
    spread: Duration,
    /// When what is in flight is cut off, and those who are left are closed.
    deadline: Instant,
    /// When the process should have ended.
    end: Instant,
}

impl Schedule {
    /// For a drain that begins at `start`, with what is configured.
    pub(super) fn new(start: Instant, grace: Duration, spread: Duration) -> Self {
        let goodbyes = (grace / 5).clamp(MIN_GOODBYES, MAX_GOODBYES);
        let deadline = start + grace.saturating_sub(goodbyes);
        Self { grace, spread, deadline, end: deadline + goodbyes }
    }

    pub(super) fn deadline(self) -> Instant {
        self.deadline
    }

    pub(super) fn end(self) -> Instant {
        self.end
    }

    /// When edges go even if services have not found another gateway.
    pub(super) fn services_lead(self, now: Instant) -> Instant {
        self.deadline.min(now + SERVICE_LEAD.min(self.grace / 10).min(self.spread))
    }

    /// Over how long edges are sent away, from `now` on: the last ones need time as well.
    pub(super) fn spread(self, now: Instant) -> Duration {
        self.spread.min(self.deadline.saturating_duration_since(now) * 3 / 4)
    }

    /// How long something of the goodbyes may take that would like `most`: it leaves as much for what comes behind it.
    pub(in crate::gateway) fn share(self, now: Instant, most: Duration) -> Duration {
        most.min(self.end.saturating_duration_since(now) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::departures::Departures;
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// When the last of so many edges goes, and when all is over, from the signal on.
    fn drained(edges: usize, grace: Duration, spread: Duration) -> (Duration, Duration) {
        let start = Instant::now();
        let schedule = Schedule::new(start, grace, spread);
        let first = schedule.services_lead(start);
        let last = first + Departures::new(edges, schedule.spread(first)).over();
        assert!(last <= schedule.deadline() && schedule.deadline() <= schedule.end());
        (last - start, schedule.end() - start)
    }

    #[test]
    fn many_edges_are_on_their_way_before_half_of_any_grace_is_over() {
        // What Docker and Kubernetes give unless told otherwise, with the spread of the default: half.
        for (edges, grace) in [(2_000, 10), (100_000, 10), (2_000, 30), (1_000_000, 30), (1_000_000, 3600)] {
            let (last, end) = drained(edges, secs(grace), secs(grace) / 2);
            assert!(last <= secs(grace) * 6 / 10, "{edges} edges in {grace} s: the last goes after {last:?}");
            assert_eq!(end, secs(grace));
        }
    }

    #[test]
    fn with_the_defaults_some_thousand_edges_are_gone_before_docker_kills() {
        let (last, _) = drained(2_000, secs(25), secs(25) / 2);
        assert!(last <= secs(5), "{last:?}");
    }

    #[test]
    fn a_spread_as_long_as_the_grace_leaves_time_for_the_last_edges() {
        let (last, end) = drained(1_000_000, secs(30), secs(30));
        assert!(last < secs(20), "{last:?}");
        assert_eq!(end, secs(30));
    }

    #[test]
    fn without_a_grace_there_is_time_for_a_goodbye_and_no_more() {
        assert_eq!(drained(1_000, Duration::ZERO, Duration::ZERO), (Duration::ZERO, MIN_GOODBYES));
        let start = Instant::now();
        let schedule = Schedule::new(start, Duration::ZERO, Duration::ZERO);
        assert_eq!(schedule.share(start, secs(7)), MIN_GOODBYES / 2);
        assert_eq!(schedule.share(start + secs(9), secs(7)), Duration::ZERO);
    }
}
