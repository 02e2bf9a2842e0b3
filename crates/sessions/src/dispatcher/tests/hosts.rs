//! Hosts that can't be reached, can't offer the service, or come again.

use super::*;

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
