//! Hosts.

use super::pool::PoolIndex;
use super::{Balance, DispatchConfig};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is said of a host by others: its region, its kind of processor.
pub type Labels = BTreeMap<String, String>;

/// Names a host: which edge it is, and in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    /// Its edge id at the gateway.
    pub edge: u64,
    /// Greater with each start of the host.
    pub generation: u64,
}

/// What a host says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Names it.
    pub key: HostKey,
    /// The machine that it runs on.
    pub node: String,
    /// How many calls it does at once; at least 1.
    pub capacity: u32,
    /// What it has.
    pub labels: Labels,
    /// How many calls it has, by its own count.
    pub depth: u32,
}

/// How a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostState {
    /// It is called.
    Ready,
    /// It could not be reached, and is left alone until then.
    Blocked(Instant),
    /// It ends what it has.
    Draining,
    /// It is not there any more.
    Gone,
}

/// The order in which hosts are chosen: with places within the capacity first, then by the balance, then who had none for the
/// longest time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    is_full: bool,
    load: u64,
    last_grant: u64,
}

impl Rank {
    /// Whether a call would begin at once at the host that has it.
    pub(super) fn begins_at_once(self) -> bool {
        !self.is_full
    }
}

#[derive(Debug)]
pub(super) struct HostEntry {
    pub(super) host: Host,
    pub(super) state: HostState,
    pub(super) in_flight: u32,
    pub(super) last_grant: u64,
    /// The pools that it is in.
    pub(super) pools: Vec<PoolIndex>,
    /// As what it stands among the free ones.
    pub(super) rank: Option<Rank>,
    pub(super) is_touched: bool,
    /// When it came, until it has answered.
    initializing_since: Option<Instant>,
    /// How often in a row it could not be reached.
    failures: u32,
}

/// A host that starts gets a tenth more than it is said to need, as the way there takes time too.
const SLACK: u32 = 10;

impl HostEntry {
    pub(super) fn new(host: Host, pools: Vec<PoolIndex>, now: Instant) -> Self {
        Self {
            host,
            state: HostState::Ready,
            in_flight: 0,
            last_grant: 0,
            pools,
            rank: None,
            is_touched: false,
            initializing_since: Some(now),
            failures: 0,
        }
    }

    fn capacity(&self) -> u32 {
        self.host.capacity.max(1)
    }

    /// Its place among the free ones, if it is one.
    pub(super) fn free_as(&self, config: &DispatchConfig) -> Option<Rank> {
        let most = u64::from(self.capacity()) * (1 + u64::from(config.prefetch));
        if self.state != HostState::Ready || u64::from(self.in_flight) >= most {
            return None;
        }
        let in_flight = u64::from(self.in_flight);
        let load = match config.balance {
            Balance::RoundRobin => 0,
            Balance::LeastConnections => in_flight * 0x1_0000 / u64::from(self.capacity()),
            Balance::QueueDepth => in_flight.max(u64::from(self.host.depth)),
        };
        Some(Rank { is_full: !self.takes_at_once(), load, last_grant: self.last_grant })
    }

    /// Whether a call would begin there at once.
    pub(super) fn takes_at_once(&self) -> bool {
        self.state == HostState::Ready && self.in_flight < self.capacity()
    }

    pub(super) fn answered(&mut self) {
        self.initializing_since = None;
        self.failures = 0;
    }

    /// For how long it is left alone, now that it could not be reached.
    pub(super) fn pause(&mut self, config: &DispatchConfig, now: Instant) -> Duration {
        let initialization = config.initialization + config.initialization / SLACK;
        let is_starting = self
            .initializing_since
            .is_some_and(|since| now.saturating_duration_since(since) < initialization);
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if is_starting {
            let doubled = Duration::from_secs(1 << failures.min(10));
            return doubled.min(config.retry_period.max(Duration::from_secs(1)));
        }
        config.retry_period
    }
}
