//! Who is next, and on which host: balances, shares, pools, retries, hosts that are left alone; and a model beside it.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "some time has to be the first")]
    Instant::now()
}

fn host(edge: u64, capacity: u32) -> Host {
    let key = HostKey { edge, generation: 1 };
    Host { key, node: format!("node{edge}"), capacity, labels: Labels::new(), depth: 0 }
}

fn plan() -> SessionPlan {
    SessionPlan::from(&Settings::interactive("x"))
}

fn without_prefetch() -> DispatchConfig {
    DispatchConfig { prefetch: 0, ..DispatchConfig::default() }
}

fn session(number: u128) -> SessionId {
    SessionId(number)
}

fn drain(dispatcher: &mut Dispatcher, now: Instant) -> Vec<Grant> {
    std::iter::from_fn(|| dispatcher.next(now)).collect()
}

#[test]
fn hosts_get_what_they_do_at_once_first_and_then_what_is_prefetched() {
    for balance in [Balance::RoundRobin, Balance::LeastConnections, Balance::QueueDepth] {
        let now = start();
        let mut dispatcher = Dispatcher::new(DispatchConfig { balance, ..DispatchConfig::default() });
        dispatcher.host_joined(host(1, 4), now);
        dispatcher.host_joined(host(2, 4), now);
        dispatcher.session_opened(session(1), plan());
        dispatcher.offered(session(1), 100);
        let of_first = |grants: &[Grant]| grants.iter().filter(|grant| grant.host.edge == 1).count();
        let grants = drain(&mut dispatcher, now);
        assert_eq!((grants.len(), of_first(&grants), of_first(&grants[..8])), (16, 8, 4), "{balance:?}");
        assert_eq!(dispatcher.figures().waiting, 84);
        dispatcher.finished(grants[3].attempt, Ending::Answered, now);
        dispatcher.finished(grants[3].attempt, Ending::Answered, now);
        assert_eq!(drain(&mut dispatcher, now).len(), 1, "what is said twice counts once");
        dispatcher.check();
    }
}

#[test]
fn each_balance_chooses_in_its_way() {
    let chosen = |balance| {
        let now = start();
        let mut dispatcher = Dispatcher::new(DispatchConfig { balance, ..DispatchConfig::default() });
        dispatcher.host_joined(Host { depth: 2, ..host(1, 8) }, now);
        dispatcher.host_joined(host(2, 2), now);
        dispatcher.session_opened(session(1), plan());
        dispatcher.offered(session(1), 4);
        drain(&mut dispatcher, now).iter().map(|grant| grant.host.edge).collect::<Vec<_>>()
    };
    assert_eq!(chosen(Balance::RoundRobin), [1, 2, 1, 2]);
    assert_eq!(chosen(Balance::LeastConnections), [1, 2, 1, 1]);
    assert_eq!(chosen(Balance::QueueDepth), [2, 2, 1, 1]);
}

/// Runs sessions on one host of 10 places for so many milliseconds: how many calls each has had, by its weight and how long
/// its calls take.
fn run(sessions: &[(u16, u64)], milliseconds: u64) -> Vec<u64> {
    let begin = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 10), begin);
    let index = |grant: &Grant| usize::try_from(grant.session.0).unwrap();
    let mut done = vec![0; sessions.len()];
    for (number, (priority, _)) in sessions.iter().enumerate() {
        dispatcher.session_opened(session(number as u128), SessionPlan { priority: *priority, ..plan() });
        dispatcher.offered(session(number as u128), u64::MAX);
    }
    let mut ends: BTreeMap<u64, Vec<Grant>> = BTreeMap::new();
    for at in 0..milliseconds {
        let now = begin + Duration::from_millis(at);
        for grant in ends.remove(&at).unwrap_or_default() {
            done[index(&grant)] += 1;
            dispatcher.finished(grant.attempt, Ending::Answered, now);
        }
        for grant in drain(&mut dispatcher, now) {
            ends.entry(at + sessions[index(&grant)].1).or_default().push(grant);
        }
    }
    dispatcher.check();
    done
}

#[test]
fn sessions_share_the_time_of_hosts_by_their_priority() {
    let done = run(&[(2000, 5), (2000, 5), (2500, 5), (3000, 5)], 8000);
    let sum: u64 = done.iter().sum();
    for (done, eighths) in done.iter().zip([1, 1, 2, 4]) {
        let fair = sum * eighths / 8;
        assert!(done.abs_diff(fair) <= fair / 50 + 10, "{done} of {sum}, {eighths} eighths");
    }
}

#[test]
fn a_session_of_long_calls_gets_no_more_time_than_one_of_short_ones() {
    let done = run(&[(2000, 100), (2000, 2)], 20_000);
    let (long, short) = (done[0] * 100, done[1] * 2);
    assert!(long.abs_diff(short) < (long + short) / 10, "{long} {short}");
}

#[test]
fn nobody_waits_for_ever() {
    let mut sessions = vec![(4000, 1); 40];
    sessions.push((0, 50));
    let done = run(&sessions, 4000);
    assert!(done.iter().all(|done| *done > 0), "{done:?}");
}

#[test]
fn who_comes_later_does_not_get_what_others_had_before() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.session_opened(session(1), plan());
    dispatcher.offered(session(1), 2000);
    for _ in 0..1000 {
        let grant = dispatcher.next(now).unwrap();
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    dispatcher.session_opened(session(2), plan());
    dispatcher.offered(session(2), 1000);
    let mut of_second = 0;
    for _ in 0..200 {
        let grant = dispatcher.next(now).unwrap();
        of_second += u32::from(grant.session == session(2));
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    assert!((90..=110).contains(&of_second), "{of_second}");
}

#[test]
fn a_session_gets_no_more_than_its_units() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    dispatcher.host_joined(host(1, 100), now);
    dispatcher.session_opened(session(1), SessionPlan { maximum_units: 3, ..plan() });
    dispatcher.offered(session(1), 100);
    let grants = drain(&mut dispatcher, now);
    assert_eq!(grants.len(), 6, "with those that are prefetched");
    dispatcher.finished(grants[0].attempt, Ending::Failed, now);
    assert_eq!(drain(&mut dispatcher, now).len(), 1);
}

#[test]
fn a_pool_has_the_hosts_with_its_labels_whoever_comes_first() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    let labels = |text: &str| Labels::from([("zone".to_owned(), text.to_owned())]);
    dispatcher.host_joined(Host { labels: labels("a"), ..host(1, 1) }, now);
    dispatcher.session_opened(session(1), SessionPlan { pool: labels("a"), ..plan() });
    dispatcher.session_opened(session(2), SessionPlan { pool: labels("b"), ..plan() });
    dispatcher.offered(session(1), 5);
    dispatcher.offered(session(2), 5);
    let placed = |grants: &[Grant]| grants.iter().map(|it| (it.session.0, it.host.edge)).collect::<Vec<_>>();
    let first = drain(&mut dispatcher, now);
    assert_eq!(placed(&first), [(1, 1)]);
    dispatcher.host_joined(Host { labels: labels("b"), ..host(2, 1) }, now);
    assert_eq!(placed(&drain(&mut dispatcher, now)), [(2, 2)]);
    dispatcher.session_closed(session(1), now);
    assert_eq!(dispatcher.figures().in_flight, 1, "its calls are gone with it");
    dispatcher.finished(first[0].attempt, Ending::Answered, now);
    // It says that it is elsewhere now.
    dispatcher.host_joined(Host { labels: labels("b"), ..host(1, 1) }, now);
    assert_eq!(placed(&drain(&mut dispatcher, now)), [(2, 1)]);
    dispatcher.check();
}

#[test]
fn a_sticky_session_stays_where_it_is_while_that_takes_more_at_once() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    dispatcher.host_joined(host(1, 2), now);
    dispatcher.host_joined(host(2, 2), now);
    dispatcher.session_opened(session(1), SessionPlan { affinity: Affinity::Sticky, ..plan() });
    dispatcher.offered(session(1), 3);
    let edges: Vec<_> = drain(&mut dispatcher, now).iter().map(|it| it.host.edge).collect();
    assert_eq!(edges, [1, 1, 2], "it does not wait for it");
    dispatcher.host_left(HostKey { edge: 2, generation: 1 });
    dispatcher.offered(session(1), 4);
    assert_eq!(dispatcher.next(now).unwrap().host.edge, 1, "it leaves at once what is gone");
}

#[test]
fn sessions_that_stay_where_they_are_leave_no_host_with_more_than_others() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    (0..16).for_each(|edge| dispatcher.host_joined(host(edge, 4), now));
    for number in 0..48 {
        let affinity = if number % 2 == 0 { Affinity::Sticky } else { Affinity::Spread };
        dispatcher.session_opened(session(number), SessionPlan { affinity, ..plan() });
    }
    let mut flying = Vec::new();
    let mut moved = 0;
    let mut at: HashMap<SessionId, HostKey> = HashMap::new();
    for round in 1..200_u64 {
        for number in 0..48 {
            dispatcher.offered(session(number), round);
        }
        for grant in drain(&mut dispatcher, now) {
            let before = at.insert(grant.session, grant.host);
            let sticks = grant.session.0 % 2 == 0;
            moved += u32::from(sticks && before.is_some_and(|before| before != grant.host));
            flying.push(grant);
        }
        let calls: Vec<u32> = dispatcher.hosts().map(|(_, _, in_flight)| in_flight).collect();
        assert!(calls.iter().all(|calls| (2..=4).contains(calls)), "48 calls, 3 for each host: {calls:?}");
        for grant in std::mem::take(&mut flying) {
            dispatcher.finished(grant.attempt, Ending::Answered, now);
        }
    }
    assert!(moved <= 200 * 24 / 20, "those that stay move seldom: {moved} times");
    // One host is lost: whoever was there goes elsewhere with the next call, and stays there.
    let lost = at[&session(0)];
    dispatcher.host_left(lost);
    let mut places = Vec::new();
    for round in 200..203 {
        dispatcher.offered(session(0), round);
        let grant = dispatcher.next(now).expect("it goes on at once");
        places.push(grant.host);
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    assert!(places[0] != lost && places.iter().all(|place| *place == places[0]), "{places:?}");
    dispatcher.check();
}

#[test]
fn a_host_that_cant_be_reached_is_left_alone_for_a_time() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.session_opened(session(1), plan());
    dispatcher.offered(session(1), 1000);
    let mut at = now;
    let mut pauses = Vec::new();
    let mut tried = 1;
    for _ in 0..6 {
        let grant = dispatcher.next(at).unwrap();
        dispatcher.finished(grant.attempt, Ending::Unreachable, at);
        tried += 1;
        dispatcher.offered(session(1), 1000 + tried);
        assert_eq!(dispatcher.next(at), None);
        let until = dispatcher.deadline().unwrap();
        pauses.push(until.duration_since(at).as_secs());
        at = until;
        dispatcher.on_time(at);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
    let grant = dispatcher.next(at).unwrap();
    dispatcher.finished(grant.attempt, Ending::Answered, at);
    let grant = dispatcher.next(at).unwrap();
    dispatcher.finished(grant.attempt, Ending::Unreachable, at);
    assert_eq!(dispatcher.deadline().unwrap().duration_since(at).as_secs(), 10, "it does not start any more");
    dispatcher.host_joined(host(1, 1), at);
    assert!(dispatcher.next(at).is_some(), "it has come by itself");
    dispatcher.check();
}

#[test]
fn a_node_that_cant_offer_the_service_is_used_by_others_alone() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.session_opened(session(1), plan());
    dispatcher.session_opened(session(2), plan());
    dispatcher.offered(session(1), 5);
    let grant = dispatcher.next(now).unwrap();
    dispatcher.finished(grant.attempt, Ending::NotInitialized, now);
    dispatcher.offered(session(1), 6);
    assert_eq!(dispatcher.next(now), None);
    dispatcher.offered(session(2), 1);
    assert_eq!(dispatcher.next(now).unwrap().session, session(2));
    dispatcher.host_joined(Host { node: "node1".into(), ..host(2, 1) }, now);
    assert_eq!(dispatcher.next(now), None, "it is the same node");
    dispatcher.host_joined(host(3, 1), now);
    assert_eq!(dispatcher.next(now).unwrap().host.edge, 3);
}

#[test]
fn a_later_life_of_a_host_is_not_ended_by_what_is_said_of_an_earlier() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.session_opened(session(1), plan());
    dispatcher.offered(session(1), 5);
    let old = dispatcher.next(now).unwrap();
    let key = HostKey { edge: 1, generation: 2 };
    dispatcher.host_joined(Host { key, ..host(1, 1) }, now);
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.host_left(old.host);
    dispatcher.host_draining(old.host);
    let new = dispatcher.next(now).unwrap();
    assert_eq!(new.host, key);
    dispatcher.finished(old.attempt, Ending::Unreachable, now);
    dispatcher.finished(new.attempt, Ending::Answered, now);
    assert!(dispatcher.next(now).is_some());
    dispatcher.check();
}

#[test]
fn two_thousand_hosts_and_a_thousand_labels_are_not_looked_through() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    let labels = |number: u64| Labels::from([("kind".to_owned(), number.to_string())]);
    for number in 0..2000 {
        dispatcher.host_joined(Host { labels: labels(number % 1000), ..host(number, 4) }, now);
    }
    for number in 0..1000 {
        let plan = SessionPlan { pool: labels(number), ..plan() };
        dispatcher.session_opened(session(u128::from(number)), plan);
        dispatcher.offered(session(u128::from(number)), 100);
    }
    let grants = drain(&mut dispatcher, now);
    assert_eq!(grants.len(), 2000 * 8);
    assert!(grants.iter().all(|grant| u128::from(grant.host.edge % 1000) == grant.session.0));
}

#[test]
fn where_many_short_calls_are_in_flight_a_session_gets_some_in_a_row_and_the_same_in_the_end() {
    let begin = start();
    let longest_row = |took: Duration| {
        let mut dispatcher = Dispatcher::new(without_prefetch());
        dispatcher.host_joined(host(1, 800), begin);
        for number in 0..10 {
            dispatcher.session_opened(session(number), plan());
            dispatcher.offered(session(number), u64::MAX);
        }
        let (mut now, mut in_flight) = (begin, drain(&mut dispatcher, begin));
        let mut counts = [0; 10];
        let mut longest = 0;
        for _ in 0..400 {
            now += took;
            for grant in in_flight.drain(..) {
                dispatcher.finished(grant.attempt, Ending::Answered, now);
            }
            in_flight = drain(&mut dispatcher, now);
            let rows = in_flight.chunk_by(|one, next| one.session == next.session);
            longest = rows.map(<[Grant]>::len).chain([longest]).max().unwrap();
            in_flight.iter().for_each(|grant| counts[usize::try_from(grant.session.0).unwrap()] += 1);
        }
        let fair = counts.iter().sum::<u32>() / 10;
        assert!(counts.iter().all(|count| count.abs_diff(fair) <= 2 * LONGEST_ROW), "{counts:?}");
        longest
    };
    assert!((50..=2 * 128).contains(&longest_row(Duration::from_millis(5))));
    assert!(longest_row(Duration::from_secs(2)) <= 2);
}

#[derive(Clone, Debug)]
enum Step {
    Host(u64, u64, u32, u8),
    Leave(u64, u64),
    Drain(u64, u64),
    Open(u8, u16, u8, u32),
    Close(u8),
    Offer(u8, u64),
    Grant(u8),
    Finish(usize, Ending),
    Wait(u16),
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        6 => Just(Ending::Answered),
        2 => Just(Ending::Failed),
        2 => Just(Ending::Unreachable),
        1 => Just(Ending::NotInitialized),
        1 => Just(Ending::Preempted),
        2 => Just(Ending::Unused),
        1 => Just(Ending::Superseded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6_u64, 0..3_u64, 1..5_u32, 0..3_u8).prop_map(|(a, b, c, d)| Step::Host(a, b, c, d)),
        1 => (0..6_u64, 0..3_u64).prop_map(|(a, b)| Step::Leave(a, b)),
        1 => (0..6_u64, 0..3_u64).prop_map(|(a, b)| Step::Drain(a, b)),
        2 => (0..6_u8, 0..=4000_u16, 0..3_u8, 0..3_u32).prop_map(|(a, b, c, d)| Step::Open(a, b, c, d)),
        1 => (0..6_u8).prop_map(Step::Close),
        5 => (0..6_u8, 0..30_u64).prop_map(|(a, b)| Step::Offer(a, b)),
        5 => (1..9_u8).prop_map(Step::Grant),
        8 => (any::<usize>(), ending()).prop_map(|(a, b)| Step::Finish(a, b)),
        2 => any::<u16>().prop_map(Step::Wait),
    ]
}

fn labels(kind: u8) -> Labels {
    if kind == 0 { Labels::new() } else { Labels::from([("kind".to_owned(), kind.to_string())]) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    /// Whatever happens, in whatever order: no more is in flight than was granted and has not finished, nobody gets more than
    /// it wants or may have, and whoever wants a call that a host could take gets one.
    #[test]
    fn what_is_in_flight_is_what_was_granted(steps in prop::collection::vec(step(), 1..120)) {
        let mut now = start();
        let hedge = HedgeConfig { after: Duration::from_millis(1), quantile: 0.5, factor: 1.0, share: 0.2 };
        let mut dispatcher = Dispatcher::new(DispatchConfig { hedge: Some(hedge), ..DispatchConfig::default() });
        let mut flying: Vec<Grant> = Vec::new();
        let mut wanted: HashMap<SessionId, u64> = HashMap::new();
        let mut got: HashMap<SessionId, u64> = HashMap::new();
        for step in steps {
            match step {
                Step::Host(edge, generation, capacity, kind) => {
                    let key = HostKey { edge, generation };
                    dispatcher.host_joined(Host { key, labels: labels(kind), ..host(edge, capacity) }, now);
                }
                Step::Leave(edge, generation) => dispatcher.host_left(HostKey { edge, generation }),
                Step::Drain(edge, generation) => dispatcher.host_draining(HostKey { edge, generation }),
                Step::Open(number, priority, kind, maximum_units) => {
                    let id = session(u128::from(number));
                    if let std::collections::hash_map::Entry::Vacant(entry) = wanted.entry(id) {
                        entry.insert(0);
                        got.insert(id, 0);
                        let plan = SessionPlan { priority, pool: labels(kind), maximum_units, ..plan() };
                        dispatcher.session_opened(id, plan);
                    }
                }
                Step::Close(number) => {
                    let id = session(u128::from(number));
                    dispatcher.session_closed(id, now);
                    wanted.remove(&id);
                    flying.retain(|grant| grant.session != id);
                }
                Step::Offer(number, more) => {
                    let id = session(u128::from(number));
                    if let Some(total) = wanted.get_mut(&id) {
                        *total += more;
                        dispatcher.offered(id, *total);
                    }
                }
                Step::Grant(count) => {
                    for grant in std::iter::from_fn(|| dispatcher.next(now)).take(usize::from(count)) {
                        *got.get_mut(&grant.session).unwrap() += 1;
                        prop_assert!(got[&grant.session] <= wanted[&grant.session]);
                        flying.push(grant);
                    }
                    while let Some(grant) = dispatcher.hedge(now) {
                        let of_same = flying.iter().filter(|it| it.hedges == grant.hedges).count();
                        let first = flying.iter().find(|it| Some(it.attempt) == grant.hedges);
                        let first = first.expect("it is in flight");
                        prop_assert!(of_same == 0 || grant.hedges.is_none(), "no call is made three times");
                        prop_assert!(first.session == grant.session && first.host != grant.host);
                        flying.push(grant);
                    }
                }
                Step::Finish(which, ending) => {
                    if !flying.is_empty() {
                        let grant = flying.swap_remove(which % flying.len());
                        if ending == Ending::Unused && grant.hedges.is_none() {
                            *got.get_mut(&grant.session).unwrap() -= 1;
                        }
                        dispatcher.finished(grant.attempt, ending, now);
                    }
                }
                Step::Wait(milliseconds) => {
                    now += Duration::from_millis(u64::from(milliseconds));
                    dispatcher.on_time(now);
                }
            }
            dispatcher.check();
            prop_assert_eq!(dispatcher.figures().in_flight, flying.len() as u64);
        }
    }
}
