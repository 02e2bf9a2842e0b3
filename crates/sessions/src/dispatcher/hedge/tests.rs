//! Which calls are made at a second host, when, and how many.

use super::super::{DispatchConfig, Ending, Host, HostKey, Labels, SessionPlan};
use super::*;
use crate::settings::Settings;

const HEDGE: HedgeConfig =
    HedgeConfig { after: Duration::from_millis(50), quantile: 0.9, factor: 2.0, share: 0.1 };
const MS: Duration = Duration::from_millis(1);
const SESSION: SessionId = SessionId(1);

fn host(edge: u64, capacity: u32, node: &str) -> Host {
    let key = HostKey { edge, generation: 1 };
    Host { key, node: node.to_owned(), capacity, labels: Labels::new(), depth: 0 }
}

/// A service and one session of it, in a time of its own.
struct World {
    dispatcher: Dispatcher,
    now: Instant,
    offered: u64,
}

impl World {
    fn new(hedge: Option<HedgeConfig>, hosts: &[Host]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "some time has to be the first")]
        let now = Instant::now();
        let config = DispatchConfig { prefetch: 0, hedge, ..DispatchConfig::default() };
        let mut dispatcher = Dispatcher::new(config);
        hosts.iter().for_each(|host| dispatcher.host_joined(host.clone(), now));
        dispatcher.session_opened(SESSION, SessionPlan::from(&Settings::interactive("x")));
        Self { dispatcher, now, offered: 0 }
    }

    /// One more call.
    fn call(&mut self) -> Grant {
        self.offered += 1;
        self.dispatcher.offered(SESSION, self.offered);
        self.dispatcher.next(self.now).expect("there is a place")
    }

    fn end(&mut self, grant: Grant, ending: Ending) {
        self.dispatcher.finished(grant.attempt, ending, self.now);
        self.dispatcher.check();
    }

    /// So many calls of 20 ms, one after the other.
    fn usual(&mut self, count: u32) {
        for _ in 0..count {
            let grant = self.call();
            self.now += 20 * MS;
            self.end(grant, Ending::Answered);
        }
    }

    fn hedge(&mut self) -> Option<Grant> {
        let grant = self.dispatcher.hedge(self.now);
        self.dispatcher.check();
        grant
    }

    /// When the next one is due, from now on.
    fn due(&self) -> Option<Duration> {
        self.dispatcher.deadline().map(|at| at.saturating_duration_since(self.now))
    }
}

#[test]
fn a_call_that_runs_much_longer_than_its_peers_is_made_at_another_host_once() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a"), host(2, 1, "b")]);
    world.usual(20);
    let slow = world.call();
    assert_eq!(world.due(), Some(50 * MS), "twice what is usual is less");
    world.now += 49 * MS;
    assert_eq!(world.hedge(), None);
    world.now += MS;
    let second = world.hedge().expect("it is due");
    assert_eq!((second.hedges, second.session), (Some(slow.attempt), SESSION));
    assert_ne!(second.host, slow.host);
    assert_eq!((world.hedge(), world.due()), (None, None), "there is no third one");
    let waiting = world.dispatcher.figures().waiting;
    world.end(second, Ending::Answered);
    world.end(slow, Ending::Superseded);
    assert_eq!((world.dispatcher.figures().in_flight, world.dispatcher.figures().waiting), (0, waiting));
    // It was a call that nobody had offered: there is none that is owed.
    assert_eq!(world.dispatcher.next(world.now), None);
}

#[test]
fn nothing_is_made_twice_unless_it_is_configured_or_before_it_is_known_what_is_usual() {
    for (hedge, calls) in [(None, 100), (Some(HEDGE), 19)] {
        let mut world = World::new(hedge, &[host(1, 1, "a"), host(2, 1, "b")]);
        world.usual(calls);
        world.call();
        world.now += 3600 * 1000 * MS;
        assert_eq!((world.hedge(), world.due()), (None, None), "{hedge:?}");
    }
}

#[test]
fn calls_that_are_all_long_are_no_longer_than_their_peers() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a"), host(2, 1, "b")]);
    for _ in 0..200 {
        let grant = world.call();
        world.now += 1000 * MS;
        assert_eq!(world.hedge(), None);
        world.end(grant, Ending::Answered);
    }
    world.call();
    assert_eq!(world.due(), Some(2000 * MS));
}

#[test]
fn no_more_than_the_share_of_the_calls_are_made_twice() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a"), host(2, 1, "b")]);
    world.usual(20);
    let mut seconds = 0;
    for _ in 0..100 {
        let slow = world.call();
        world.now += 60 * MS;
        if let Some(second) = world.hedge() {
            seconds += 1;
            world.end(second, Ending::Superseded);
        }
        // Those that are not answered change nothing about what is usual.
        world.end(slow, Ending::Failed);
    }
    assert_eq!(seconds, 12, "a tenth of 120");
}

#[test]
fn only_a_place_is_taken_that_nobody_waits_for_and_that_is_looked_for_again() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a")]);
    world.usual(20);
    let slow = world.call();
    world.now += 60 * MS;
    assert_eq!((world.hedge(), world.due()), (None, Some(LOOK_AGAIN)), "there is no other host");
    // One comes, and somebody waits for it already.
    world.offered += 1;
    world.dispatcher.offered(SESSION, world.offered);
    world.dispatcher.host_joined(host(2, 1, "a"), world.now);
    world.now += LOOK_AGAIN;
    let waited = world.dispatcher.next(world.now).expect("it goes first");
    assert_eq!((waited.hedges, world.hedge()), (None, None));
    world.end(waited, Ending::Answered);
    world.now += LOOK_AGAIN;
    assert_eq!(world.hedge().map(|it| (it.hedges, it.host.edge)), Some((Some(slow.attempt), 2)));
}

#[test]
fn a_host_of_another_node_goes_first_and_none_that_the_session_does_without() {
    let hosts = [host(1, 1, "a"), host(2, 1, "a"), host(3, 1, "b")];
    let mut world = World::new(Some(HEDGE), &hosts);
    let at = |world: &mut World, edge| loop {
        let grant = world.call();
        if grant.host.edge == edge {
            break grant;
        }
        world.now += 20 * MS;
        world.end(grant, Ending::Answered);
    };
    world.usual(20);
    let slow = at(&mut world, 1);
    world.now += 60 * MS;
    assert_eq!(world.hedge().map(|it| it.host.edge), Some(3));
    world.end(slow, Ending::Failed);
    let mut world = World::new(Some(HEDGE), &hosts);
    world.usual(20);
    let refused = at(&mut world, 3);
    world.end(refused, Ending::NotInitialized);
    at(&mut world, 1);
    world.now += 60 * MS;
    assert_eq!(world.hedge().map(|it| it.host.edge), Some(2));
}

#[test]
fn a_second_call_counts_for_the_units_of_its_session_and_goes_with_it() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a"), host(2, 4, "b")]);
    let plan = SessionPlan { maximum_units: 1, ..SessionPlan::from(&Settings::interactive("x")) };
    world.usual(20);
    world.dispatcher.session_closed(SESSION, world.now);
    world.dispatcher.session_opened(SESSION, plan);
    world.offered = 0;
    world.usual(20);
    world.call();
    world.now += 60 * MS;
    assert_eq!(world.hedge(), None, "it has as many as it may have");
    world.dispatcher.session_closed(SESSION, world.now);
    world.dispatcher.session_opened(SESSION, SessionPlan::from(&Settings::interactive("x")));
    world.offered = 0;
    world.usual(20);
    let slow = world.call();
    world.now += 60 * MS;
    let second = world.hedge().expect("it is due");
    world.dispatcher.session_closed(SESSION, world.now);
    world.end(second, Ending::Answered);
    world.end(slow, Ending::Answered);
    assert_eq!((world.dispatcher.figures().in_flight, world.due()), (0, None));
}

#[test]
fn a_call_whose_own_host_alone_has_a_place_holds_up_no_other() {
    let mut world = World::new(Some(HEDGE), &[host(1, 2, "a"), host(2, 2, "b")]);
    world.usual(20);
    let mut call = || {
        world.now += MS;
        world.call()
    };
    let (oldest, calls) = (call(), [call(), call(), call()]);
    let [beside] = calls.iter().filter(|it| it.host == oldest.host).collect::<Vec<_>>()[..] else {
        panic!("{calls:?}")
    };
    let others: Vec<&Grant> = calls.iter().filter(|it| it.host != oldest.host).collect();
    world.end(*beside, Ending::Answered);
    world.now += 60 * MS;
    let second = world.hedge().expect("others are due as well, and have another host");
    assert_eq!((second.hedges, second.host), (Some(others[0].attempt), oldest.host));
    assert_eq!((world.hedge(), world.due()), (None, Some(LOOK_AGAIN)));
    world.end(second, Ending::Answered);
    world.end(*others[0], Ending::Superseded);
    world.now += LOOK_AGAIN;
    assert_eq!(world.hedge().map(|it| (it.hedges, it.host)), Some((Some(oldest.attempt), others[0].host)));
}

#[test]
fn a_second_call_that_no_host_has_begun_is_made_again_and_one_that_failed_is_not() {
    let hosts = [host(1, 1, "a"), host(2, 1, "b"), host(3, 1, "c")];
    let due = |config| {
        let mut world = World::new(Some(config), &hosts);
        world.usual(20);
        let slow = world.call();
        world.now += 60 * MS;
        let second = world.hedge().expect("it is due");
        (world, slow, second)
    };
    for never_began in [Ending::Unreachable, Ending::NotInitialized, Ending::Preempted] {
        // One alone may be made twice, and that counts as none.
        let (mut world, slow, second) = due(HedgeConfig { share: 0.0, ..HEDGE });
        world.end(second, never_began);
        let again = world.hedge().expect("nobody has begun it");
        assert_eq!(again.hedges, Some(slow.attempt), "{never_began:?}");
        assert!(![slow.host, second.host].contains(&again.host), "{never_began:?}");
        // Where the first has ended meanwhile there is nothing to make again.
        let (mut world, slow, second) = due(HEDGE);
        world.end(slow, Ending::Failed);
        world.end(second, never_began);
        assert_eq!((world.hedge(), world.dispatcher.figures().in_flight), (None, 0), "{never_began:?}");
    }
    for ended in [Ending::Failed, Ending::Answered] {
        let (mut world, _, second) = due(HEDGE);
        world.end(second, ended);
        assert_eq!((world.hedge(), world.due()), (None, None), "{ended:?}");
    }
}

#[test]
fn what_a_session_has_had_for_second_calls_is_not_put_down_to_those_who_wait() {
    let mut world = World::new(Some(HEDGE), &[host(1, 1, "a"), host(2, 1, "b")]);
    world.usual(20);
    world.call();
    world.now += 60 * MS;
    let clock = world.dispatcher.clock;
    world.hedge().expect("it is due");
    assert_eq!(world.dispatcher.clock, clock);
}
