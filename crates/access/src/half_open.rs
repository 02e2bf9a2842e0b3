//! Limits of connections that have not shown who they are, apart from those of connections that have: strangers
//! never take a place from who is known.

use crate::given_up::GivenUp;
use crate::network::host;
use crate::{LogDecision, LogLimiter};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;

/// How many lines a second may tell of connections that were dropped.
const LINES_PER_SECOND: u32 = 1;

/// Counts the connections of one listener or side that are between their accept and the end of their handshake.
///
/// Where all places are taken, whoever has several gives one up for a newcomer that has fewer, the one that is held
/// longest first: an address that fills the places with silence keeps nobody else out. The same holds among the sites of
/// IPv6, since who has a /48 has 65,536 addresses. Where nobody has more than the newcomer, it is the one that has sent
/// nothing for longest that gives way, and then the oldest: silence from any number of addresses keeps nobody out either.
/// Those of the newcomer's own address are left alone, so it gains nothing by coming again.
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
    by_address: HashMap<Option<IpAddr>, BTreeMap<u64, GivenUp>, ahash::RandomState>,
    /// How many there are of each /48 of IPv6.
    by_site: HashMap<IpAddr, usize, ahash::RandomState>,
    /// Whose each place is: of those that have sent nothing, and of the others.
    silent: BTreeMap<u64, Option<IpAddr>>,
    heard: BTreeMap<u64, Option<IpAddr>>,
}

/// A counted handshake; given back when dropped.
#[derive(Debug)]
pub struct Place {
    half_open: Arc<HalfOpen>,
    address: Option<IpAddr>,
    number: u64,
    given_up: GivenUp,
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
        let given_up = GivenUp::default();
        places.next += 1;
        let number = places.next;
        places.add(address, number, given_up.clone());
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

    /// Takes a place from whoever has most, or else from whoever is silent for longest, or is the oldest.
    fn give_up_for(&mut self, newcomer: Option<IpAddr>) -> bool {
        let Some((address, number)) = self.of_most(newcomer).or_else(|| self.oldest_but(newcomer)) else {
            return false;
        };
        self.remove(address, number).inspect(|given_up| given_up.set()).is_some()
    }

    /// The oldest place of whoever has most, unless that is hardly more than `newcomer` has: of a site first.
    fn of_most(&self, newcomer: Option<IpAddr>) -> Option<(Option<IpAddr>, u64)> {
        let (&address, places) = self.by_address.iter().max_by_key(|(_, places)| places.len())?;
        let crowded = self.by_site.iter().max_by_key(|(_, count)| **count);
        let own = newcomer.and_then(site).and_then(|site| self.by_site.get(&site)).copied();
        let own = own.unwrap_or_else(|| self.of(newcomer));
        if let Some((&crowded, &count)) = crowded
            && count > own + 1
            && count >= places.len()
        {
            let mut oldest = self.silent.iter().chain(&self.heard);
            return oldest
                .find(|(_, of)| of.and_then(site) == Some(crowded))
                .map(|(&number, &of)| (of, number));
        }
        if places.len() <= self.of(newcomer) + 1 {
            return None;
        }
        places.first_key_value().map(|(&oldest, _)| (address, oldest))
    }

    /// The place of another address that has sent nothing for longest, or else that is held longest. Who holds as
    /// many as anybody gets no more in this way, and a site that has several gives up one of its own.
    fn oldest_but(&self, newcomer: Option<IpAddr>) -> Option<(Option<IpAddr>, u64)> {
        let is_known = newcomer.is_some();
        if is_known && self.of(newcomer) > 0 {
            return None;
        }
        let own =
            newcomer.and_then(site).filter(|site| self.by_site.get(site).is_some_and(|count| *count > 1));
        let gives_way = |of: Option<IpAddr>| match own {
            Some(own) => of.and_then(site) == Some(own),
            None => is_known || of.is_none() || self.of(None) == 0,
        };
        let mut oldest = self.silent.iter().chain(&self.heard);
        oldest.find(|(_, of)| gives_way(**of)).map(|(&number, &of)| (of, number))
    }

    fn add(&mut self, address: Option<IpAddr>, number: u64, given_up: GivenUp) {
        self.count += 1;
        self.by_address.entry(address).or_default().insert(number, given_up);
        if let Some(site) = address.and_then(site) {
            *self.by_site.entry(site).or_default() += 1;
        }
        self.silent.insert(number, address);
    }

    fn give_up_oldest_of(&mut self, address: Option<IpAddr>) -> bool {
        let oldest = self.by_address.get(&address).and_then(|places| places.first_key_value());
        let Some((&oldest, _)) = oldest else { return false };
        self.remove(address, oldest).inspect(|given_up| given_up.set()).is_some()
    }

    fn give_up_oldest(&mut self) {
        let first = |(address, places): (&Option<IpAddr>, &BTreeMap<u64, _>)| {
            places.first_key_value().map(|(&number, _)| (number, *address))
        };
        if let Some((_, address)) = self.by_address.iter().filter_map(first).min_by_key(|it| it.0) {
            self.give_up_oldest_of(address);
        }
    }

    fn remove(&mut self, address: Option<IpAddr>, number: u64) -> Option<GivenUp> {
        let places = self.by_address.get_mut(&address)?;
        let removed = places.remove(&number)?;
        if places.is_empty() {
            self.by_address.remove(&address);
        }
        if let Some(site) = address.and_then(site)
            && let Some(count) = self.by_site.get_mut(&site)
        {
            *count -= 1;
            if *count == 0 {
                self.by_site.remove(&site);
            }
        }
        self.silent.remove(&number);
        self.heard.remove(&number);
        self.count -= 1;
        Some(removed)
    }
}

/// The /48 of IPv6 around an address: the most that a site has of its own.
fn site(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(address) => Some(IpAddr::V6((address.to_bits() >> 80 << 80).into())),
        IpAddr::V4(_) => None,
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
        let is_silent = places.silent.contains_key(&self.number);
        let Some(given_up) = places.remove(self.address, self.number) else {
            return Err(Crowded::All(self.half_open.limit));
        };
        self.half_open.check_address(&places, address)?;
        places.add(address, self.number, given_up);
        let of = if is_silent { &mut places.silent } else { &mut places.heard };
        of.insert(self.number, address);
        self.address = address;
        Ok(())
    }

    /// Its peer has sent something.
    pub fn heard(&self) {
        let mut places = self.half_open.places.lock();
        if places.silent.remove(&self.number).is_some() {
            places.heard.insert(self.number, self.address);
        }
    }

    /// Set when the place goes to another connection.
    #[must_use]
    pub fn given_up(&self) -> GivenUp {
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
        place.given_up.is_set()
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
        drop(many);
        assert_eq!(half_open.places.lock().count, 2, "what was given up is not given back twice");
        assert!(!is_given_up(&other) && !is_given_up(&third));
    }

    #[test]
    fn where_all_have_one_place_the_longest_silent_one_gives_way_and_then_the_oldest() {
        let half_open = HalfOpen::new(3, 3);
        let held: Vec<_> = (1..=3).map(|last| half_open.enter(ip(last)).unwrap()).collect();
        held[0].heard();
        assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::All(3), "one that has as many as anybody");
        let fourth = half_open.enter(ip(4)).unwrap();
        assert_eq!(held.iter().map(is_given_up).collect::<Vec<_>>(), [false, true, false]);
        held[2].heard();
        fourth.heard();
        let _fifth = half_open.enter(ip(5)).unwrap();
        let _sixth = half_open.enter(ip(6)).unwrap();
        assert_eq!(
            held.iter().map(is_given_up).collect::<Vec<_>>(),
            [true, true, false],
            "the silent fifth before"
        );
        drop((held, fourth, _fifth, _sixth));
        let places = half_open.places.lock();
        assert!(places.silent.is_empty() && places.heard.is_empty() && places.by_address.is_empty());
    }

    #[test]
    fn silence_from_any_number_of_addresses_keeps_nobody_out() {
        let half_open = HalfOpen::new(600, 100);
        let address =
            |number: u16| Some(IpAddr::from([10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]]));
        let _silent: Vec<_> = (0..1500).map(|number| half_open.enter(address(number)).unwrap()).collect();
        let good = half_open.enter(ip(1)).unwrap();
        good.heard();
        let _more: Vec<_> = (1500..3000).map(|number| half_open.enter(address(number)).unwrap()).collect();
        assert!(!is_given_up(&good));
    }

    #[test]
    fn many_networks_of_one_site_of_ipv6_give_way_before_anybody_else() {
        let half_open = HalfOpen::new(4, 4);
        let of = |text: &str| Some(text.parse().unwrap());
        let others = [half_open.enter(ip(1)).unwrap(), half_open.enter(of("2001:db8:9::1")).unwrap()];
        let site = ["2001:db8:1:1::1", "2001:db8:1:2::1"].map(|text| half_open.enter(of(text)).unwrap());
        let _newcomer = half_open.enter(ip(2)).unwrap();
        assert_eq!(site.each_ref().map(is_given_up), [true, false]);
        assert!(others.iter().all(|place| !is_given_up(place)));
        drop((others, site, _newcomer));
        assert!(half_open.places.lock().by_site.is_empty());
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
