//! Bounds on connections of which it is not known yet who they are.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Connections on their way in at once, from all addresses: far more than a cluster has gateways that start at once.
const MAX_HANDSHAKES: usize = 1024;

/// The same from one address, or one /64 of IPv6. Behind one there may be many gateways, on one host or one network.
const MAX_HANDSHAKES_PER_ADDRESS: usize = 128;

/// Counts the connections that have not said who they are. They take no place of those that have.
#[derive(Clone, Default)]
pub(super) struct Handshakes(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    all: usize,
    /// Those that have some, so no more than there are in all.
    by_address: HashMap<IpAddr, usize>,
}

/// A place among them, until it is dropped.
pub(super) struct Place {
    of: Handshakes,
    address: IpAddr,
}

impl Handshakes {
    /// A place for a connection from `addr`, if there is one.
    pub(super) fn take(&self, addr: SocketAddr) -> Option<Place> {
        let address = network(addr.ip());
        let mut counts = self.0.lock();
        let from_there = counts.by_address.get(&address).copied().unwrap_or_default();
        if counts.all >= MAX_HANDSHAKES || from_there >= MAX_HANDSHAKES_PER_ADDRESS {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, from_there + 1);
        Some(Place { of: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.0.lock();
        counts.all -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_by_address_and_in_all_and_given_back() {
        let handshakes = Handshakes::default();
        let from = |text: &str| handshakes.take(SocketAddr::new(text.parse().unwrap(), 1));
        let taken: Vec<_> = std::iter::from_fn(|| from("192.0.2.1")).collect();
        assert_eq!(taken.len(), MAX_HANDSHAKES_PER_ADDRESS);
        assert!(from("::ffff:192.0.2.1").is_none() && from("192.0.2.2").is_some());
        let of_a_64: Vec<_> = (0..=MAX_HANDSHAKES_PER_ADDRESS)
            .filter_map(|host| from(&format!("2001:db8::{host:x}")))
            .collect();
        assert_eq!(of_a_64.len(), MAX_HANDSHAKES_PER_ADDRESS);
        let all: Vec<_> = (0..MAX_HANDSHAKES)
            .filter_map(|host| from(&format!("10.0.{}.{}", host / 256, host % 256)))
            .collect();
        assert_eq!(taken.len() + of_a_64.len() + all.len(), MAX_HANDSHAKES);
        drop((taken, of_a_64, all));
        let counts = handshakes.0.lock();
        assert_eq!((counts.all, counts.by_address.len()), (0, 0));
    }
}
