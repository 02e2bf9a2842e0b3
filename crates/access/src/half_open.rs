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

    /// The same where the newcomer always has a place, also one whose address is not known: if nobody has more than it, the oldest gives way, of its own
    /// address where that has as many as it may. With the place comes why another one had to give way.
    pub fn enter_for_oldest(self: &Arc<Self>, ip: Option<IpAddr>) -> (Place, Option<Crowded>) {
        let address = ip.map(host);
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
mod tests;
