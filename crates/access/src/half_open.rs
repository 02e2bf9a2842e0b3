//! Limits of connections that have not shown who they are, apart from those of connections that have: strangers
//! never take a place from who is known.

use crate::network::host;
use crate::{LogDecision, LogLimiter};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// How many lines a second may tell of connections that were dropped.
const LINES_PER_SECOND: u32 = 1;

/// Counts the connections of one listener or side that are between their accept and the end of their handshake.
///
/// Where all places are taken, whoever has several gives one up for a newcomer that has fewer, the one that is held
/// longest first: an address that fills the places with silence keeps nobody else out.
#[derive(Debug)]
pub struct HalfOpen {
    limit: usize,
    limit_per_address: usize,
    places: Mutex<Places>,
    dropped: LogLimiter,
}

#[derive(Debug, Default)]
struct Places {
    count: usize,
    next: u64,
    /// Those of one address in the order in which they came. Under `None` are those whose address is not known
    /// yet, or may be made up.
    by_address: HashMap<Option<IpAddr>, BTreeMap<u64, CancellationToken>, ahash::RandomState>,
}

/// A counted handshake; given back when dropped.
#[derive(Debug)]
pub struct Place {
    half_open: Arc<HalfOpen>,
    address: Option<IpAddr>,
    number: u64,
    given_up: CancellationToken,
}

/// Why a handshake is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Crowded {
    /// In all there are as many as there may be.
    #[error("{0} handshakes are under way, the most there may be")]
    All(usize),
    /// From its address there are.
    #[error("{0} handshakes from this address are under way, the most there may be")]
    Address(usize),
}

impl HalfOpen {
    /// So many in all, and from one address or /64 of IPv6.
    #[must_use]
    pub fn new(limit: usize, limit_per_address: usize) -> Arc<Self> {
        let (places, dropped) = (Mutex::default(), LogLimiter::new(LINES_PER_SECOND));
        Arc::new(Self { limit, limit_per_address, places, dropped })
    }

    /// A place for a connection from this address, if that is known.
    ///
    /// # Errors
    /// [`Crowded`] if there is none, and nobody gives one up.
    pub fn enter(self: &Arc<Self>, ip: Option<IpAddr>) -> Result<Place, Crowded> {
        let address = ip.map(host);
        let mut places = self.places.lock();
        self.check_address(&places, address)?;
        if places.count >= self.limit && !places.give_up_for(address) {
            return Err(Crowded::All(self.limit));
        }
        Ok(self.add(&mut places, address))
    }

    /// The same where the newcomer always has a place: if nobody has more than it, the oldest gives way, of its own
    /// address where that has as many as it may. With the place comes why another one had to give way.
    pub fn enter_for_oldest(self: &Arc<Self>, ip: IpAddr) -> (Place, Option<Crowded>) {
        let address = Some(host(ip));
        let mut places = self.places.lock();
        let crowded = if let Err(crowded) = self.check_address(&places, address) {
            places.give_up_oldest_of(address);
            Some(crowded)
        } else if places.count >= self.limit {
            if !places.give_up_for(address) {
                places.give_up_oldest();
            }
            Some(Crowded::All(self.limit))
        } else {
            None
        };
        (self.add(&mut places, address), crowded)
    }

    fn add(self: &Arc<Self>, places: &mut Places, address: Option<IpAddr>) -> Place {
        let given_up = CancellationToken::new();
        places.count += 1;
        places.next += 1;
        let number = places.next;
        places.by_address.entry(address).or_default().insert(number, given_up.clone());
        Place { half_open: self.clone(), address, number, given_up }
    }

    fn check_address(&self, places: &Places, address: Option<IpAddr>) -> Result<(), Crowded> {
        let is_full = address.is_some() && places.of(address) >= self.limit_per_address;
        if is_full { Err(Crowded::Address(self.limit_per_address)) } else { Ok(()) }
    }

    /// Asks for a line in the log that somebody was dropped: there is one a second at most. `Some` is how many were left
    /// out since the last one.
    pub fn admit_line(&self) -> Option<u64> {
        match self.dropped.admit(Instant::now()) {
            LogDecision::Log { suppressed } => Some(suppressed),
            LogDecision::Suppress => None,
        }
    }
}

impl Places {
    fn of(&self, address: Option<IpAddr>) -> usize {
        self.by_address.get(&address).map_or(0, BTreeMap::len)
    }

    /// Takes a place from whoever has most, unless that is hardly more than `newcomer` has.
    fn give_up_for(&mut self, newcomer: Option<IpAddr>) -> bool {
        let most = self.by_address.iter().max_by_key(|(_, places)| places.len());
        let Some((&address, places)) = most else { return false };
        if places.len() <= self.of(newcomer) + 1 {
            return false;
        }
        self.give_up_oldest_of(address)
    }

    fn give_up_oldest_of(&mut self, address: Option<IpAddr>) -> bool {
        let oldest = self.by_address.get(&address).and_then(|places| places.first_key_value());
        let Some((&oldest, _)) = oldest else { return false };
        self.remove(address, oldest).inspect(|given_up| given_up.cancel()).is_some()
    }

    fn give_up_oldest(&mut self) {
        let first = |(address, places): (&Option<IpAddr>, &BTreeMap<u64, _>)| {
            places.first_key_value().map(|(&number, _)| (number, *address))
        };
        if let Some((_, address)) = self.by_address.iter().filter_map(first).min_by_key(|it| it.0) {
            self.give_up_oldest_of(address);
        }
    }

    fn remove(&mut self, address: Option<IpAddr>, number: u64) -> Option<CancellationToken> {
        let places = self.by_address.get_mut(&address)?;
        let removed = places.remove(&number)?;
        if places.is_empty() {
            self.by_address.remove(&address);
        }
        self.count -= 1;
        Some(removed)
    }
}

impl Place {
    /// The address has been found out, or another one.
    ///
    /// # Errors
    /// [`Crowded`] if there are too many from there; the place is given back then.
    pub fn set_address(&mut self, ip: IpAddr) -> Result<(), Crowded> {
        let address = Some(host(ip));
        if address == self.address {
            return Ok(());
        }
        let mut places = self.half_open.places.lock();
        let Some(given_up) = places.remove(self.address, self.number) else {
            return Err(Crowded::All(self.half_open.limit));
        };
        self.half_open.check_address(&places, address)?;
        places.count += 1;
        places.by_address.entry(address).or_default().insert(self.number, given_up);
        self.address = address;
        Ok(())
    }

    /// Cancelled when the place goes to another connection.
    #[must_use]
    pub fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.half_open.places.lock().remove(self.address, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    fn is_given_up(place: &Place) -> bool {
        place.given_up.is_cancelled()
    }

    #[test]
    fn both_limits_hold_and_are_given_back() {
        let half_open = HalfOpen::new(3, 2);
        let first = half_open.enter(ip(1)).unwrap();
        let _second = half_open.enter(ip(1)).unwrap();
        assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::Address(2));
        let _third = half_open.enter(ip(2)).unwrap();
        assert_eq!(half_open.enter(ip(2)).unwrap_err(), Crowded::All(3), "nobody has two more than it");
        drop(first);
        drop(half_open.enter(ip(2)).unwrap());
        drop(_second);
        drop(_third);
        assert!(half_open.places.lock().by_address.is_empty());
        assert_eq!(half_open.places.lock().count, 0);
    }

    #[test]
    fn who_has_many_places_gives_the_oldest_up_for_who_has_none() {
        let half_open = HalfOpen::new(3, 3);
        let many: Vec<_> = (0..3).map(|_| half_open.enter(ip(1)).unwrap()).collect();
        let other = half_open.enter(ip(2)).unwrap();
        assert_eq!(many.iter().map(is_given_up).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(half_open.enter(ip(2)).unwrap_err(), Crowded::All(3), "two beside one is fair");
        let third = half_open.enter(ip(3)).unwrap();
        assert_eq!(many.iter().map(is_given_up).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(half_open.enter(ip(4)).unwrap_err(), Crowded::All(3));
        drop(many);
        assert_eq!(half_open.places.lock().count, 2, "what was given up is not given back twice");
        assert!(!is_given_up(&other) && !is_given_up(&third));
    }

    #[test]
    fn where_newcomers_always_have_a_place_the_oldest_gives_way() {
        let half_open = HalfOpen::new(3, 2);
        let enter = |last| half_open.enter_for_oldest(ip(last).unwrap());
        let (first, second) = (enter(1), enter(1));
        assert!(first.1.is_none() && second.1.is_none());
        let third = enter(1);
        assert_eq!(third.1, Some(Crowded::Address(2)));
        assert!(is_given_up(&first.0) && !is_given_up(&second.0));
        let (other, another) = (enter(2), enter(3));
        assert_eq!((other.1, another.1), (None, Some(Crowded::All(3))));
        assert!(is_given_up(&second.0), "whoever has two has more than whoever has none");
        let last = enter(4);
        assert!(is_given_up(&third.0) && !is_given_up(&other.0), "all have one, and this is the oldest");
        drop((first, second, third));
        assert_eq!(half_open.places.lock().count, 3);
        drop((other, another, last));
        assert_eq!(half_open.places.lock().count, 0);
    }

    #[test]
    fn an_address_counts_once_it_is_known() {
        let half_open = HalfOpen::new(8, 1);
        let mut places: Vec<_> = (0..3).map(|_| half_open.enter(None).unwrap()).collect();
        places[0].set_address(ip(1).unwrap()).unwrap();
        assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::Address(1));
        assert_eq!(places[1].set_address(ip(1).unwrap()), Err(Crowded::Address(1)));
        assert_eq!(half_open.places.lock().count, 2);
        places[2].set_address(ip(2).unwrap()).unwrap();
        places[2].set_address(ip(3).unwrap()).unwrap();
        half_open.enter(ip(2)).unwrap();
        drop(places);
        assert_eq!(half_open.places.lock().count, 0);
    }
}
