//! How many may be subscribed, in all and from one address.

use ahash::AHashMap;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;

/// Counts subscribers.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    max_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    by_address: AHashMap<IpAddr, usize>,
}

/// The place of one subscriber; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

/// Why there is no place, with the key that says how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    All(usize),
    Address(usize),
}

impl std::fmt::Display for Crowded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, whence, key) = match self {
            Self::All(count) => (count, "", "subscribers"),
            Self::Address(count) => (count, " from this address", "subscribers_per_address"),
        };
        write!(f, "{count} subscribers are here{whence}, the most there may be (bridge.{key})")
    }
}

impl Places {
    pub(crate) fn new(max: usize, max_per_address: usize) -> Arc<Self> {
        Arc::new(Self { max, max_per_address, taken: Mutex::default() })
    }

    /// A place for a subscriber from there. Of IPv6 a /64 is one address.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Result<Place, Crowded> {
        let address = host(ip);
        let mut taken = self.taken.lock();
        if taken.count >= self.max {
            return Err(Crowded::All(self.max));
        }
        let of_address = taken.by_address.entry(address).or_default();
        if *of_address >= self.max_per_address {
            return Err(Crowded::Address(self.max_per_address));
        }
        *of_address += 1;
        taken.count += 1;
        drop(taken);
        Ok(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.count -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// The first address of its /64 for IPv6, which one host may have to itself.
fn host(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_in_all_and_from_one_address() {
        let places = Places::new(3, 2);
        let [a, b]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let first = places.enter(a).unwrap();
        let _second = places.enter(a).unwrap();
        assert_eq!(places.enter(a).unwrap_err(), Crowded::Address(2));
        let _third = places.enter(b).unwrap();
        let error = places.enter(b).unwrap_err();
        assert_eq!(error.to_string(), "3 subscribers are here, the most there may be (bridge.subscribers)");
        drop(first);
        let again = places.enter(b).unwrap();
        drop(again);
        assert_eq!(places.taken.lock().by_address.len(), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = Places::new(3, 1);
        let _place = places.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(places.enter("2001:db8::2".parse().unwrap()).is_err());
        assert!(places.enter("2001:db8:0:1::1".parse().unwrap()).is_ok());
        let v4 = places.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(places.enter("192.0.2.1".parse().unwrap()).is_err());
        drop(v4);
    }
}
