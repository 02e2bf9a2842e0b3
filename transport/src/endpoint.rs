use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Where a dialler connects to, as a URL: `tcp://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

/// A URL that names no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// No `scheme://` in front.
    #[error("`{0}` has no scheme; write it as tcp://host:port")]
    NoScheme(String),
    /// A scheme that this version does not speak.
    #[error("`{0}` is no scheme that is spoken here; use tcp")]
    UnknownScheme(String),
    /// No port, or one that is no number from 1 to 65535.
    #[error("`{0}` has no valid port; write it as tcp://host:port")]
    Port(String),
    /// No host.
    #[error("`{0}` has no host; write it as tcp://host:port")]
    Host(String),
}

impl Endpoint {
    /// The host name or address, without brackets, and the port.
    #[must_use]
    pub fn host_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| EndpointError::NoScheme(url.into()))?;
        if scheme != "tcp" {
            return Err(EndpointError::UnknownScheme(scheme.into()));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| EndpointError::Port(url.into()))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or_else(|| EndpointError::Port(url.into()))?;
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(EndpointError::Host(url.into()));
        }
        Ok(Self { host: host.into(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "tcp://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "tcp://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_round_trip() {
        for url in ["tcp://127.0.0.1:30012", "tcp://gateway.example:1", "tcp://[::1]:30012"] {
            assert_eq!(url.parse::<Endpoint>().unwrap().to_string(), url);
        }
        assert_eq!("tcp://[::1]:7".parse::<Endpoint>().unwrap().host_port(), ("::1", 7));
    }

    #[test]
    fn each_mistake_has_its_error() {
        let parse = |url: &str| url.parse::<Endpoint>().unwrap_err();
        assert!(matches!(parse("localhost:1"), EndpointError::NoScheme(_)));
        assert!(matches!(parse("ftp://localhost:1"), EndpointError::UnknownScheme(_)));
        assert!(matches!(parse("tcp://localhost"), EndpointError::Port(_)));
        assert!(matches!(parse("tcp://localhost:0"), EndpointError::Port(_)));
        assert!(matches!(parse("tcp://localhost:70000"), EndpointError::Port(_)));
        assert!(matches!(parse("tcp://:5"), EndpointError::Host(_)));
    }
}
