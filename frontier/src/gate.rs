//! Limits of how many connections there may be, in all and from one address.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use thiserror::Error;

/// Counts the connections of one side against its limits.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: usize,
    limit_per_address: usize,
    count: AtomicUsize,
    by_address: DashMap<IpAddr, usize, ahash::RandomState>,
}

/// A counted connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    ip: IpAddr,
}

/// Why a connection is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum GateError {
    #[error("{0} connections are open, the most there may be (limits.connections)")]
    Connections(usize),
    #[error(
        "{0} connections from this address are open, the most there may be (limits.connections_per_address)"
    )]
    Address(usize),
}

impl GateError {
    /// The limit that it is about.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Connections(_) => "limits.connections",
            Self::Address(_) => "limits.connections_per_address",
        }
    }
}

impl Gate {
    pub(crate) fn new(limit: usize, limit_per_address: usize) -> Arc<Self> {
        let (count, by_address) = Default::default();
        Arc::new(Self { limit, limit_per_address, count, by_address })
    }

    /// Whether one more would be too many, wherever it came from.
    pub(crate) fn is_full(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= self.limit
    }

    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Result<Permit, GateError> {
        let ip = network(ip);
        let below = |count: usize| (count < self.limit).then_some(count + 1);
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below)
            .map_err(|_| GateError::Connections(self.limit))?;
        let mut from_here = self.by_address.entry(ip).or_insert(0);
        if *from_here >= self.limit_per_address {
            drop(from_here);
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(GateError::Address(self.limit_per_address));
        }
        *from_here += 1;
        Ok(Permit { gate: self.clone(), ip })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.count.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(mut count) = self.gate.by_address.entry(self.ip) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// What counts as one address: of IPv6 the /64, all of which one host may use.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    #[test]
    fn both_limits_hold_and_are_given_back() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(HERE).unwrap();
        let _second = gate.enter(HERE).unwrap();
        assert_eq!(gate.enter(HERE).unwrap_err(), GateError::Address(2));
        let _third = gate.enter(THERE).unwrap();
        assert_eq!(gate.enter(THERE).unwrap_err(), GateError::Connections(3));
        drop(first);
        gate.enter(HERE).unwrap();
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let gate = Gate::new(3, 1);
        let _first = gate.enter("2001:db8::1".parse().unwrap()).unwrap();
        let second = gate.enter("2001:db8::2:1".parse().unwrap());
        assert_eq!(second.unwrap_err(), GateError::Address(1));
        gate.enter("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let gate = Gate::new(1, 1);
        drop(gate.enter(HERE).unwrap());
        assert!(gate.by_address.is_empty());
    }
}
