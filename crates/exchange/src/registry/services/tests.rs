//! Who takes which name, and what a service may register.

use super::*;
use crate::testing::{self, LIMITS};

fn service(id: u64) -> Arc<Peer> {
    testing::lone(testing::service(id))
}

fn claim(services: &Services, service: &Arc<Peer>, topics: &[&str]) -> Option<Arc<Peer>> {
    services.claim(ServiceId(service.number()), service, &[], topics, &LIMITS).unwrap().map(|(old, _)| old)
}

fn add(services: &Services, service: &Arc<Peer>, of: Names, names: &[&str]) -> Result<(), RegistrationError> {
    services.change(service, Registration::Add, of, names, &LIMITS)
}

fn ids(candidates: Option<&routes::Candidates>) -> Vec<u64> {
    candidates.map_or(Vec::new(), |them| them.iter().map(|it| it.service.number()).collect())
}

fn takers(services: &Services, method: &str) -> Vec<u64> {
    ids(services.routes().method(method))
}

fn receivers(services: &Services, topic: &str) -> Vec<u64> {
    ids(services.routes().topic(topic))
}

#[test]
fn a_service_is_found_by_all_that_it_registered_until_it_is_released() {
    let (services, service) = (Services::default(), service(1));
    assert!(claim(&services, &service, &["t1"]).is_none() && service.is_online());
    add(&services, &service, Names::Methods, &["m1", "m2", "m1"]).unwrap();
    add(&services, &service, Names::Topics, &["t2"]).unwrap();
    assert_eq!((takers(&services, "m1"), takers(&services, "t1")), (vec![1], vec![]));
    assert_eq!((receivers(&services, "t1"), receivers(&services, "t2")), (vec![1], vec![1]));
    assert_eq!(ids(services.routes().name("service-1")), [1]);
    services.change(&service, Registration::Remove, Names::Methods, &["m1", "unknown"], &LIMITS).unwrap();
    assert_eq!((takers(&services, "m1"), takers(&services, "m2")), (vec![], vec![1]));
    services.release(&service);
    let routes = services.routes();
    assert!(routes.methods.is_empty() && routes.topics.is_empty() && routes.names.is_empty());
    assert!(!services.is_taken(ServiceId(1)));
}

#[test]
fn a_take_over_keeps_methods_and_topics_and_a_late_release_changes_nothing() {
    let (services, old, new) = (Services::default(), service(1), service(1));
    claim(&services, &old, &["old"]);
    add(&services, &old, Names::Methods, &["echo"]).unwrap();
    let predecessor = claim(&services, &new, &["new"]);
    assert!(predecessor.is_some_and(|it| Arc::ptr_eq(&it, &old)) && !old.is_online());
    for late in [false, true] {
        if late {
            assert_eq!(add(&services, &old, Names::Methods, &["late"]), Err(RegistrationError::Superseded));
            services.release(&old);
        }
        let routes = services.routes();
        for table in
            [routes.method("echo"), routes.topic("old"), routes.topic("new"), routes.name("service-1")]
        {
            assert!(matches!(&table.unwrap()[..], [only] if Arc::ptr_eq(&only.service, &new)));
        }
        assert!(routes.method("late").is_none());
    }
}

#[test]
fn a_registration_is_made_whole_or_not_at_all() {
    let (services, service) = (Services::default(), service(1));
    claim(&services, &service, &[]);
    let long = "x".repeat(LIMITS.name_len + 1);
    let many: Vec<String> = (0..=LIMITS.names).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (names, error) in [
        (vec!["good", ""], RegistrationError::EmptyName),
        (vec!["good", &long], RegistrationError::NameTooLong { len: 256, max: 255 }),
        (many, RegistrationError::TooMany(LIMITS.names)),
    ] {
        assert_eq!(add(&services, &service, Names::Methods, &names), Err(error));
        assert_eq!(takers(&services, names[0]), [] as [u64; 0]);
    }
}

#[test]
fn the_limit_counts_methods_and_topics_and_what_is_taken_over() {
    let limits = Limits { names: 3, ..LIMITS };
    let (services, first, second) = (Services::default(), service(1), service(1));
    let id = ServiceId(1);
    let too_many = RegistrationError::TooMany(3);
    assert_eq!(services.claim(id, &first, &[], &["a", "b", "c", "d"], &limits).unwrap_err(), too_many);
    assert!(!services.is_taken(id) && !first.is_online());
    assert!(services.claim(id, &first, &[], &["a", "b", "a", "b"], &limits).unwrap().is_none());
    let change = |change, of, names: &[&str]| services.change(&first, change, of, names, &limits);
    change(Registration::Add, Names::Methods, &["m"]).unwrap();
    change(Registration::Add, Names::Methods, &["m"]).unwrap();
    assert_eq!(change(Registration::Add, Names::Topics, &["c"]), Err(too_many.clone()));
    // The next connection brings topics of its own, beside those that it takes over.
    assert_eq!(services.claim(id, &second, &[], &["c"], &limits).unwrap_err(), too_many);
    assert!(first.is_online() && receivers(&services, "a") == [1], "the old one goes on");
    change(Registration::Remove, Names::Topics, &["a"]).unwrap();
    assert!(services.claim(id, &second, &[], &["b", "c"], &limits).unwrap().is_some());
    assert!(second.is_online());
}

#[test]
fn names_are_exact() {
    let (services, plain, odd) = (Services::default(), service(1), service(2));
    claim(&services, &plain, &[]);
    claim(&services, &odd, &[]);
    let names = ["echo", "Echo", "écho", "e\u{301}cho", "echo ", "ec\"ho", "ec\\ho", "echo*", "%", "ec\0ho"];
    add(&services, &plain, Names::Methods, &names[..1]).unwrap();
    add(&services, &odd, Names::Methods, &names[1..]).unwrap();
    assert_eq!(takers(&services, "echo"), [1]);
    for name in &names[1..] {
        assert_eq!(takers(&services, name), [2], "{name:?}");
    }
    assert!(takers(&services, "ECHO").is_empty() && takers(&services, "ech").is_empty());
}

#[test]
fn the_catch_all_gets_what_nobody_else_takes() {
    let (services, some, all) = (Services::default(), service(1), service(2));
    claim(&services, &some, &["taken"]);
    assert!(receivers(&services, "other").is_empty());
    claim(&services, &all, &["*"]);
    add(&services, &all, Names::Methods, &["*"]).unwrap();
    assert_eq!((receivers(&services, "taken"), receivers(&services, "other")), (vec![1], vec![2]));
    assert!(takers(&services, "other").is_empty(), "there is none for methods");
    services.release(&some);
    assert_eq!(receivers(&services, "taken"), [2]);
}

#[test]
fn several_takers_stand_in_the_order_in_which_they_came() {
    let services = Services::default();
    for id in [3, 1, 2] {
        let service = service(id);
        claim(&services, &service, &["t", "t"]);
        add(&services, &service, Names::Topics, &["t"]).unwrap();
    }
    assert_eq!(receivers(&services, "t"), [3, 1, 2]);
}

#[test]
fn methods_and_topics_of_the_first_moment_are_claimed_whole_or_not_at_all() {
    let limits = Limits { names: 3, ..LIMITS };
    let (services, first, second) = (Services::default(), service(1), service(1));
    let claim = |service, methods: &[&str], topics: &[&str]| {
        services.claim(ServiceId(1), service, methods, topics, &limits).map(|old| old.is_some())
    };
    let long = "x".repeat(LIMITS.name_len + 1);
    for (methods, error) in [
        (vec!["m1", "m2", "m3"], RegistrationError::TooMany(3)),
        (vec!["m1", ""], RegistrationError::EmptyName),
        (vec!["m1", &long], RegistrationError::NameTooLong { len: 256, max: 255 }),
    ] {
        assert_eq!(claim(&first, &methods, &["t"]), Err(error));
        assert!(takers(&services, "m1").is_empty() && receivers(&services, "t").is_empty());
        assert!(!first.is_online());
    }
    assert_eq!(claim(&first, &["m1", "m2", "m1"], &["t"]), Ok(false));
    assert_eq!((takers(&services, "m1"), receivers(&services, "t")), (vec![1], vec![1]));
    // The next connection names methods of its own, beside those that it takes over.
    assert_eq!(claim(&second, &["m3"], &[]), Err(RegistrationError::TooMany(3)));
    assert_eq!(claim(&second, &["m2", "m1"], &["t"]), Ok(true));
    services.release(&second);
    assert!(takers(&services, "m1").is_empty() && receivers(&services, "t").is_empty());
}

/// Compared by address: whether anything was made anew.
fn snapshot(services: &Services) -> usize {
    Arc::as_ptr(&services.routes()).addr()
}

#[test]
fn what_changes_nothing_costs_nothing() {
    let (services, service) = (Services::default(), service(1));
    claim(&services, &service, &["t"]);
    add(&services, &service, Names::Methods, &["m1", "m2"]).unwrap();
    let before = snapshot(&services);
    add(&services, &service, Names::Methods, &["m2", "m1", "m2"]).unwrap();
    add(&services, &service, Names::Topics, &["t"]).unwrap();
    add(&services, &service, Names::Topics, &[]).unwrap();
    services.change(&service, Registration::Remove, Names::Topics, &["m1", "unknown"], &LIMITS).unwrap();
    assert_eq!(snapshot(&services), before);
    services.change(&service, Registration::Remove, Names::Topics, &["t"], &LIMITS).unwrap();
    assert_ne!(snapshot(&services), before);
}

#[test]
fn a_hundred_services_with_the_same_names_make_a_hundred_lists() {
    let limits = Limits { names: 1000, ..LIMITS };
    let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (services, mut all) = (Services::default(), Vec::new());
    let last =
        |services: &Services| names.iter().map(|name| services.routes().method(name).unwrap().number()).max();
    for id in 1..=100 {
        let service = service(id);
        claim(&services, &service, &[]);
        // In pieces, as they may come.
        for names in names.chunks(7) {
            services.change(&service, Registration::Add, Names::Methods, names, &limits).unwrap();
        }
        all.push(service);
    }
    let numbers: std::collections::HashSet<u64> =
        names.iter().map(|name| services.routes().method(name).unwrap().number()).collect();
    assert_eq!(numbers.len(), 1, "what they have in common they share");
    assert_eq!(takers(&services, "7"), (1..=100).collect::<Vec<_>>());
    let before = last(&services);
    services.release(&all[49]);
    assert_eq!(takers(&services, "999"), (1..=49).chain(51..=100).collect::<Vec<_>>());
    assert!(last(&services) > before);
    let Members { lists, .. } = &*services.members.lock();
    assert!(lists.remembered() <= 3 * 100, "{}", lists.remembered());
}

#[test]
fn the_names_of_one_that_has_left_go_piece_by_piece() {
    let (services, one, other) = (Services::default(), service(1), service(2));
    for service in [&one, &other] {
        claim(&services, service, &["t1", "t2"]);
        add(&services, service, Names::Methods, &["m1", "m2", "m3"]).unwrap();
    }
    let mut pieces = 0;
    while services.withdraw_some(&one, 2, true) {
        pieces += 1;
    }
    assert_eq!(pieces, 3);
    assert_eq!((takers(&services, "m3"), receivers(&services, "t1")), (vec![2], vec![2]));
    assert!(services.is_taken(ServiceId(1)), "its id is its own until it is released");
}
