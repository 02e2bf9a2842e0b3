//! Who waits after failures, for how long, and who does not.

use super::*;
use frontier_protocol::Role;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn throttle(start: Instant) -> Throttle {
    let config = ThrottleConfig { failures: 3, ..ThrottleConfig::default() };
    Throttle::new(config, start)
}

fn shown(token: &str, address: IpAddr) -> Attempt {
    Attempt::new(Role::Edge, 0, address, &Credentials { token: Some(token), certificate: None })
}

/// The wait before anything is computed.
fn wait(throttle: &Throttle, attempt: &Attempt, now: Instant) -> u64 {
    seconds(throttle.check(attempt, now))
}

fn seconds(result: Result<(), AuthnError>) -> u64 {
    result.err().and_then(|error| error.retry_after()).unwrap_or_default().as_secs()
}

#[test]
fn the_wait_of_credentials_doubles_up_to_a_bound() {
    let start = Instant::now();
    let (throttle, old) = (throttle(start), shown("old", HERE));
    let mut now = start;
    let mut waits = Vec::new();
    for _ in 0..14 {
        assert_eq!(throttle.failed(&old, now), Ok(()));
        waits.push(wait(&throttle, &old, now));
        now += Duration::from_secs(*waits.last().unwrap());
        assert_eq!(throttle.check(&old, now), Ok(()), "the wait is over");
    }
    assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[test]
fn others_behind_the_address_are_not_held_up_by_credentials_in_a_loop() {
    let start = Instant::now();
    let (throttle, old) = (throttle(start), shown("old", HERE));
    for _ in 0..1000 {
        let _ = throttle.failed(&old, start);
    }
    assert_eq!(wait(&throttle, &old, start), 300);
    let other = shown("other", HERE);
    assert_eq!(throttle.check(&other, start), Ok(()));
    assert_eq!(throttle.failed(&other, start), Ok(()), "it hears what is wrong with it");
}

#[test]
fn an_address_that_tries_one_after_the_other_waits_with_what_fails_and_only_that() {
    let start = Instant::now();
    let throttle = throttle(start);
    let guess = |number: u32, now| throttle.failed(&shown(&number.to_string(), HERE), now);
    for number in 0..3 {
        assert_eq!(guess(number, start), Ok(()));
    }
    assert_eq!(seconds(guess(3, start)), 1);
    assert_eq!(throttle.check(&shown("good", HERE), start), Ok(()));
    let later = start + Duration::from_secs(1);
    assert_eq!(guess(4, later), Ok(()));
    assert_eq!(seconds(guess(5, later)), 2);
}

#[test]
fn sides_listeners_and_addresses_are_apart() {
    let start = Instant::now();
    let throttle = throttle(start);
    let credentials = Credentials { token: Some("old"), certificate: None };
    let at = |side, listener, address| Attempt::new(side, listener, address, &credentials);
    for _ in 0..3 {
        throttle.failed(&at(Role::Edge, 0, HERE), start).unwrap();
    }
    assert_eq!(wait(&throttle, &at(Role::Edge, 0, HERE), start), 1);
    let elsewhere = IpAddr::from([192, 0, 2, 1]);
    for other in [
        at(Role::Service, 0, HERE),
        at(Role::Frontier, 0, HERE),
        at(Role::Edge, 1, HERE),
        at(Role::Edge, 0, elsewhere),
    ] {
        assert_eq!(throttle.check(&other, start), Ok(()));
    }
    for guess in 0..9 {
        let _ = throttle.failed(&shown(&guess.to_string(), HERE), start);
    }
    assert_eq!(throttle.failed(&at(Role::Service, 0, HERE), start), Ok(()));
}

#[test]
fn what_is_shown_is_told_apart() {
    use crate::authn::ClientCertificate;
    let certificate = |der: &[u8]| ClientCertificate { der: der.to_vec(), ..ClientCertificate::default() };
    let (one, other) = (certificate(b"one"), certificate(b"other"));
    let shown = [
        (None, None),
        (Some(""), None),
        (Some("one"), None),
        (None, Some(&one)),
        (None, Some(&other)),
        (Some("one"), Some(&one)),
    ]
    .map(|(token, certificate)| Attempt::new(Role::Edge, 0, HERE, &Credentials { token, certificate }));
    for (index, attempt) in shown.iter().enumerate() {
        assert_eq!(shown.iter().position(|other| other == attempt), Some(index));
    }
}

#[test]
fn a_quiet_window_clears_it() {
    let start = Instant::now();
    let (throttle, old) = (throttle(start), shown("old", HERE));
    let fail = |now| throttle.failed(&old, now).unwrap();
    fail(start);
    fail(start);
    let later = start + Duration::from_secs(61);
    fail(later);
    assert_eq!(throttle.check(&old, later), Ok(()));
    fail(later);
    fail(later);
    assert_eq!(wait(&throttle, &old, later), 1);
}

#[test]
fn a_success_clears_it_and_so_does_another_judge() {
    let start = Instant::now();
    let (throttle, late) = (throttle(start), shown("late", HERE));
    for _ in 0..20 {
        throttle.failed(&late, start).unwrap();
        throttle.failed(&late, start).unwrap();
        throttle.succeeded(&late);
    }
    assert_eq!(throttle.check(&late, start), Ok(()));
    for _ in 0..9 {
        let _ = throttle.failed(&late, start);
    }
    assert_ne!(throttle.check(&late, start), Ok(()));
    throttle.forget_credentials(start);
    assert_eq!(throttle.check(&late, start), Ok(()));
}

#[test]
fn an_ipv6_network_counts_as_one_address_and_others_do_not_suffer() {
    let start = Instant::now();
    let throttle = throttle(start);
    for host in 1..=3_u16 {
        let address = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]);
        throttle.failed(&shown("old", address), start).unwrap();
    }
    assert_eq!(wait(&throttle, &shown("old", "2001:db8::ffff".parse().unwrap()), start), 1);
    assert_eq!(wait(&throttle, &shown("old", "2001:db8:0:1::1".parse().unwrap()), start), 0);
}

#[test]
fn memory_is_bounded_and_the_longest_waits_are_kept() {
    let start = Instant::now();
    let config = ThrottleConfig { failures: 3, addresses: 1024, ..ThrottleConfig::default() };
    let (throttle, old) = (Throttle::new(config, start), shown("old", HERE));
    for _ in 0..10 {
        throttle.failed(&old, start).unwrap();
    }
    for address in 0..10_000_u32 {
        let address = IpAddr::V4((0x0a00_0000 + address).into());
        throttle.failed(&shown("old", address), start).unwrap();
    }
    assert!(throttle.addresses.lock().map.len() <= 1024);
    assert!(throttle.credentials.lock().map.len() <= 1024);
    assert_eq!(wait(&throttle, &old, start), 128);
}

#[test]
fn huge_counts_do_not_overflow() {
    let config = ThrottleConfig::default();
    assert_eq!(config.wait(u32::MAX), config.max_delay);
}

#[test]
fn a_first_wait_above_the_longest_is_a_mistake_and_the_default_gives_way() {
    let read = |yaml: &str| {
        let document = frontier_config::Document::parse(yaml, &|_| None).unwrap();
        let config = ThrottleConfig::read(&document.root());
        document.finish().map(|_| config)
    };
    let errors = read("{delay: 10s, max_delay: 5s}").unwrap_err();
    assert_eq!(errors.mistakes().iter().map(|it| it.path()).collect::<Vec<_>>(), ["delay"]);
    assert_eq!(read("{max_delay: 500ms}").unwrap().delay, Duration::from_millis(500));
    assert_eq!(read("{delay: 5s, max_delay: 5s}").unwrap().delay, Duration::from_secs(5));
}
