//! When to ping, and when a peer that is silent counts as lost.

use std::time::{Duration, Instant};

/// How many intervals without any byte from the peer end a connection.
const MAX_SILENT_INTERVALS: u32 = 3;

/// What a [`Heartbeat`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing until then.
    Wait(Instant),
    /// Send a ping now.
    Ping,
    /// The peer is gone: it has been silent for three intervals.
    Dead,
}

/// Liveness of the peer as the dialler sees it. Time is an argument.
///
/// A ping is due once per interval whatever else travels: it is the gateway's proof that the dialler
/// lives, and a dialler that only receives would give no other. The answer, or any other byte from
/// the peer, is the dialler's proof.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    interval: Duration,
    heard: Instant,
    next_ping: Instant,
}

impl Heartbeat {
    /// A peer that was heard from at `now` and is asked once per `interval`.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, heard: now, next_ping: now + interval }
    }

    /// A sign of life came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    /// What is due at `now`. After [`Beat::Ping`] the ping counts as sent.
    pub fn poll(&mut self, now: Instant) -> Beat {
        let dead_at = self.heard + Self::limit(self.interval);
        if now >= dead_at {
            return Beat::Dead;
        }
        if now >= self.next_ping {
            self.next_ping = now + self.interval;
            return Beat::Ping;
        }
        Beat::Wait(self.next_ping.min(dead_at))
    }

    /// The silence after which either side gives up on the other.
    #[must_use]
    pub fn limit(interval: Duration) -> Duration {
        interval * MAX_SILENT_INTERVALS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[expect(clippy::disallowed_methods, reason = "the one instant from which the synthetic ones count")]
    fn start() -> Instant {
        Instant::now()
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_peer_is_asked_once_per_interval_and_then_given_up() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        for (at, beat) in [
            (0, Beat::Wait(t + secs(10))),
            (9, Beat::Wait(t + secs(10))),
            (10, Beat::Ping),
            (10, Beat::Wait(t + secs(20))),
            (21, Beat::Ping),
            (22, Beat::Wait(t + secs(30))),
            (29, Beat::Wait(t + secs(30))),
            (30, Beat::Dead),
            (31, Beat::Dead),
        ] {
            assert_eq!(heartbeat.poll(t + secs(at)), beat, "at {at} s");
        }
    }

    #[test]
    fn a_peer_that_is_heard_is_still_pinged_as_proof_of_our_own_life() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        let mut pings = 0;
        for at in 1..=100 {
            heartbeat.heard(t + secs(at));
            match heartbeat.poll(t + secs(at)) {
                Beat::Ping => pings += 1,
                Beat::Wait(until) => assert!(until > t + secs(at), "a wait that is already over"),
                Beat::Dead => panic!("heard just now, at {at} s"),
            }
        }
        assert_eq!(pings, 10);
    }

    #[test]
    fn an_answer_gives_the_peer_three_more_intervals() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        assert_eq!(heartbeat.poll(t + secs(29)), Beat::Ping);
        heartbeat.heard(t + secs(29));
        assert_eq!(heartbeat.poll(t + secs(58)), Beat::Ping);
        assert_eq!(heartbeat.poll(t + secs(58)), Beat::Wait(t + secs(59)));
        assert_eq!(heartbeat.poll(t + secs(59)), Beat::Dead);
    }

    #[test]
    fn a_jump_of_the_clock_makes_one_ping_or_the_end_but_never_a_burst() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        let jump = t + secs(25);
        assert_eq!(heartbeat.poll(jump), Beat::Ping);
        assert_eq!(heartbeat.poll(jump), Beat::Wait(t + secs(30)), "the missed pings are not made up for");

        let far = t + secs(1_000_000);
        assert_eq!(heartbeat.poll(far), Beat::Dead);
        heartbeat.heard(far);
        assert_eq!(heartbeat.poll(far), Beat::Ping, "whoever reads before it asks is not misled");
        assert_eq!(heartbeat.poll(far), Beat::Wait(far + INTERVAL));
    }

    #[test]
    fn a_sign_of_life_that_is_told_late_takes_nothing_back() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        heartbeat.heard(t + secs(20));
        heartbeat.heard(t + secs(5));
        assert_eq!(heartbeat.poll(t + secs(49)), Beat::Ping);
        assert_eq!(heartbeat.poll(t + secs(50)), Beat::Dead);
        assert_eq!(Heartbeat::limit(INTERVAL), secs(30));
    }

    #[test]
    fn the_longest_interval_of_the_wire_does_not_overflow() {
        let t = start();
        let longest = Duration::from_millis(u64::from(u32::MAX));
        assert_eq!(Heartbeat::new(longest, t).poll(t), Beat::Wait(t + longest));
    }
}
