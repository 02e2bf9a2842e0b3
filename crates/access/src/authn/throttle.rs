//! Slows down credentials that fail again and again, and addresses that try one after the other.

use super::{AuthnError, Credentials};
use crate::bounded_map::{BoundedMap, Retention};
use crate::network::host;
use frontier_config::Section;
use frontier_protocol::Role;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// When what fails is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleConfig {
    /// `failures`: how many in a row are free.
    pub failures: u32,
    /// `window`: after so long without a failure they are forgotten.
    pub window: Duration,
    /// `delay`: how long the next attempt must wait after the last free failure; doubled with each further one.
    pub delay: Duration,
    /// `max_delay`: the longest wait.
    pub max_delay: Duration,
    /// `addresses`: of how many addresses the failures are remembered, and of how many credentials, at some 100
    /// bytes each.
    pub addresses: usize,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            failures: 10,
            window: Duration::from_secs(60),
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
            addresses: 65_536,
        }
    }
}

impl ThrottleConfig {
    /// Reads the `throttle` section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let seconds = Duration::from_secs;
        Self {
            failures: section.within("failures", default.failures, 1..=1_000_000),
            window: section.within("window", default.window, seconds(1)..=seconds(86_400)),
            delay: section.within("delay", default.delay, Duration::from_millis(1)..=seconds(3600)),
            max_delay: section.within(
                "max_delay",
                default.max_delay,
                Duration::from_millis(1)..=seconds(86_400),
            ),
            addresses: section.within("addresses", default.addresses, 1024..=10_000_000),
        }
    }
}

/// Slows down what fails to authenticate again and again, and nobody else.
///
/// What waits is a credential at an address: a device with an old token in a loop holds up no other one behind
/// its address. While it waits it is told so before anything is computed. An address counts the different
/// credentials that have failed from it, so one that guesses waits as well; but only what fails does, so good
/// credentials get in from there at any time. The two sides are apart.
///
/// An address is an IPv4 address or a /64 of IPv6. Attempts that run at the same time all count only when they have
/// failed, so as many as there are threads slip through.
///
/// Memory is bounded: beyond [`ThrottleConfig::addresses`], those that may soonest try again are forgotten.
#[derive(Debug)]
pub struct Throttle {
    config: ThrottleConfig,
    addresses: Mutex<Failures<(Role, IpAddr)>>,
    credentials: Mutex<Failures<Attempt>>,
}

/// Certain credentials, shown from an address to a listener.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    side: Role,
    address: IpAddr,
    /// Of all of it. Half of a SHA-256: nobody finds other credentials for it.
    digest: [u8; 16],
}

impl Attempt {
    /// Of `credentials` from `address`, at the listener of this number.
    #[must_use]
    pub fn new(side: Role, listener: u32, address: IpAddr, credentials: &Credentials<'_>) -> Self {
        let address = host(address);
        let mut digest = Sha256::new();
        digest.update([u8::from(side == Role::Edge), u8::from(side == Role::Service)]);
        digest.update(listener.to_be_bytes());
        digest.update(address.to_string());
        let certificate = credentials.certificate.map(|certificate| &certificate.der[..]);
        for part in [credentials.token.map(str::as_bytes), certificate] {
            // What is not there differs from what is empty.
            digest.update([u8::from(part.is_some())]);
            digest.update(part.map_or(0, <[u8]>::len).to_be_bytes());
            digest.update(part.unwrap_or_default());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let (half, _) = digest.split_first_chunk().expect("it is twice as long");
        Self { side, address, digest: *half }
    }
}

impl PartialEq for Attempt {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Attempt {}

impl Hash for Attempt {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Throttle {
    /// A throttle that has seen no failure.
    #[must_use]
    pub fn new(config: ThrottleConfig, now: Instant) -> Self {
        Self {
            config,
            addresses: Mutex::new(Failures::new(config, now)),
            credentials: Mutex::new(Failures::new(config, now)),
        }
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> ThrottleConfig {
        self.config
    }

    /// Asks whether what is known to fail may be tried now. Others always may.
    ///
    /// # Errors
    /// [`AuthnError::Throttled`] with the time to wait.
    pub fn check(&self, attempt: &Attempt, now: Instant) -> Result<(), AuthnError> {
        self.credentials.lock().wait(attempt, now).map_or(Ok(()), throttled)
    }

    /// Notes a failure.
    ///
    /// # Errors
    /// [`AuthnError::Throttled`] if its address must wait, which tries one after the other: then this one is not
    /// counted.
    pub fn failed(&self, attempt: &Attempt, now: Instant) -> Result<(), AuthnError> {
        let address = (attempt.side, attempt.address);
        if !self.credentials.lock().knows(attempt, now) {
            let mut addresses = self.addresses.lock();
            if let Some(wait) = addresses.wait(&address, now) {
                return throttled(wait);
            }
            addresses.add(address, now);
        }
        self.credentials.lock().add(*attempt, now);
        Ok(())
    }

    /// Notes a success, after which nothing is held against it, nor against its address: whoever holds valid
    /// credentials does not guess.
    pub fn succeeded(&self, attempt: &Attempt) {
        self.credentials.lock().map.remove(attempt);
        self.addresses.lock().map.remove(&(attempt.side, attempt.address));
    }

    /// Forgets which credentials have failed: they are judged by something else from now on.
    pub fn forget_credentials(&self, now: Instant) {
        *self.credentials.lock() = Failures::new(self.config, now);
    }
}

fn throttled(retry_after: Duration) -> Result<(), AuthnError> {
    Err(AuthnError::Throttled { retry_after })
}

/// What has failed, and how often in a row.
#[derive(Debug)]
struct Failures<K> {
    config: ThrottleConfig,
    start: Instant,
    map: BoundedMap<K, Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    /// The last failure, or the end of the wait after it.
    last: Instant,
}

impl<K: Hash + Eq> Failures<K> {
    fn new(config: ThrottleConfig, start: Instant) -> Self {
        Self { config, start, map: BoundedMap::new(config.addresses) }
    }

    fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let record = self.map.get(key)?;
        Some(record.last.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    fn knows(&self, key: &K, now: Instant) -> bool {
        self.map.get(key).is_some_and(|record| !self.config.forgets(record, now))
    }

    fn add(&mut self, key: K, now: Instant) {
        let (config, start) = (self.config, self.start);
        let retention = |record: &Record| {
            if config.forgets(record, now) {
                return Retention::Discard;
            }
            let nanos = record.last.saturating_duration_since(start).as_nanos();
            Retention::Keep(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        let record = self.map.entry(key, || Record { failures: 0, last: now }, retention);
        if config.forgets(record, now) {
            record.failures = 0;
        }
        record.failures = record.failures.saturating_add(1);
        record.last = now + config.wait(record.failures);
    }
}

impl ThrottleConfig {
    fn forgets(&self, record: &Record, now: Instant) -> bool {
        now.saturating_duration_since(record.last) > self.window
    }

    /// The wait after that many failures.
    fn wait(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.failures) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        self.delay.saturating_mul(factor).min(self.max_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let certificate =
            |der: &[u8]| ClientCertificate { der: der.to_vec(), ..ClientCertificate::default() };
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
}
