//! How much of a QUIC connection may be on its way.
//!
//! QUIC sends what waits on the lane before what streams have, but nothing overtakes what is on its way already. A window
//! that is cut only once packets are lost fills whatever the path holds, which may be minutes at a slow link. So there is
//! a second limit, and the smaller one counts: what the path takes away, for as long as a packet needs there and back
//! without a queue, and a fifth of a second more. Both are measured once a round trip:
//!
//! ```text
//!   a packet goes out ──▶ it, or one behind it, is confirmed: so long did it take, and so much has come meanwhile
//! ```

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, CubicConfig};
use quinn_proto::RttEstimator;
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that may be on their way at first: half a second at 64 kbit/s.
const FIRST: u64 = 4 * 1024;

/// How long packets may queue. One packet takes nearly as long at 64 kbit/s.
const QUEUE: Duration = Duration::from_millis(200);

/// Packets of so many bytes tell how long packets take. Shorter ones leave in less time, which is not that of a queue.
const LONG: u64 = 1000;

/// The path is as fast as in the best of so many round trips.
const ROUNDS: usize = 10;

/// So many round trips in a row that are too long, though the least is on its way, and it is not us who fill the path.
const STUBBORN: u32 = 16;

/// The controller of each connection: Cubic, and no long queue.
#[derive(Debug, Default)]
pub(super) struct ShortQueueConfig {
    cubic: Arc<CubicConfig>,
}

impl ControllerFactory for ShortQueueConfig {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        let cubic = self.cubic.clone().build(now, mtu);
        Box::new(ShortQueue { cubic, path: Path::new(mtu), round: None, delivered: 0 })
    }
}

struct ShortQueue {
    /// What the loss of packets leaves.
    cubic: Box<dyn Controller>,
    path: Path,
    round: Option<Round>,
    /// Bytes that were confirmed.
    delivered: u64,
}

/// A round trip under way.
#[derive(Clone, Copy)]
struct Round {
    began: Instant,
    /// Bytes that had been confirmed before.
    delivered: u64,
}

impl ShortQueue {
    fn is_bound_by_delay(&self) -> bool {
        self.path.limit < self.cubic.window()
    }
}

/// What is known of the path.
#[derive(Clone, Debug)]
struct Path {
    /// Bytes that may be on their way, and the least that it ever is.
    limit: u64,
    least: u64,
    /// Bytes a second in the last round trips, and which of them is next.
    rates: [f64; ROUNDS],
    next: usize,
    /// The shortest time of a packet.
    shortest: Option<Duration>,
    /// Since when packets queue for too long: the limit then, and for how many round trips.
    long: Option<(u64, u32)>,
}

impl Path {
    fn new(mtu: u16) -> Self {
        let least = least(mtu);
        Self { limit: FIRST, least, rates: [0.0; ROUNDS], next: 0, shortest: None, long: None }
    }

    /// A packet took so long, while so many bytes came. With `is_idle` there could have been more.
    fn measured(&mut self, took: Duration, came: u64, is_idle: bool) {
        let shortest = self.shortest.map_or(took, |shortest| shortest.min(took));
        self.shortest = Some(shortest);
        // The packet went out under the limit that holds until now.
        self.look_for_longer(took, shortest);
        let shortest = self.shortest.unwrap_or(took);
        let rate = came as f64 / took.as_secs_f64().max(1e-6);
        if !is_idle || rate > self.rate() {
            self.rates[self.next] = rate;
            self.next = (self.next + 1) % ROUNDS;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
            let limit = (self.rate() * (shortest + QUEUE).as_secs_f64()) as u64;
            self.limit = limit.max(if is_idle { self.limit } else { self.least });
        }
    }

    fn rate(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }

    /// Whether the path has become longer: a quarter of the bytes takes as long, or the least.
    fn look_for_longer(&mut self, took: Duration, shortest: Duration) {
        if took <= shortest + QUEUE {
            self.long = None;
            return;
        }
        let (limit, rounds) = self.long.unwrap_or((self.limit, 0));
        let is_least = self.limit == self.least && rounds >= STUBBORN;
        if self.limit <= limit / 4 || is_least {
            (self.shortest, self.long) = (Some(took), None);
        } else {
            self.long = Some((limit, rounds + 1));
        }
    }
}

/// Room for one packet: it goes only while there is more than it takes.
fn least(mtu: u16) -> u64 {
    u64::from(mtu) + 1
}

impl Controller for ShortQueue {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.cubic.on_sent(now, bytes, last_packet_number);
        if bytes >= LONG {
            self.round.get_or_insert(Round { began: now, delivered: self.delivered });
        }
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        // What the other limit leaves unused tells nothing of Cubic's.
        self.cubic.on_ack(now, sent, bytes, app_limited || self.is_bound_by_delay(), rtt);
        self.delivered += bytes;
        if let Some(round) = self.round.take_if(|round| bytes >= LONG && round.began <= sent) {
            let took = now.saturating_duration_since(sent);
            self.path.measured(took, self.delivered - round.delivered, app_limited);
        }
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest: Option<u64>) {
        self.cubic.on_end_acks(now, in_flight, app_limited, largest);
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost: u64) {
        self.cubic.on_congestion_event(now, sent, is_persistent, lost);
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.cubic.on_mtu_update(mtu);
        self.path.least = least(mtu);
        self.path.limit = self.path.limit.max(self.path.least);
    }

    fn window(&self) -> u64 {
        self.cubic.window().min(self.path.limit)
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.cubic.metrics();
        metrics.congestion_window = self.window();
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        let Self { cubic, path, round, delivered } = self;
        let (path, round, delivered) = (path.clone(), *round, *delivered);
        Box::new(Self { cubic: cubic.clone_box(), path, round, delivered })
    }

    fn initial_window(&self) -> u64 {
        self.cubic.initial_window().min(FIRST)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MTU: u16 = 1200;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Round trips over a path that takes `rate` bytes a second, and `delay` there and back: what may be on its way is.
    fn fill(path: &mut Path, rate: u64, delay: Duration, rounds: usize) -> Duration {
        let mut took = Duration::ZERO;
        // One packet alone, as in a handshake.
        path.measured(delay, MTU.into(), true);
        for _ in 0..rounds {
            let leaves = Duration::from_secs_f64(path.limit as f64 / rate as f64);
            took = leaves.max(delay);
            path.measured(took, path.limit, false);
        }
        took
    }

    #[test]
    fn what_is_on_its_way_grows_to_what_the_path_takes_and_a_short_queue() {
        for (rate, delay) in [(16_000, 100), (125_000, 50), (1_000_000, 20), (100_000_000, 100)] {
            let mut path = Path::new(MTU);
            let took = fill(&mut path, rate, ms(delay), 60);
            assert!(took <= ms(delay) + QUEUE + ms(10) && took >= ms(delay), "{took:?}: {path:?}");
            assert!(path.limit as f64 >= rate as f64 * ms(delay).as_secs_f64(), "{path:?}");
        }
    }

    #[test]
    fn who_has_little_to_send_is_not_limited_by_that() {
        let mut path = Path::new(MTU);
        fill(&mut path, 1_000_000, ms(20), 30);
        let limit = path.limit;
        (0..100).for_each(|_| path.measured(ms(20), 1300, true));
        assert_eq!(path.limit, limit);
    }

    #[test]
    fn a_path_that_has_become_slower_or_longer_is_found_out() {
        let mut path = Path::new(MTU);
        fill(&mut path, 1_000_000, ms(20), 30);
        let took = fill(&mut path, 20_000, ms(20), 40);
        assert!(took <= ms(20) + QUEUE + ms(10), "{took:?}");
        let mut path = Path::new(MTU);
        fill(&mut path, 1_000_000, ms(20), 30);
        fill(&mut path, 1_000_000, ms(900), 100);
        assert!(path.limit > 500_000, "{path:?}");
    }

    #[test]
    fn one_packet_may_always_go() {
        let mut path = Path::new(MTU);
        fill(&mut path, 100, ms(20), 30);
        assert!((least(MTU)..2 * least(MTU)).contains(&path.limit), "{path:?}");
    }
}
