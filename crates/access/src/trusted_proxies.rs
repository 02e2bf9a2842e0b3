//! Proxies in front of a listener: whose word counts on where a client connects from.

use crate::network::Network;
use std::net::{IpAddr, SocketAddr};

/// The addresses and networks of proxies that are believed: nobody's by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether nobody is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what this address says of others counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// What is to be said where anyone may call himself what he likes, of the section at `key`.
    #[must_use]
    pub fn warning(&self, key: &str) -> Option<String> {
        self.trusts_all().then(|| {
            format!(
                "{key}.trusted_proxies names everyone: whoever reaches this listener may pretend any address"
            )
        })
    }

    fn trusts_all(&self) -> bool {
        let any = |addresses: [&str; 2]| {
            addresses.iter().filter_map(|address| address.parse().ok()).any(|address| self.trusts(address))
        };
        any(["0.0.0.0", "::"]) && any(["255.255.255.255", "ffff::"])
    }

    /// Who is behind `peer`, which has passed on a request by these hops, the nearest last: the nearest hop that
    /// is not trusted. What stands before it are the words of a stranger.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, hops: &[Option<IpAddr>]) -> SocketAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            match hop {
                // A port is not told.
                Some(ip) if self.trusts(client.ip()) => client = SocketAddr::new(*ip, 0),
                _ => break,
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(trusted: &[&str]) -> TrustedProxies {
        TrustedProxies::new(trusted.iter().map(|network| network.parse().unwrap()).collect())
    }

    #[test]
    fn the_client_is_the_nearest_hop_that_is_not_trusted() {
        let proxies = proxies(&["10.0.0.0/8", "::1"]);
        for (peer, hops, client) in [
            ("192.0.2.1:7", &["203.0.113.9"][..], "192.0.2.1:7"),
            ("10.0.0.1:7", &["203.0.113.9"], "203.0.113.9:0"),
            ("10.0.0.1:7", &["1.1.1.1", "203.0.113.9", "10.2.2.2"], "203.0.113.9:0"),
            ("10.0.0.1:7", &["10.1.1.1", "10.2.2.2"], "10.1.1.1:0"),
            ("10.0.0.1:7", &["203.0.113.9", "?"], "10.0.0.1:7"),
            ("10.0.0.1:7", &["203.0.113.9", "?", "10.2.2.2"], "10.2.2.2:0"),
            ("10.0.0.1:7", &[], "10.0.0.1:7"),
            ("[::1]:7", &["2001:db8::1"], "[2001:db8::1]:0"),
        ] {
            let hops: Vec<Option<IpAddr>> = hops.iter().map(|hop| hop.parse().ok()).collect();
            assert_eq!(proxies.client(peer.parse().unwrap(), &hops), client.parse().unwrap(), "{hops:?}");
        }
    }

    #[test]
    fn to_trust_everyone_is_warned_of() {
        let warns = |network| proxies(&[network]).warning("edgebound.listen").is_some();
        assert!(warns("0.0.0.0/0") && warns("::/0") && !warns("10.0.0.0/8") && !warns("::1"));
    }
}
