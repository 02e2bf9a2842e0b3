//! Where connections of foreign protocols go that come to the listeners for edges: `edgebound.bypass`.

use super::membership;
use frontier_config::{Choice, Section};
use frontier_transport::{DialOptions, Endpoint, Scheme};

/// Where connections go that speak neither wire.
#[derive(Clone, Debug)]
pub struct Bypass {
    /// Any of them will do: one at least.
    pub endpoints: Vec<Endpoint>,
    /// How they are dialled.
    pub dial: DialOptions,
}

/// The word for what is below the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word(Scheme);

impl Choice for Word {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("tcp", Self(Scheme::Tcp)), ("tls", Self(Scheme::Tls))];
}

impl Bypass {
    /// `None` where `bypass_enable` is false; what is written beside it must be right all the same.
    pub(super) fn read(edgebound: &Section<'_>) -> Option<Self> {
        let edgebound = edgebound.fixed_as("edgebound.bypass");
        let is_enabled = edgebound.get("bypass_enable", false);
        let section = edgebound.section("bypass");
        let tls = section.section("tls");
        let word = section.get("network", Word(Scheme::Tcp));
        let scheme = if membership::is_tls_enabled(&tls) { Scheme::Tls } else { word.0 };
        let addrs: Vec<String> = section.list("addrs", Vec::new());
        if is_enabled && addrs.is_empty() {
            section.reject("addrs", "must have an address where `bypass_enable` is true");
        }
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for addr in addrs {
            let url = if addr.contains("://") { addr } else { format!("{}://{addr}", scheme.as_str()) };
            match url.parse::<Endpoint>() {
                Ok(endpoint) if matches!(endpoint.scheme(), Scheme::Tcp | Scheme::Tls) => {
                    endpoints.push(endpoint)
                }
                Ok(endpoint) => {
                    section.reject("addrs", format!("{endpoint} is no plain byte stream: use tcp or tls"));
                }
                Err(error) => section.reject("addrs", error.to_string()),
            }
        }
        let is_secured = endpoints.iter().any(Endpoint::is_secured);
        let dial = DialOptions { tls: membership::dial_tls(&tls, is_secured), ..DialOptions::default() };
        let bypass = (is_enabled && !endpoints.is_empty()).then_some(Self { endpoints, dial });
        edgebound.record(&bypass);
        bypass
    }

    /// Where the next connection goes.
    pub(crate) fn choose(&self) -> Option<&Endpoint> {
        use rand::seq::IndexedRandom;
        self.endpoints.choose(&mut rand::rng())
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn read(bypass: &str) -> Result<Option<super::Bypass>, String> {
        let yaml = format!("edgebound: {{{bypass}}}");
        let config = Config::parse(&yaml, &|_| None).map_err(|errors| errors.to_string());
        config.map(|config| config.edgebound.bypass)
    }

    #[test]
    fn where_it_goes_is_an_address_or_a_url() {
        assert!(read("bypass: {addrs: ['a:1']}").unwrap().is_none(), "it is not enabled");
        for (written, dialled) in [
            ("addrs: ['a:1', 'tls://b:2']", ["tcp://a:1", "tls://b:2"]),
            ("network: tls, addrs: ['a:1', 'tcp://b:2']", ["tls://a:1", "tcp://b:2"]),
            ("tls: {enable: true}, addrs: ['a:1', 'b:2']", ["tls://a:1", "tls://b:2"]),
        ] {
            let bypass = read(&format!("bypass_enable: true, bypass: {{{written}}}")).unwrap().unwrap();
            assert_eq!(bypass.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>(), dialled);
            assert!(bypass.endpoints.contains(bypass.choose().unwrap()));
        }
    }

    #[test]
    fn each_mistake_is_found_whether_it_is_enabled_or_not() {
        for (yaml, expected) in [
            ("bypass_enable: true", "edgebound.bypass.addrs: must have an address"),
            ("bypass: {addrs: [a]}", "edgebound.bypass.addrs: "),
            ("bypass: {addrs: ['ws://a:1']}", "edgebound.bypass.addrs: ws://a:1 is no plain byte stream"),
            ("bypass: {network: udp}", "edgebound.bypass.network: "),
            ("bypass: {tls: {mtls: true}}", "edgebound.bypass.tls.mtls: needs"),
            ("bypass: {tls: {cert: a.pem}}", "edgebound.bypass.tls.key: is required"),
            ("bypass: {addr: [a:1]}", "edgebound.bypass.addr: unknown key"),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(expected), "{yaml}: {error}");
        }
    }
}
