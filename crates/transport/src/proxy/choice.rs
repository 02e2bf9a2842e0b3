//! Which proxy leads to which endpoint: as the program says, or the environment.

use super::{Proxy, ProxyUrlError};
use std::net::IpAddr;
use std::sync::Arc;

/// Which proxy leads to which endpoint.
#[derive(Clone, Debug, Default)]
pub enum ProxyChoice {
    /// None to any.
    #[default]
    Direct,
    /// This one to all. QUIC has none.
    To(Arc<Proxy>),
    /// As the environment says when this is made: see [`from_environment`](Self::from_environment).
    Environment(Arc<Environment>),
}

/// What the variables of the environment say.
#[derive(Debug, Default)]
pub struct Environment {
    secured: Option<Proxy>,
    plain: Option<Proxy>,
    exempt: Vec<Exempt>,
}

/// What no proxy leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    All,
    /// A name and what is below it, of any port or one.
    Name(String, Option<u16>),
    /// The addresses that have this prefix of so many bits in common.
    Network(IpAddr, u8),
}

impl ProxyChoice {
    /// `HTTPS_PROXY` for endpoints over TLS, `ALL_PROXY` where that is not set and for those without, and
    /// `NO_PROXY` for what is reached without a proxy: names, addresses and networks, separated by commas; `*` for all.
    /// Each may be in lower case, which comes first. This machine itself is reached without, and so is what is reached
    /// over QUIC.
    ///
    /// # Errors
    /// [`ProxyUrlError`] and the variable whose value names no proxy.
    pub fn from_environment() -> Result<Self, (&'static str, ProxyUrlError)> {
        let environment = Environment::read(|name| std::env::var(name).ok())?;
        Ok(Self::Environment(Arc::new(environment)))
    }

    /// The proxy to an endpoint over TCP, if there is one.
    #[must_use]
    pub fn to(&self, host: &str, port: u16, is_secured: bool) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::To(proxy) => Some(proxy),
            Self::Environment(environment) => environment.to(host, port, is_secured),
        }
    }
}

impl Environment {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, (&'static str, ProxyUrlError)> {
        let value = |lower: &str, upper| {
            let set = variable(lower).or_else(|| variable(upper));
            set.filter(|value| !value.is_empty())
        };
        let proxy = |lower, upper| {
            let proxy = value(lower, upper).map(|url| {
                // Without a scheme it is HTTP, as for most programs.
                let url = if url.contains("://") { url } else { format!("http://{url}") };
                url.parse::<Proxy>().map_err(|error| (upper, error))
            });
            proxy.transpose()
        };
        let all = proxy("all_proxy", "ALL_PROXY")?;
        let secured = proxy("https_proxy", "HTTPS_PROXY")?.or_else(|| all.clone());
        let exempt = value("no_proxy", "NO_PROXY").unwrap_or_default();
        Ok(Self { secured, plain: all, exempt: exempt.split(',').filter_map(Exempt::parse).collect() })
    }

    fn to(&self, host: &str, port: u16, is_secured: bool) -> Option<&Proxy> {
        let proxy = if is_secured { &self.secured } else { &self.plain };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let address = host.parse::<IpAddr>().ok();
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        if is_here || self.exempt.iter().any(|exempt| exempt.holds(host, address, port)) {
            return None;
        }
        proxy.as_ref()
    }
}

impl Exempt {
    /// What means nothing is passed over, as everywhere.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((network, bits)) = text.split_once('/') {
            return Some(Self::Network(network.parse().ok()?, bits.parse().ok()?));
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Some(Self::Network(address, 128));
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        let name = name.strip_prefix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Self::Name(name.into(), port))
    }

    fn holds(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Name(name, only) => {
                let above = host.strip_suffix(name.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
                    && only.is_none_or(|only| only == port)
            }
            Self::Network(network, bits) => match (network, address) {
                (IpAddr::V4(network), Some(IpAddr::V4(address))) => {
                    let differ = network.to_bits() ^ address.to_bits();
                    differ.leading_zeros() >= u32::from(*bits).min(32)
                }
                (IpAddr::V6(network), Some(IpAddr::V6(address))) => {
                    let differ = network.to_bits() ^ address.to_bits();
                    differ.leading_zeros() >= u32::from(*bits).min(128)
                }
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, (&'static str, ProxyUrlError)> {
        Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn to(environment: &Environment, host: &str, port: u16, is_secured: bool) -> Option<String> {
        environment.to(host, port, is_secured).map(ToString::to_string)
    }

    #[test]
    fn variables_say_which_proxy_leads_where() {
        let set =
            [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "lower:2"), ("ALL_PROXY", "socks5://all")];
        let all = environment(&set).unwrap();
        assert_eq!(to(&all, "h", 1, true).as_deref(), Some("http://lower:2"));
        assert_eq!(to(&all, "h", 1, false).as_deref(), Some("socks5://all:1080"));
        let only = environment(&set[2..]).unwrap();
        assert_eq!(to(&only, "h", 1, true).as_deref(), Some("socks5://all:1080"));
        for here in ["localhost", "127.0.0.9", "::1"] {
            assert_eq!(to(&all, here, 1, true), None, "{here}");
        }
        assert_eq!(to(&environment(&[]).unwrap(), "h", 1, true), None);
        let error = environment(&[("all_proxy", "ftp://h")]).unwrap_err();
        assert_eq!(error, ("ALL_PROXY", ProxyUrlError::Scheme));
    }

    #[test]
    fn what_is_exempt_is_reached_without() {
        let no_proxy = "example.com, .internal,*.corp ,10.1.0.0/16,192.0.2.7,[2001:db8::1],2001:db8:1::/48,h.test:7,,/,x/y";
        let environment = environment(&[("ALL_PROXY", "p:1"), ("no_proxy", no_proxy)]).unwrap();
        for (host, port, direct) in [
            ("example.com", 1, true),
            ("a.EXAMPLE.com.", 1, true),
            ("notexample.com", 1, false),
            ("a.internal", 1, true),
            ("b.a.corp", 1, true),
            ("10.1.2.3", 1, true),
            ("10.2.2.3", 1, false),
            ("192.0.2.7", 1, true),
            ("192.0.2.8", 1, false),
            ("2001:db8::1", 1, true),
            ("2001:db8::2", 1, false),
            ("2001:db8:1::2", 1, true),
            ("h.test", 7, true),
            ("h.test", 8, false),
        ] {
            assert_eq!(to(&environment, host, port, false).is_none(), direct, "{host}:{port}");
        }
        let all = Environment::read(|name| {
            (name != "https_proxy").then(|| if name == "no_proxy" { "*" } else { "p:1" }.into())
        });
        assert_eq!(to(&all.unwrap(), "h", 1, false), None);
    }
}
