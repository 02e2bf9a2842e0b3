//! How long a silence lasts, in synthetic time.

use super::*;
use crate::Identity;
use crate::testing::{self, Recorder};
use frontier_protocol::Heartbeat;

/// An exchange that is swept and watched on time, by a clock that is counted here.
struct World {
    exchange: Arc<Exchange>,
    start: Instant,
    sweep_at: u64,
    watch_at: u64,
}

impl World {
    /// One whose clock stands there.
    fn new(clock: u64) -> Self {
        Self { exchange: testing::exchange(), start: Instant::now(), sweep_at: clock, watch_at: clock }
    }

    fn peer(&self, interval: u64, clock: u64) -> (Arc<Peer>, Recorder) {
        let outlet = Recorder::default();
        let identity = Identity::OriginGateway { id: "g".into() };
        let limit = Heartbeat::limit(Duration::from_millis(interval));
        let peer = Peer::new(identity, self.exchange.next_epoch(), None, Box::new(outlet.clone()), limit);
        let peer = Arc::new(peer);
        self.exchange.registry().gateways.add(&peer);
        self.exchange.expect_life_at(&peer, clock);
        (peer, outlet)
    }

    fn next(&self) -> u64 {
        self.sweep_at.min(self.watch_at)
    }

    /// Runs what is next, `late` by so much, and says when that was.
    async fn step(&mut self, late: u64) -> u64 {
        let clock = self.next() + late;
        let now = self.start + Duration::from_millis(clock);
        if self.watch_at <= clock {
            let pause = self.exchange.watch_at(now, clock).await;
            self.watch_at = clock + u64::try_from(pause.as_millis()).unwrap().max(1);
        }
        if self.sweep_at <= clock {
            self.exchange.sweep_at(now, clock).await;
            self.sweep_at = clock + 1_000;
        }
        clock
    }
}

#[tokio::test]
async fn a_silence_ends_after_three_intervals_within_a_tenth_or_a_second_whatever_the_interval_is() {
    // The second time the lower half of the clock wraps meanwhile.
    for begin in [0, u64::from(u32::MAX) - 1_000] {
        for interval in [100, 333, 500, 1_000, 2_499, 2_500, 5_000, 20_000] {
            for phase in [0, 7, 130, 249, 999] {
                let mut world = World::new(begin);
                let mut heard = begin + phase;
                let (peer, outlet) = world.peer(interval, heard);
                let last = heard + 4 * interval;
                let ended = loop {
                    while heard < last && heard + interval <= world.next() {
                        heard += interval;
                        peer.hear(heard);
                    }
                    let clock = world.step(0).await;
                    if outlet.close_reason().is_some() {
                        break clock;
                    }
                };
                assert_eq!((outlet.close_reason(), heard), (Some(CloseReason::Silent), last));
                let silence = ended - heard;
                let limit = 3 * interval;
                let late = if interval < 2_500 { interval / 10 } else { 1_000 };
                assert!(silence > limit && silence <= limit + late, "{silence} ms at {interval}");
            }
        }
    }
}

#[tokio::test]
async fn a_watch_that_was_late_calls_nobody_silent_until_it_has_caught_up() {
    let mut world = World::new(0);
    let (peer, outlet) = world.peer(100, 0);
    while world.next() < 300 {
        world.step(0).await;
    }
    let clock = world.step(700).await;
    assert_eq!(outlet.close_reason(), None, "what has come may not have been read");
    peer.hear(clock + 1);
    while world.next() < clock + 300 {
        world.step(0).await;
        assert_eq!(outlet.close_reason(), None);
    }
    while outlet.close_reason().is_none() {
        assert!(world.next() <= clock + 1_100);
        world.step(0).await;
    }
}

#[tokio::test]
async fn who_has_gone_is_forgotten_when_its_turn_comes_and_who_has_no_limit_has_none() {
    let mut world = World::new(0);
    let (peer, _) = world.peer(100, 0);
    world.exchange.registry().gateways.remove(&peer);
    drop(peer);
    assert_eq!(world.exchange.watch.lock().due.len(), 1);
    while world.next() <= 400 {
        world.step(0).await;
    }
    assert_eq!(world.exchange.watch.lock().due.len(), 0);
    let endless = Liveness::new(Duration::MAX);
    endless.hear(0);
    assert_eq!(endless.left(u64::from(u32::MAX) / 2 + 9), None);
}
