//! The proxies in front of a listener: which of them are believed, and in what.

use frontier_access::Network as Addresses;
use frontier_config::{Choice, FromValue, Invalid, Section, Value};
use frontier_transport::{ForwardedField, Network, OriginPattern, ProxyVersion, UpgradeRules};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Whose word counts on where a client connects from. Nobody's by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// `trusted_proxies`.
    pub trusted: Vec<Addresses>,
    /// `proxy_protocol`.
    pub protocol: ProxyProtocol,
    /// `proxy_protocol_optional`: whether a trusted proxy may leave the header out.
    pub is_optional: bool,
}

/// Which versions of the PROXY protocol are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None.
    #[default]
    Off,
    /// Version 1, of text.
    V1,
    /// Version 2, binary.
    V2,
    /// Either.
    Any,
}

impl Choice for ProxyProtocol {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("v1", Self::V1), ("v2", Self::V2), ("any", Self::Any)];
}

impl ProxyProtocol {
    pub(crate) fn takes(self, version: ProxyVersion) -> bool {
        match self {
            Self::Off => false,
            Self::V1 => version == ProxyVersion::V1,
            Self::V2 => version == ProxyVersion::V2,
            Self::Any => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Field(ForwardedField);

impl Choice for Field {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("x-forwarded-for", Self(ForwardedField::XForwardedFor)),
        ("forwarded", Self(ForwardedField::Forwarded)),
    ];
}

#[derive(Debug)]
struct Origin(OriginPattern);

impl FromValue for Origin {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "an origin such as https://app.example or https://*.example:8443, `null`, or `*` for any";
        value.parse(what).map(Self)
    }
}

impl Proxies {
    /// Reads what a listener that speaks `network` says of proxies, and refuses what would mean nothing there.
    pub(super) fn read(section: &Section<'_>, network: Network) -> Self {
        let proxies = Self {
            trusted: section.list("trusted_proxies", Vec::new()),
            protocol: section.get("proxy_protocol", ProxyProtocol::Off),
            is_optional: section.get("proxy_protocol_optional", false),
        };
        let is_spoken = proxies.protocol != ProxyProtocol::Off;
        if network == Network::Quic && is_spoken {
            section.reject("proxy_protocol", "must be off for `network: quic`, whose proxies don't speak it");
        } else if is_spoken && proxies.trusted.is_empty() {
            let text = "must name the addresses or networks of the proxies that speak `proxy_protocol`";
            section.reject("trusted_proxies", text);
        }
        if proxies.is_optional && !is_spoken {
            section.reject("proxy_protocol_optional", "means nothing while `proxy_protocol` is off");
        }
        if !is_spoken && matches!(network, Network::Tcp | Network::Quic) && !proxies.trusted.is_empty() {
            let text = "are believed in nothing here: `proxy_protocol` is off, and no WebSocket is spoken";
            section.reject("trusted_proxies", text);
        }
        proxies
    }

    /// By what requests for a WebSocket are judged.
    pub(super) fn read_upgrade(&self, section: &Section<'_>, network: Network) -> Arc<UpgradeRules> {
        let origins = section.list("allowed_origins", Vec::new());
        let field = section.get("forwarded_header", Field(ForwardedField::XForwardedFor)).0;
        if matches!(network, Network::Tcp | Network::Quic) {
            let text = "means nothing here: no WebSocket is spoken";
            if !origins.is_empty() {
                section.reject("allowed_origins", text);
            }
            if field != ForwardedField::XForwardedFor {
                section.reject("forwarded_header", text);
            }
        }
        Arc::new(UpgradeRules {
            allowed_origins: origins.into_iter().map(|Origin(origin)| origin).collect(),
            forwarded: (!self.trusted.is_empty()).then_some(field),
        })
    }

    /// Whether what this address says of others counts.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Whether anyone may call himself what he likes.
    pub(super) fn trusts_all(&self) -> bool {
        ["0.0.0.0", "::"].iter().filter_map(|all| all.parse().ok()).any(|all| self.trusts(all))
            && ["255.255.255.255", "ffff::"]
                .iter()
                .filter_map(|all| all.parse().ok())
                .any(|all| self.trusts(all))
    }

    /// Who is behind `peer`, which has passed on a request by these hops, the nearest last: the nearest hop that
    /// is not trusted. What stands before it are the words of a stranger.
    pub(crate) fn client(&self, peer: SocketAddr, hops: &[Option<IpAddr>]) -> SocketAddr {
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
    use crate::Config;

    fn proxies(trusted: &[&str]) -> Proxies {
        let list = trusted.iter().map(|network| format!("'{network}'")).collect::<Vec<_>>().join(", ");
        let yaml = format!("edgebound: {{listen: {{network: ws, trusted_proxies: [{list}]}}}}");
        Config::parse(&yaml, &|_| None).unwrap().edgebound.listeners.remove(0).proxies
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
    fn what_would_mean_nothing_is_refused() {
        let mistakes = |listen: &str| {
            let yaml = format!("edgebound: {{listen: {{addr: 127.0.0.1:1, {listen}}}}}");
            let errors = Config::parse(&yaml, &|_| None).map(drop).unwrap_err();
            errors.mistakes().iter().map(|it| it.path().to_owned()).collect::<Vec<_>>()
        };
        let path = |key: &str| vec![format!("edgebound.listen.{key}")];
        assert_eq!(mistakes("proxy_protocol: v2"), path("trusted_proxies"));
        assert_eq!(mistakes("trusted_proxies: [10.0.0.1]"), path("trusted_proxies"));
        assert_eq!(mistakes("proxy_protocol_optional: true"), path("proxy_protocol_optional"));
        assert_eq!(mistakes("network: ws, trusted_proxies: [10.0.0.1/8]"), path("trusted_proxies[0]"));
        assert_eq!(mistakes("network: ws, allowed_origins: [app.example]"), path("allowed_origins[0]"));
        assert_eq!(mistakes("allowed_origins: ['https://app.example']"), path("allowed_origins"));
        assert_eq!(mistakes("forwarded_header: forwarded"), path("forwarded_header"));
        assert_eq!(mistakes("proxy_protocol: v3, trusted_proxies: [10.0.0.1]")[0], path("proxy_protocol")[0]);
        Config::parse("edgebound: {listen: {proxy_protocol: any, trusted_proxies: [10.0.0.1]}}", &|_| None)
            .unwrap();
    }

    #[test]
    fn to_trust_everyone_is_warned_of() {
        let warns = |network| proxies(&[network]).trusts_all();
        assert!(warns("0.0.0.0/0") && warns("::/0") && !warns("10.0.0.0/8") && !warns("::1"));
    }
}
