//! Sessions that would rather be computed at some hosts.

use super::*;

fn preferring(nodes: &[&str]) -> SessionPlan {
    let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
    SessionPlan { preferred: Preference { nodes, ..Preference::default() }, ..plan() }
}

fn zone(name: &str) -> Labels {
    Labels::from([("zone".to_owned(), name.to_owned())])
}

/// Three hosts of two places each, on `node1` to `node3`, and this session, which wants calls without end.
fn three_hosts(plan: SessionPlan, prefetch: u32, now: Instant) -> Dispatcher {
    let mut dispatcher = Dispatcher::new(DispatchConfig { prefetch, ..DispatchConfig::default() });
    (1..=3).for_each(|edge| dispatcher.host_joined(host(edge, 2), now));
    dispatcher.session_opened(session(1), plan);
    dispatcher.offered(session(1), u64::MAX);
    dispatcher
}

#[test]
fn a_session_is_called_where_it_prefers_and_elsewhere_when_no_call_begins_there_at_once() {
    let now = start();
    let mut dispatcher = three_hosts(preferring(&["node3"]), 1, now);
    let grants = drain(&mut dispatcher, now);
    let (at_once, kept_ready) = grants.split_at(6);
    assert_eq!(edges(at_once), [3, 3, 1, 2, 1, 2]);
    assert_eq!(edges(kept_ready), [3, 3, 1, 2, 1, 2], "where all have to wait it is at those it prefers");
    for grant in grants.iter().filter(|grant| grant.host.edge == 2) {
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    let first = dispatcher.next(now).unwrap();
    assert_eq!(first.host.edge, 2, "it does not wait");
    for grant in grants.iter().filter(|grant| grant.host.edge == 3) {
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    assert_eq!(dispatcher.next(now).unwrap().host.edge, 3, "and comes back");
    dispatcher.check();
}

#[test]
fn hosts_that_are_preferred_are_left_at_once_and_come_back_to() {
    let now = start();
    let mut dispatcher = three_hosts(preferring(&["node1"]), 0, now);
    let grant = dispatcher.next(now).unwrap();
    assert_eq!(grant.host.edge, 1);
    dispatcher.finished(grant.attempt, Ending::Unreachable, now);
    assert_ne!(dispatcher.next(now).unwrap().host.edge, 1, "it is blocked");
    let later = dispatcher.deadline().unwrap();
    dispatcher.on_time(later);
    let grant = dispatcher.next(later).unwrap();
    assert_eq!(grant.host.edge, 1);
    dispatcher.finished(grant.attempt, Ending::Preempted, later);
    assert_ne!(dispatcher.next(later).unwrap().host.edge, 1, "it drains");
    // It starts again, and on the same machine another one does.
    let key = HostKey { edge: 1, generation: 2 };
    dispatcher.host_joined(Host { key, ..host(1, 1) }, later);
    dispatcher.host_joined(Host { node: "node1".into(), ..host(9, 1) }, later);
    let mut both = edges(&[dispatcher.next(later).unwrap(), dispatcher.next(later).unwrap()]);
    both.sort_unstable();
    assert_eq!(both, [1, 9]);
    dispatcher.check();
}

#[test]
fn a_pool_is_preferred_within_the_pool_that_hosts_must_be_in() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    let kinds = |zone_name: &str, gpu: &str| {
        let mut labels = zone(zone_name);
        labels.insert("gpu".into(), gpu.into());
        labels
    };
    for (edge, labels) in [(1, kinds("a", "0")), (2, kinds("a", "1")), (3, kinds("b", "1"))] {
        dispatcher.host_joined(Host { labels, ..host(edge, 1) }, now);
    }
    let labels = Labels::from([("gpu".to_owned(), "1".to_owned())]);
    let preferred = Preference { nodes: vec!["node3".into()], labels };
    dispatcher.session_opened(session(1), SessionPlan { pool: zone("a"), preferred, ..plan() });
    dispatcher.offered(session(1), 9);
    assert_eq!(edges(&drain(&mut dispatcher, now)), [2, 1], "the third is not in the pool");
    // It says that it is elsewhere now.
    dispatcher.host_joined(Host { labels: kinds("a", "0"), ..host(3, 1) }, now);
    assert_eq!(edges(&drain(&mut dispatcher, now)), [3]);
    dispatcher.session_closed(session(1), now);
    dispatcher.check();
    assert!(dispatcher.pools.is_empty(), "nobody uses one");
}

#[test]
fn one_that_stays_where_it_is_stays_at_those_it_prefers_and_comes_back_to_them() {
    let now = start();
    let sticky = SessionPlan { affinity: Affinity::Sticky, ..preferring(&["node2", "node3"]) };
    let mut dispatcher = three_hosts(sticky, 0, now);
    let mut grants = drain(&mut dispatcher, now);
    assert_eq!(edges(&grants), [2, 2, 3, 3, 1, 1], "one after the other");
    dispatcher.finished(grants.remove(0).attempt, Ending::Answered, now);
    dispatcher.finished(grants.remove(4).attempt, Ending::Answered, now);
    assert_eq!(edges(&drain(&mut dispatcher, now)), [2, 1], "the host that was used last is none of them");
}

#[test]
fn a_node_that_cant_offer_the_service_is_not_asked_again_whoever_prefers_it_or_stays_there() {
    let now = start();
    let sticky = SessionPlan { affinity: Affinity::Sticky, ..plan() };
    for plan in [
        sticky.clone(),
        preferring(&["node1"]),
        SessionPlan { affinity: Affinity::Sticky, ..preferring(&["node1"]) },
    ] {
        let mut dispatcher = three_hosts(plan, 0, now);
        let grant = dispatcher.next(now).unwrap();
        assert_eq!(grant.host.edge, 1);
        dispatcher.finished(grant.attempt, Ending::NotInitialized, now);
        let mut others = edges(&drain(&mut dispatcher, now));
        others.sort_unstable();
        assert_eq!(others, [2, 2, 3, 3]);
    }
}

#[test]
fn those_who_prefer_a_host_take_no_place_of_others_elsewhere() {
    let now = start();
    let mut dispatcher = three_hosts(preferring(&["node1"]), 0, now);
    dispatcher.session_opened(session(2), plan());
    dispatcher.offered(session(2), u64::MAX);
    let mut had = [0_u32; 3];
    for _ in 0..200 {
        let grants = drain(&mut dispatcher, now);
        assert_eq!(grants.len(), 6, "all places are taken");
        for grant in grants {
            had[usize::try_from(grant.session.0).unwrap()] += 1;
            dispatcher.finished(grant.attempt, Ending::Answered, now);
        }
    }
    assert!(had[1].abs_diff(had[2]) <= 20, "they have the same share: {had:?}");
}

#[test]
fn a_host_stands_in_a_pool_for_each_preference_and_not_for_each_session() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    (0..100).for_each(|edge| dispatcher.host_joined(host(edge, 10), now));
    for number in 0..1000 {
        let nodes: Vec<String> = (0..4).map(|step| format!("node{}", (number + step * 7) % 100)).collect();
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        dispatcher.session_opened(session(number), preferring(&nodes));
        dispatcher.offered(session(number), 1);
    }
    // All of them say again who they are.
    (0..100).for_each(|edge| dispatcher.host_joined(host(edge, 10), now));
    assert!(dispatcher.hosts.iter().all(|(_, entry)| entry.pools.len() == 2), "all hosts, and its node");
    let grants = drain(&mut dispatcher, now);
    let is_preferred =
        |grant: &&Grant| (0..4).any(|step| (grant.session.0 + step * 7) % 100 == u128::from(grant.host.edge));
    assert_eq!(grants.len(), 1000);
    assert!(grants.iter().filter(is_preferred).count() >= 950, "there is room where they want to be");
    (0..1000).for_each(|number| dispatcher.session_closed(session(number), now));
    assert!(dispatcher.pools.is_empty() && dispatcher.hosts.iter().all(|(_, entry)| entry.pools.is_empty()));
}

#[test]
fn nodes_that_no_host_has_cost_no_look_at_all_hosts() {
    const HOSTS: u64 = 50_000;
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    (0..HOSTS).for_each(|edge| dispatcher.host_joined(host(edge + 1, 1), now));
    for number in 0..5_000 {
        let nodes: Vec<String> = (0..16).map(|node| format!("absent-{number}-{node}")).collect();
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        dispatcher.session_opened(session(number + 1), preferring(&nodes));
    }
    // A host comes, and there are 80,000 pools of nodes.
    dispatcher.host_joined(host(HOSTS + 1, 1), now);
    for number in 0..5_000 {
        dispatcher.session_closed(session(number + 1), now);
    }
    // Eight billion looks would take minutes.
    assert!(now.elapsed() < Duration::from_secs(20), "{:?}", now.elapsed());
    assert_eq!(dispatcher.pools.len(), 0);
}

#[test]
fn a_host_that_moves_to_another_node_is_preferred_there() {
    let now = start();
    let mut dispatcher = three_hosts(preferring(&["node9"]), 0, now);
    let moved = Host { node: "node9".into(), ..host(2, 2) };
    dispatcher.host_joined(moved.clone(), now);
    dispatcher.check();
    assert_eq!(edges(&drain(&mut dispatcher, now))[..2], [2, 2]);
    dispatcher.host_left(moved.key);
    dispatcher.check();
    dispatcher.session_closed(session(1), now);
    dispatcher.session_opened(session(2), preferring(&["node9"]));
    dispatcher.check();
}

#[test]
fn a_preferred_node_is_no_way_around_the_labels_that_hosts_must_have() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig { prefetch: 0, ..DispatchConfig::default() });
    dispatcher.host_joined(Host { node: "node1".into(), ..host(1, 2) }, now);
    dispatcher.host_joined(Host { labels: zone("a"), ..host(2, 2) }, now);
    dispatcher.session_opened(session(1), SessionPlan { pool: zone("a"), ..preferring(&["node1"]) });
    dispatcher.offered(session(1), u64::MAX);
    assert_eq!(edges(&drain(&mut dispatcher, now)), [2, 2]);
    dispatcher.check();
}
