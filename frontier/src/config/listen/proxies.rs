//! The proxies in front of a listener: which of them are believed, and in what.

use frontier_access::TrustedProxies;
use frontier_config::{Choice, Section};
use frontier_transport::{ForwardedField, Network, OriginPattern, ProxyVersion, UpgradeRules};
use std::sync::Arc;

/// Whose word counts on where a client connects from. Nobody's by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// `trusted_proxies`.
    pub trusted: TrustedProxies,
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

impl Proxies {
    /// Reads what a listener that speaks `network` says of proxies, and refuses what would mean nothing there.
    pub(super) fn read(section: &Section<'_>, network: Network) -> Self {
        let proxies = Self {
            trusted: TrustedProxies::new(section.list("trusted_proxies", Vec::new())),
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
        let origins: Vec<OriginPattern> = section.list("allowed_origins", Vec::new());
        let field = section.get("forwarded_header", ForwardedField::XForwardedFor);
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
            allowed_origins: origins,
            forwarded: (!self.trusted.is_empty()).then_some(field),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

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
}
