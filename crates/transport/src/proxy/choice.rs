//! Which proxy leads to which endpoint: as the program says, or the environment.

use super::{Proxy, ProxyUrlError};
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;

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
#[derive(Debug)]
pub struct Environment {
    secured: Variable,
    plain: Variable,
    exempt: Vec<Exempt>,
}

/// A variable that is of no use is told where it would be used: it may be meant for other programs, and must not keep
/// one from what is reached without a proxy.
type Variable = Result<Option<Proxy>, ProxyVariableError>;

/// A variable of the environment that names no proxy. Its value is not shown, since it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the environment's {variable}: {error}")]
pub struct ProxyVariableError {
    /// Which one.
    pub variable: &'static str,
    /// What is wrong with it.
    pub error: ProxyUrlError,
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
    /// Each may be in lower case, which comes first. This machine itself, as `localhost` or a loopback address, is reached
    /// without whatever they say, and so is what is reached over QUIC.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::Environment(Arc::new(Environment::read(|name| std::env::var(name).ok())))
    }

    /// The proxy to an endpoint over TCP, if there is one.
    ///
    /// # Errors
    /// [`ProxyVariableError`] if the environment has one for it, and it is of no use.
    pub fn to(&self, host: &str, port: u16, is_secured: bool) -> Result<Option<&Proxy>, ProxyVariableError> {
        match self {
            Self::Direct => Ok(None),
            Self::To(proxy) => Ok(Some(proxy)),
            Self::Environment(environment) => environment.to(host, port, is_secured),
        }
    }
}

impl Environment {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |lower: &'static str, upper: &'static str| {
            let set = [lower, upper].into_iter().find_map(|name| Some((name, variable(name)?)));
            set.filter(|(_, value)| !value.is_empty())
        };
        let proxy = |lower, upper| {
            let proxy = value(lower, upper).map(|(variable, url)| {
                // Without a scheme it is HTTP, as for most programs.
                let url = if url.contains("://") { url } else { format!("http://{url}") };
                url.parse::<Proxy>().map_err(|error| ProxyVariableError { variable, error })
            });
            proxy.transpose()
        };
        let plain = proxy("all_proxy", "ALL_PROXY");
        let secured = match proxy("https_proxy", "HTTPS_PROXY") {
            Ok(None) => plain.clone(),
            set => set,
        };
        let exempt = value("no_proxy", "NO_PROXY").map(|(_, value)| value).unwrap_or_default();
        Self { secured, plain, exempt: exempt.split(',').filter_map(Exempt::parse).collect() }
    }

    fn to(&self, host: &str, port: u16, is_secured: bool) -> Result<Option<&Proxy>, ProxyVariableError> {
        let proxy = if is_secured { &self.secured } else { &self.plain };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        if is_here || self.exempt.iter().any(|exempt| exempt.holds(host, address, port)) {
            return Ok(None);
        }
        proxy.as_ref().map(Option::as_ref).map_err(|error| *error)
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
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
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

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn to(environment: &Environment, host: &str, port: u16, is_secured: bool) -> Option<String> {
        environment.to(host, port, is_secured).unwrap().map(ToString::to_string)
    }

    #[test]
    fn variables_say_which_proxy_leads_where() {
        let set =
            [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "lower:2"), ("ALL_PROXY", "socks5://all")];
        let all = environment(&set);
        assert_eq!(to(&all, "h", 1, true).as_deref(), Some("http://lower:2"));
        assert_eq!(to(&all, "h", 1, false).as_deref(), Some("socks5://all:1080"));
        let only = environment(&set[2..]);
        assert_eq!(to(&only, "h", 1, true).as_deref(), Some("socks5://all:1080"));
        let disabled = environment(&[("https_proxy", ""), set[0]]);
        assert_eq!(to(&disabled, "h", 1, true), None, "what is empty in lower case hides the other");
        assert_eq!(to(&environment(&[]), "h", 1, true), None);
    }

    #[test]
    fn this_machine_itself_is_reached_without_the_proxy_of_the_environment_and_through_that_of_the_program() {
        let all = environment(&[("ALL_PROXY", "p:1")]);
        let program = ProxyChoice::To(Arc::new("http://p:1".parse().unwrap()));
        for here in ["localhost", "LocalHost.", "127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"] {
            for is_secured in [false, true] {
                assert_eq!(to(&all, here, 1, is_secured), None, "{here}");
            }
            assert!(program.to(here, 1, true).unwrap().is_some(), "{here}");
        }
        for elsewhere in ["localhost.example", "10.0.0.1", "0.0.0.0"] {
            assert!(to(&all, elsewhere, 1, false).is_some(), "{elsewhere}");
        }
    }

    #[test]
    fn a_variable_of_no_use_is_told_only_where_it_would_be_used() {
        let wrong = environment(&[("https_proxy", "https://user:s3cret@h:1"), ("NO_PROXY", "direct.test")]);
        for (host, is_secured) in [("localhost", true), ("direct.test", true), ("h.test", false)] {
            assert_eq!(to(&wrong, host, 1, is_secured), None, "{host}");
        }
        let error = wrong.to("h.test", 1, true).unwrap_err();
        assert_eq!(error, ProxyVariableError { variable: "https_proxy", error: ProxyUrlError::Scheme });
        assert!(!format!("{error} {error:?} {wrong:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_exempt_is_reached_without() {
        let no_proxy = "example.com, .internal,*.corp ,10.1.0.0/16,192.0.2.7,[2001:db8::1],2001:db8:1::/48,[2001:db8:2::1]:7,h.test:7,,/,x/y";
        let environment = environment(&[("ALL_PROXY", "p:1"), ("no_proxy", no_proxy)]);
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
            ("2001:db8:2::1", 7, true),
            ("2001:db8:2::1", 8, false),
            ("h.test", 7, true),
            ("h.test", 8, false),
        ] {
            assert_eq!(to(&environment, host, port, false).is_none(), direct, "{host}:{port}");
        }
        let all = Environment::read(|name| {
            (name != "https_proxy").then(|| if name == "no_proxy" { "*" } else { "p:1" }.into())
        });
        assert_eq!(to(&all, "h", 1, false), None);
    }
}
