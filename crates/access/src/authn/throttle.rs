//! Slows down credentials that fail again and again, and addresses that try one after the other.

use super::{AuthnError, Credentials, Side};
use crate::bounded_map::{BoundedMap, Retention};
use crate::network::host;
use frontier_config::Section;
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
        let shortest = Duration::from_millis(1);
        let max_delay = section.within("max_delay", default.max_delay, shortest..=seconds(86_400));
        let delay = section.within("delay", default.delay.min(max_delay), shortest..=seconds(3600));
        if delay > max_delay {
            section.reject("delay", "must not be above `max_delay`: nobody would wait so long");
        }
        Self {
            failures: section.within("failures", default.failures, 1..=1_000_000),
            window: section.within("window", default.window, seconds(1)..=seconds(86_400)),
            delay,
            max_delay,
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
    addresses: Mutex<Failures<(Side, IpAddr)>>,
    credentials: Mutex<Failures<Attempt>>,
}

/// Certain credentials, shown from an address to a listener.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    side: Side,
    address: IpAddr,
    /// Of all of it. Half of a SHA-256: nobody finds other credentials for it.
    digest: [u8; 16],
}

impl Attempt {
    /// Of `credentials` from `address`, at the listener of this number.
    #[must_use]
    pub fn new(side: impl Into<Side>, listener: u32, address: IpAddr, credentials: &Credentials<'_>) -> Self {
        let (side, address) = (side.into(), host(address));
        let mut digest = Sha256::new();
        digest.update([side as u8]);
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
mod tests;
