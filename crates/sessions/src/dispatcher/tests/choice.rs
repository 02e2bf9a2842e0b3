//! On which host: balances, pools, and where sessions would rather be.

use super::*;
use std::collections::HashMap;

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
        edges(&drain(&mut dispatcher, now))
    };
    assert_eq!(chosen(Balance::RoundRobin), [1, 2, 1, 2]);
    assert_eq!(chosen(Balance::LeastConnections), [1, 2, 1, 1]);
    assert_eq!(chosen(Balance::QueueDepth), [2, 2, 1, 1]);
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
fn a_sticky_session_stays_where_it_is_while_that_takes_more_at_once() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    dispatcher.host_joined(host(1, 2), now);
    dispatcher.host_joined(host(2, 2), now);
    dispatcher.session_opened(session(1), SessionPlan { affinity: Affinity::Sticky, ..plan() });
    dispatcher.offered(session(1), 3);
    assert_eq!(edges(&drain(&mut dispatcher, now)), [1, 1, 2], "it does not wait for it");
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
