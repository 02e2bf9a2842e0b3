//! The addresses of gateways, and the order in which they are tried.

use frontier_protocol::PeerText;
use frontier_transport::{Backoff, Downgrade, DowngradeRule, Endpoint, EndpointError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// The longest pause for an address, whatever its gateway asks for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Where gateways are: the addresses that the user has named, and behind them those that a gateway has.
pub(crate) struct Addresses {
    all: Vec<Address>,
    /// How many of them the user, or frontlas, has named. They take turns in being the first.
    named: usize,
    next: usize,
    /// Whether the others are tried beside them now, and before them.
    prefers_others: bool,
    /// What the user has named beside frontlas.
    #[cfg(feature = "cluster")]
    fixed: Vec<Endpoint>,
    /// Where the last connection was.
    last: Option<Endpoint>,
    /// For those that the user has not named.
    rule: DowngradeRule,
    /// The pauses for an address that refuses the client, from the first on.
    refusals: Backoff,
}

struct Address {
    endpoint: Endpoint,
    source: Source,
    /// Its gateway has asked for no attempt before this.
    not_before: Option<Instant>,
    /// The pauses after its refusals.
    refusals: Backoff,
}

/// Who has named an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    User,
    #[cfg(feature = "cluster")]
    Frontlas,
    /// One that goes away.
    Gateway,
}

impl Addresses {
    /// Those in the user's URLs. What others name has to keep to `rule`; one that refuses the client is left alone for the
    /// pauses of `refusals`.
    pub(super) fn parse(
        urls: &[String],
        rule: DowngradeRule,
        refusals: Backoff,
    ) -> Result<Self, EndpointError> {
        let address = |url: &String| Ok(Address::new(url.parse()?, Source::User, &refusals));
        let all = urls.iter().map(address).collect::<Result<Vec<_>, EndpointError>>()?;
        Ok(Self {
            #[cfg(feature = "cluster")]
            fixed: all.iter().map(|address: &Address| address.endpoint.clone()).collect(),
            last: None,
            rule,
            named: all.len(),
            all,
            next: 0,
            prefers_others: false,
            refusals,
        })
    }

    /// Frontlas has named these, the best first. Where the last connection was lost comes behind them: it
    /// may be listed for a while yet.
    #[cfg(feature = "cluster")]
    pub(super) fn found(&mut self, mut found: Vec<Endpoint>) {
        if let Some(place) = found.iter().position(|endpoint| Some(endpoint) == self.last.as_ref()) {
            let last = found.remove(place);
            found.push(last);
        }
        let found = found.into_iter().map(|endpoint| (endpoint, Source::Frontlas));
        let fixed = self.fixed.iter().cloned().map(|endpoint| (endpoint, Source::User));
        let address = |(endpoint, source)| {
            let known = self.all.iter().find(|address| address.endpoint == endpoint);
            let not_before = known.and_then(|address| address.not_before);
            let refusals = known.map_or(&self.refusals, |address| &address.refusals).clone();
            Address { endpoint, source, not_before, refusals }
        };
        let named: Vec<_> = found.chain(fixed).map(address).collect();
        let others = self.all.drain(self.named..).collect::<Vec<_>>();
        self.named = named.len();
        self.all = named;
        self.all.extend(others);
        self.next = 0;
    }

    /// A gateway that goes away names others. What is no address is passed over.
    pub(super) fn prefer(&mut self, urls: &[String]) {
        if urls.is_empty() {
            return;
        }
        self.all.truncate(self.named);
        for url in urls {
            match url.parse() {
                Ok(endpoint) => self.all.push(Address::new(endpoint, Source::Gateway, &self.refusals)),
                Err(error) => {
                    debug!(error = %PeerText(error), "an alternative that a gateway named is left out: its URL can't be read")
                }
            }
        }
        self.prefers_others = true;
    }

    /// There is a connection, to the address at a place.
    pub(super) fn arrived(&mut self, place: usize) {
        self.arrived_at(self.all[place].endpoint.clone());
    }

    /// There is a connection, to an address that is none of these.
    pub(super) fn arrived_at(&mut self, endpoint: Endpoint) {
        self.prefers_others = false;
        self.rule.connected(&endpoint);
        self.last = Some(endpoint);
    }

    /// The address in a URL that a gateway has named, if the client may leave the last one for it.
    pub(super) fn alternative(&self, url: &str) -> Option<Endpoint> {
        let endpoint: Endpoint = match url.parse() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                debug!(error = %PeerText(error), "an alternative that a gateway named is left out: its URL can't be read");
                return None;
            }
        };
        if let Err(error) = self.rule.judge(&endpoint) {
            warn!(error = %PeerText(error), "an alternative that a gateway named is left out");
            return None;
        }
        (Some(&endpoint) != self.last.as_ref()).then_some(endpoint)
    }

    /// Whether the address at a place is none that the user has named.
    pub(super) fn is_alternative(&self, place: usize) -> bool {
        let endpoint = &self.all[place].endpoint;
        self.all[..self.named].iter().all(|address| address.endpoint != *endpoint)
    }

    /// An address that is left out, since it would be a downgrade.
    pub(super) fn left_out(&self) -> Option<Downgrade> {
        self.all.iter().find_map(|address| address.judge(self.rule).err())
    }

    /// The places to try now, each address once.
    pub(super) fn round(&self) -> Vec<usize> {
        let now = Instant::now();
        let may_try = |place: &usize| {
            let address = &self.all[*place];
            if let Err(error) = address.judge(self.rule) {
                warn!(error = %PeerText(error), named_by = ?address.source, "an address is left out");
                return false;
            }
            address.not_before.is_none_or(|not_before| not_before <= now)
        };
        let named = (0..self.named).map(|n| (self.next + n) % self.named).filter(may_try);
        let others = (self.named..self.all.len()).filter(may_try);
        let order: Vec<usize> = match self.prefers_others {
            true => in_turn(others, named),
            false => named.chain(others).collect(),
        };
        let mut round: Vec<usize> = Vec::with_capacity(order.len());
        for place in order {
            if round.iter().all(|before| self.all[*before].endpoint != self.all[place].endpoint) {
                round.push(place);
            }
        }
        round
    }

    /// The endpoint at a place.
    pub(super) fn endpoint(&self, place: usize) -> &Endpoint {
        &self.all[place].endpoint
    }

    /// The endpoint at a place was tried.
    pub(super) fn visited(&mut self, place: usize) {
        self.all[place].not_before = None;
        if place < self.named {
            self.next = (place + 1) % self.named;
        }
    }

    /// The gateway there wants no visit for so long.
    pub(super) fn defer(&mut self, place: usize, after: Duration) {
        self.leave_alone(place, after.min(MAX_RETRY_AFTER));
    }

    fn leave_alone(&mut self, place: usize, pause: Duration) {
        let Some(not_before) = Instant::now().checked_add(pause) else { return };
        let endpoint = self.all[place].endpoint.clone();
        let same = self.all.iter_mut().filter(|address| address.endpoint == endpoint);
        same.for_each(|address| address.not_before = address.not_before.max(Some(not_before)));
    }

    /// The gateway there refuses the client.
    pub(super) fn refused(&mut self, place: usize) {
        let pause = self.all[place].refusals.next_pause();
        self.leave_alone(place, pause);
    }

    /// The gateway where the last connection was has ended it, and refuses the client.
    pub(super) fn turned_away(&mut self) {
        let is_last = |address: &Address| Some(&address.endpoint) == self.last.as_ref();
        if let Some(place) = self.all.iter().position(is_last) {
            self.refused(place);
        }
    }

    /// Refusals from before are history.
    pub(super) fn forget_refusals(&mut self) {
        self.all.iter_mut().for_each(|address| address.refusals.reset());
    }

    /// From when on there is an address that may be tried; `None` if there is one now.
    pub(super) fn not_before(&self) -> Option<Instant> {
        let now = Instant::now();
        self.all
            .iter()
            .filter(|address| address.judge(self.rule).is_ok())
            .map(|address| address.not_before.filter(|not_before| *not_before > now))
            .min()
            .flatten()
    }
}

impl Address {
    fn new(endpoint: Endpoint, source: Source, refusals: &Backoff) -> Self {
        Self { endpoint, source, not_before: None, refusals: refusals.clone() }
    }

    /// The user may go anywhere; others may lead nobody to where TLS is missing.
    fn judge(&self, rule: DowngradeRule) -> Result<(), Downgrade> {
        match self.source {
            Source::User => Ok(()),
            _ => rule.judge(&self.endpoint),
        }
    }
}

/// One of each in turn, and then what is left.
fn in_turn(first: impl IntoIterator<Item = usize>, second: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let turns = std::iter::from_fn(|| match (first.next(), second.next()) {
        (None, None) => None,
        turn => Some(turn),
    });
    turns.flat_map(|(first, second)| [first, second]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(ports: &[u16]) -> Vec<String> {
        ports.iter().map(|port| format!("tcp://h:{port}")).collect()
    }

    fn parse(urls: &[String]) -> Addresses {
        parse_with(urls, DowngradeRule::default())
    }

    fn parse_with(urls: &[String], rule: DowngradeRule) -> Addresses {
        let refusals = Backoff::equal_jitter(Duration::from_secs(1), Duration::from_secs(120));
        Addresses::parse(urls, rule, refusals).unwrap()
    }

    /// The ports in the order of the next round, each visited.
    fn round(addresses: &mut Addresses) -> Vec<u16> {
        let places = addresses.round();
        let visit = |place| {
            addresses.visited(place);
            addresses.endpoint(place).host_port().1
        };
        places.into_iter().map(visit).collect()
    }

    #[test]
    fn those_that_were_named_take_turns() {
        let mut addresses = parse(&urls(&[1, 2, 3]));
        assert_eq!(round(&mut addresses), [1, 2, 3]);
        addresses.visited(0);
        assert_eq!(round(&mut addresses), [2, 3, 1], "the one that was tried last comes last");
    }

    #[test]
    fn alternatives_come_first_and_the_users_own_beside_them_until_there_is_a_connection() {
        let mut addresses = parse(&urls(&[1, 2]));
        let mut others = urls(&[7, 2]);
        others.insert(1, "no address".into());
        addresses.prefer(&others);
        assert_eq!(round(&mut addresses), [7, 1, 2], "each once");
        let is_alternative = [0, 1, 2, 3].map(|place| addresses.is_alternative(place));
        assert_eq!(is_alternative, [false, false, true, false], "the last one is the user's as well");
        addresses.arrived(0);
        addresses.prefer(&[]);
        assert_eq!(round(&mut addresses), [2, 1, 7], "none are named: those of before are as good as ever");
        addresses.prefer(&urls(&[8]));
        assert_eq!(round(&mut addresses), [8, 2, 1]);
        addresses.prefer(&urls(&[4, 5, 6, 7]));
        assert_eq!(
            round(&mut addresses),
            [4, 2, 5, 1, 6, 7],
            "many that are out of reach do not keep it from its own"
        );
    }

    #[test]
    fn a_secured_connection_is_not_left_for_one_that_is_not() {
        let mut addresses = parse(&["tls://h:1".to_owned(), "tcp://h:2".to_owned()]);
        let goes = |addresses: &Addresses, url| addresses.alternative(url).is_some();
        addresses.arrived(0);
        let urls =
            ["tls://h:1", "no address", "tcp://h:3", "ws://h:3", "tls://h:3", "quic://h:3", "wss://h:3"];
        let of = |addresses: &Addresses| urls.map(|url| goes(addresses, url));
        assert_eq!(of(&addresses), [false, false, false, false, true, true, true]);
        addresses.arrived(1);
        assert_eq!(of(&addresses), [true, false, true, true, true, true, true]);
        addresses.arrived_at("wss://h:3".parse().unwrap());
        assert_eq!(of(&addresses), [true, false, false, false, true, true, false]);
    }

    #[test]
    fn nobody_but_the_user_names_an_address_without_tls_to_a_client_that_had_it() {
        let mut addresses = parse(&["tls://h:1".to_owned(), "tcp://h:2".to_owned()]);
        let named = ["tcp://h:3", "quic://h:4", "ws://h:5"].map(str::to_owned);
        addresses.arrived(0);
        addresses.prefer(&named);
        assert_eq!(round(&mut addresses), [4, 1, 2], "the second one is the user's own");
        assert_eq!(addresses.left_out().unwrap().0, "tcp://h:3");
        addresses.arrived(1);
        assert_eq!(round(&mut addresses), [1, 2, 3, 4, 5], "the connection was without");
        addresses.arrived_at("wss://h:4".parse().unwrap());
        assert_eq!(round(&mut addresses), [1, 2, 4], "what was named before is judged anew");
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn what_frontlas_names_is_judged_like_what_a_gateway_names() {
        let found = || ["tcp://h:1", "tls://h:2"].map(|url| url.parse().unwrap()).to_vec();
        let mut addresses = parse(&urls(&[9]));
        addresses.found(found());
        assert_eq!(round(&mut addresses), [1, 2, 9]);
        addresses.arrived(1);
        addresses.found(found());
        assert_eq!(round(&mut addresses), [2, 9], "the user's own is without TLS, and stays");
        let mut addresses = parse_with(&[], DowngradeRule::new(true));
        addresses.found(found());
        assert_eq!(round(&mut addresses), [2], "frontlas is asked over TLS");
        addresses.found(found()[..1].to_vec());
        assert_eq!((round(&mut addresses), addresses.left_out().is_some()), (vec![], true));
    }

    #[cfg(feature = "cluster")]
    #[tokio::test(start_paused = true)]
    async fn what_frontlas_names_comes_first_and_the_last_connection_behind_it() {
        let endpoints = |ports: &[u16]| urls(ports).iter().map(|url| url.parse().unwrap()).collect();
        let mut addresses = parse(&urls(&[9]));
        addresses.found(endpoints(&[1, 2, 3]));
        assert_eq!(round(&mut addresses), [1, 2, 3, 9]);
        addresses.arrived(0);
        addresses.defer(1, Duration::from_secs(1));
        addresses.prefer(&urls(&[7]));
        addresses.found(endpoints(&[2, 1, 3]));
        assert_eq!(round(&mut addresses), [7, 3, 1, 9], "one is to be left alone, and others are preferred");
        addresses.found(Vec::new());
        assert_eq!(round(&mut addresses), [7, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_for_it_is_left_alone_but_not_for_long() {
        let mut addresses = parse(&urls(&[1, 2]));
        let start = Instant::now();
        addresses.defer(0, Duration::from_millis(u32::MAX.into()));
        assert_eq!((addresses.not_before(), round(&mut addresses)), (None, vec![2]));
        addresses.defer(1, Duration::from_secs(7));
        assert_eq!(addresses.not_before(), Some(start + Duration::from_secs(7)));
        assert!(round(&mut addresses).is_empty());
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!((addresses.not_before(), round(&mut addresses)), (None, vec![2]));
        tokio::time::advance(MAX_RETRY_AFTER).await;
        assert_eq!(round(&mut addresses), [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_refuses_is_left_alone_for_longer_and_longer() {
        let mut addresses = parse(&urls(&[1, 2]));
        for least in [500, 1000, 2000] {
            assert!(round(&mut addresses).contains(&1));
            addresses.refused(0);
            assert_eq!(round(&mut addresses), [2], "the others are tried meanwhile");
            tokio::time::advance(Duration::from_millis(least) - Duration::from_millis(1)).await;
            assert_eq!(round(&mut addresses), [2]);
            tokio::time::advance(Duration::from_millis(least + 1)).await;
        }
        addresses.forget_refusals();
        addresses.arrived(0);
        addresses.turned_away();
        assert_eq!(round(&mut addresses), [2]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(round(&mut addresses).contains(&1), "it begins with the shortest pause again");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_for_a_longer_pause_gets_it() {
        let mut addresses = parse(&urls(&[1]));
        addresses.refused(0);
        addresses.defer(0, Duration::from_secs(60));
        addresses.refused(0);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(round(&mut addresses).is_empty());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(round(&mut addresses), [1]);
    }
}
