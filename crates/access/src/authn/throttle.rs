//! Slows down addresses that fail to authenticate again and again.

use super::AuthnError;
use crate::bounded_map::{BoundedMap, Retention};
use crate::network::host;
use frontier_config::Section;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// When an address is slowed down.
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
    /// `addresses`: of how many the failures are remembered, at some 100 bytes each.
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

/// Slows down addresses that fail to authenticate again and again, before anything is computed for them.
///
/// An address is an IPv4 address or a /64 of IPv6. A success clears it: whoever holds valid credentials does
/// not guess, and behind one address there may be many edges, of which one has an old token. Attempts that run
/// at the same time all count only when they have failed, so as many as there are threads slip through.
///
/// Memory is bounded: beyond [`ThrottleConfig::addresses`], those that may soonest try again are forgotten.
#[derive(Debug)]
pub struct Throttle {
    config: ThrottleConfig,
    start: Instant,
    addresses: Mutex<BoundedMap<IpAddr, Record>>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    /// The last failure, or the end of the wait after it.
    last: Instant,
}

impl Throttle {
    /// A throttle that has seen no failure.
    #[must_use]
    pub fn new(config: ThrottleConfig, now: Instant) -> Self {
        Self { config, start: now, addresses: Mutex::new(BoundedMap::new(config.addresses)) }
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> ThrottleConfig {
        self.config
    }

    /// Asks whether `address` may try now.
    ///
    /// # Errors
    /// [`AuthnError::Throttled`] with the time to wait.
    pub fn check(&self, address: IpAddr, now: Instant) -> Result<(), AuthnError> {
        let addresses = self.addresses.lock();
        match addresses.get(&host(address)) {
            Some(record) if record.last > now => {
                Err(AuthnError::Throttled { retry_after: record.last.saturating_duration_since(now) })
            }
            _ => Ok(()),
        }
    }

    /// Notes a failure.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let config = self.config;
        let mut addresses = self.addresses.lock();
        let forgotten = |record: &Record| now.saturating_duration_since(record.last) > config.window;
        let retention = |record: &Record| {
            if forgotten(record) {
                return Retention::Discard;
            }
            let nanos = record.last.saturating_duration_since(self.start).as_nanos();
            Retention::Keep(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        let record = addresses.entry(host(address), || Record { failures: 0, last: now }, retention);
        if forgotten(record) {
            record.failures = 0;
        }
        record.failures = record.failures.saturating_add(1);
        record.last = now + config.wait(record.failures);
    }

    /// Notes a success, which clears the address.
    pub fn succeeded(&self, address: IpAddr) {
        self.addresses.lock().remove(&host(address));
    }
}

impl ThrottleConfig {
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

    fn wait(throttle: &Throttle, address: IpAddr, now: Instant) -> u64 {
        let error = throttle.check(address, now).err();
        error.and_then(|error| error.retry_after()).unwrap_or_default().as_secs()
    }

    #[test]
    fn the_wait_doubles_up_to_a_bound() {
        let start = Instant::now();
        let throttle = throttle(start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..14 {
            throttle.failed(HERE, now);
            waits.push(wait(&throttle, HERE, now));
            now += Duration::from_secs(*waits.last().unwrap());
            assert_eq!(throttle.check(HERE, now), Ok(()), "the wait is over");
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn a_quiet_window_clears_it() {
        let start = Instant::now();
        let throttle = throttle(start);
        throttle.failed(HERE, start);
        throttle.failed(HERE, start);
        let later = start + Duration::from_secs(61);
        throttle.failed(HERE, later);
        assert_eq!(throttle.check(HERE, later), Ok(()));
        throttle.failed(HERE, later);
        throttle.failed(HERE, later);
        assert_eq!(wait(&throttle, HERE, later), 1);
    }

    #[test]
    fn a_success_clears_it() {
        let start = Instant::now();
        let throttle = throttle(start);
        for _ in 0..20 {
            throttle.failed(HERE, start);
            throttle.failed(HERE, start);
            throttle.succeeded(HERE);
        }
        assert_eq!(throttle.check(HERE, start), Ok(()));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_others_do_not_suffer() {
        let start = Instant::now();
        let throttle = throttle(start);
        for host in 1..=3_u16 {
            throttle.failed(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]), start);
        }
        assert_eq!(wait(&throttle, "2001:db8::ffff".parse().unwrap(), start), 1);
        assert_eq!(wait(&throttle, "2001:db8:0:1::1".parse().unwrap(), start), 0);
    }

    #[test]
    fn memory_is_bounded_and_the_longest_waits_are_kept() {
        let start = Instant::now();
        let config = ThrottleConfig { failures: 3, addresses: 1024, ..ThrottleConfig::default() };
        let throttle = Throttle::new(config, start);
        for _ in 0..10 {
            throttle.failed(HERE, start);
        }
        for address in 0..10_000_u32 {
            throttle.failed(IpAddr::V4((0x0a00_0000 + address).into()), start);
        }
        assert!(throttle.addresses.lock().len() <= 1024);
        assert_eq!(wait(&throttle, HERE, start), 128);
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        let config = ThrottleConfig::default();
        assert_eq!(config.wait(u32::MAX), config.max_delay);
    }
}
