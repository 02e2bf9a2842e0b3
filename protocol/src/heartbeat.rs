//! When to ping, and when a peer that is silent counts as lost.

use std::time::{Duration, Instant};

/// How many intervals without any byte from the peer end a connection.
const MAX_SILENT_INTERVALS: u32 = 3;

/// A poll that comes later than it was due by this much, and by a quarter of the interval, tells that the process was
/// paused: what it knows of the peer is from before.
const MIN_LATENESS: Duration = Duration::from_secs(1);

/// The least and the longest time that a peer has to answer after such a pause; else it has the interval.
const ANSWER_TIME: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// What a [`Heartbeat`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing until then.
    Wait(Instant),
    /// Send a ping now.
    Ping,
    /// The peer is gone: it has been silent for three intervals, or has not answered after a pause of our own.
    Dead,
}

/// Liveness of the peer as the dialler sees it. Time is an argument.
///
/// A ping is due once per interval whatever else travels: it is the gateway's proof that the dialler
/// lives, and a dialler that only receives would give no other. The answer, or any other byte from
/// the peer, is the dialler's proof.
///
/// Whoever polls far too late, as after a pause of the process, is to ask at once: the connection may have ended
/// meanwhile, or the path. Then it takes a byte from after the question to show that the peer lives, within one
/// interval and 10 seconds.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    interval: Duration,
    heard: Instant,
    next_ping: Instant,
    /// When the peer was asked after a pause, and until when it may answer.
    asked: Option<(Instant, Instant)>,
}

impl Heartbeat {
    /// A peer that was heard from at `now` and is asked once per `interval`.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, heard: now, next_ping: now + interval, asked: None }
    }

    /// A sign of life came `at` that time, whenever this is told.
    pub fn heard(&mut self, at: Instant) {
        self.heard = self.heard.max(at);
        self.asked = self.asked.filter(|(asked, _)| at <= *asked);
    }

    /// What is due at `now`. After [`Beat::Ping`] the ping counts as sent. It is to be called again when
    /// [`Beat::Wait`] says; more often does no harm.
    pub fn poll(&mut self, now: Instant) -> Beat {
        let dead_at = self.asked.map_or(self.heard + Self::limit(self.interval), |(_, until)| until);
        let due = self.next_ping.min(dead_at);
        if now >= due + MIN_LATENESS.max(self.interval / 4) {
            self.asked = Some((now, now + self.interval.clamp(ANSWER_TIME.0, ANSWER_TIME.1)));
            self.next_ping = now + self.interval;
            return Beat::Ping;
        }
        if now >= dead_at {
            return Beat::Dead;
        }
        if now >= self.next_ping {
            self.next_ping = now + self.interval;
            return Beat::Ping;
        }
        Beat::Wait(due)
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
        for at in [10, 20] {
            assert_eq!(heartbeat.poll(t + secs(at)), Beat::Ping);
        }
        heartbeat.heard(t + secs(29));
        for at in [30, 40, 50] {
            assert_eq!(heartbeat.poll(t + secs(at)), Beat::Ping);
        }
        assert_eq!(heartbeat.poll(t + secs(58)), Beat::Wait(t + secs(59)));
        assert_eq!(heartbeat.poll(t + secs(59)), Beat::Dead);
    }

    #[test]
    fn silence_counts_from_when_the_last_byte_came_and_not_from_when_that_is_told() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        assert_eq!(heartbeat.poll(t + secs(10)), Beat::Ping);
        // It came at 11 s, and is told with the next beat.
        heartbeat.heard(t + secs(11));
        for at in [20, 30, 40] {
            assert_eq!(heartbeat.poll(t + secs(at)), Beat::Ping);
        }
        assert_eq!(heartbeat.poll(t + secs(40)), Beat::Wait(t + secs(41)));
        assert_eq!(heartbeat.poll(t + secs(41)), Beat::Dead);
    }

    #[test]
    fn whoever_was_paused_asks_at_once_and_waits_for_one_answer() {
        let t = start();
        for paused in [13, 29, 60, 1_000_000] {
            let mut heartbeat = Heartbeat::new(INTERVAL, t);
            let woken = t + secs(paused);
            // What lay in the socket is read first, and is no answer.
            heartbeat.heard(woken);
            assert_eq!(heartbeat.poll(woken), Beat::Ping, "after {paused} s");
            assert_eq!(
                heartbeat.poll(woken),
                Beat::Wait(woken + secs(10)),
                "what was missed is not made up for"
            );
            let mut answered = heartbeat;
            assert_eq!(heartbeat.poll(woken + secs(10)), Beat::Dead, "after {paused} s");
            answered.heard(woken + secs(1));
            assert_eq!(answered.poll(woken + secs(10)), Beat::Ping);
            assert_eq!(answered.poll(woken + secs(10)), Beat::Wait(woken + secs(20)));
        }
    }

    #[test]
    fn a_pause_is_longer_than_what_a_busy_machine_is_late_by() {
        let t = start();
        let millis = Duration::from_millis;
        for (interval, late) in [(100, 999), (500, 999), (4_000, 999), (20_000, 4_999)] {
            let mut heartbeat = Heartbeat::new(millis(interval), t);
            assert_eq!(heartbeat.poll(t + millis(interval)), Beat::Ping);
            let second = t + millis(2 * interval + late);
            heartbeat.heard(second);
            assert_eq!(heartbeat.poll(second), Beat::Ping, "{interval}");
            let next = second + millis(interval);
            assert_eq!(heartbeat.poll(next), Beat::Ping, "nothing else than ever is asked, at {interval}");
            assert_eq!(heartbeat.poll(next), Beat::Wait(next + millis(interval)));
        }
    }

    #[test]
    fn a_sign_of_life_that_is_told_late_takes_nothing_back() {
        let t = start();
        let mut heartbeat = Heartbeat::new(INTERVAL, t);
        heartbeat.heard(t + secs(20));
        heartbeat.heard(t + secs(5));
        for at in [10, 20, 30, 40] {
            assert_eq!(heartbeat.poll(t + secs(at)), Beat::Ping);
        }
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
