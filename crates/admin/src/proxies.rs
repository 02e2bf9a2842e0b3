//! Proxies in front of a server: for whom they pass on requests.

use frontier_access::TrustedProxies;
use frontier_config::Section;
use frontier_transport::ForwardedField;
use http::{HeaderMap, HeaderValue};
use std::net::SocketAddr;

/// Which proxies are believed, and by which header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProxies {
    /// `trusted_proxies`: addresses and networks; none.
    pub trusted: TrustedProxies,
    /// `forwarded_header`: `x-forwarded-for`, or `forwarded`.
    pub field: ForwardedField,
}

impl Default for ServerProxies {
    /// Nobody is believed.
    fn default() -> Self {
        Self { trusted: TrustedProxies::default(), field: ForwardedField::XForwardedFor }
    }
}

impl ServerProxies {
    pub(crate) fn read(listen: &Section<'_>) -> Self {
        let trusted = TrustedProxies::new(listen.list("trusted_proxies", Vec::new()));
        let field = listen.get("forwarded_header", ForwardedField::XForwardedFor);
        if trusted.is_empty() && field != ForwardedField::XForwardedFor {
            listen.reject("forwarded_header", "means nothing without `trusted_proxies`, who write it");
        }
        Self { trusted, field }
    }

    /// Who sends a request with these headers over a connection from `peer`.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusted.trusts(peer.ip()) {
            return peer;
        }
        let values = headers.get_all(self.field.name()).iter().map(HeaderValue::as_bytes);
        self.trusted.client(peer, &self.field.hops(values))
    }
}

/// With IPv4 in its own form, however the socket tells it.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(listen: &str) -> Result<ServerProxies, String> {
        let read = |root: &Section<'_>| ServerProxies::read(&root.section("listen").fixed());
        let yaml = format!("listen: {{{listen}}}");
        frontier_config::load(&yaml, &|_| None, &[], read).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_word_of_trusted_proxies_counts_in_the_header_that_is_theirs() {
        let headers: HeaderMap = [
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-for", "::ffff:192.0.2.8, 10.0.0.9"),
            ("forwarded", "for=192.0.2.9"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
        let client = |listen: &str, peer: &str| {
            read(listen).unwrap().client(peer.parse().unwrap(), &headers).to_string()
        };
        let trusted = "trusted_proxies: [10.0.0.0/8]";
        assert_eq!(client(trusted, "10.0.0.1:5"), "192.0.2.8:0");
        assert_eq!(client(&format!("{trusted}, forwarded_header: forwarded"), "10.0.0.1:5"), "192.0.2.9:0");
        assert_eq!(client(trusted, "192.0.2.1:5"), "192.0.2.1:5", "a stranger");
        assert_eq!(client("", "10.0.0.1:5"), "10.0.0.1:5", "nobody is trusted");
    }

    #[test]
    fn what_would_mean_nothing_is_refused() {
        assert!(read("forwarded_header: forwarded").unwrap_err().contains("listen.forwarded_header: means"));
        assert!(read("trusted_proxies: [10.0.0.1/8]").unwrap_err().contains("listen.trusted_proxies[0]: "));
    }

    #[test]
    fn ipv4_is_itself_on_a_socket_of_ipv6() {
        assert_eq!(canonical("[::ffff:1.2.3.4]:5".parse().unwrap()).to_string(), "1.2.3.4:5");
        assert_eq!(canonical("[::1]:5".parse().unwrap()).to_string(), "[::1]:5");
    }
}
