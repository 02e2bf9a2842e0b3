//! URLs that can be dialled.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How a connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
    /// WebSocket over plain TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Tcp, Self::Tls, Self::Quic, Self::Ws, Self::Wss];

    /// As it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port that may be left out, where there is a usual one.
    fn default_port(self) -> Option<u16> {
        match self {
            Self::Ws => Some(80),
            Self::Wss => Some(443),
            Self::Tcp | Self::Tls | Self::Quic => None,
        }
    }

    /// Whether TLS protects what goes over it.
    #[must_use]
    pub fn is_secured(self) -> bool {
        match self {
            Self::Tls | Self::Quic | Self::Wss => true,
            Self::Tcp | Self::Ws => false,
        }
    }

    fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// Where a dialler connects to, as a URL: `tcp://host:port`, and the same with `tls`, `quic`, `ws` and
/// `wss`. A WebSocket's may leave out its port, 80 and 443, and may have a path:
/// `wss://gateway.example/edges`.
///
/// A query may be secret, such as a token: to show it, `Display` and `Debug` mask it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
    /// With the slash in front; a WebSocket's alone may be longer than that.
    path: String,
}

/// A URL that names no endpoint. It is shown as [`masked_url`] gives it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// No `scheme://` in front.
    #[error("`{0}` has no scheme; write it as tcp://host:port")]
    NoScheme(String),
    /// A scheme that this version does not speak.
    #[error("`{0}` is no scheme that is spoken here; use tcp, tls, quic, ws or wss")]
    UnknownScheme(String),
    /// No port, or one that is no number from 1 to 65535.
    #[error("`{0}` has no valid port; write it as tcp://host:port")]
    Port(String),
    /// No host.
    #[error("`{0}` has no valid host; write it as tcp://host:port")]
    Host(String),
    /// A path where there can be none, or one that is no path.
    #[error("`{0}` has no valid path; only ws and wss have one, of visible ASCII characters")]
    Path(String),
}

impl Endpoint {
    /// How it is reached.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether TLS protects what goes there.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.scheme.is_secured()
    }

    /// The host name or address, without brackets, and the port.
    #[must_use]
    pub fn host_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// What a WebSocket asks for, `/` unless something else was said. Without meaning for the others.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole URL, to dial or to tell others where to dial. Not to be shown.
    #[must_use]
    pub fn url(&self) -> String {
        let path = if self.path == "/" { "" } else { &self.path };
        format!("{}://{}{path}", self.scheme.as_str(), self.authority())
    }

    /// The host, in brackets if it needs them, and the port unless it is the usual one.
    pub(crate) fn authority(&self) -> impl fmt::Display {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let port = (self.scheme.default_port() != Some(self.port)).then_some(self.port);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{open}{}{close}{port}", self.host)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        let (name, rest) = url.split_once("://").ok_or_else(|| EndpointError::NoScheme(masked_url(url)))?;
        let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.as_str() == name);
        let scheme = scheme.ok_or_else(|| EndpointError::UnknownScheme(name.into()))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !visible || (path != "/" && !scheme.is_websocket()) {
            return Err(EndpointError::Path(masked_url(url)));
        }
        let (host, port) = split_port(authority);
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None => scheme.default_port(),
        };
        let port = port.ok_or_else(|| EndpointError::Port(masked_url(url)))?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let valid = |byte: u8| byte.is_ascii_graphic() && !b"/@?#[]".contains(&byte);
        if bare.is_empty() || !bare.bytes().all(valid) {
            return Err(EndpointError::Host(masked_url(url)));
        }
        Ok(Self { scheme, host: bare.into(), port, path: path.into() })
    }
}

/// The colons of an address in brackets separate no port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let colon = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
    colon.map_or((authority, None), |colon| (&authority[..colon], Some(&authority[colon + 1..])))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = match self.path.split_once('?') {
            Some((path, _)) => (path, "?****"),
            None => (self.path.as_str(), ""),
        };
        let path = if path == "/" && query.is_empty() { "" } else { path };
        write!(f, "{}://{}{path}{query}", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A URL, or what was meant as one, as errors and logs may show it: without what may be secret, which is a user
/// with a password, and a query.
#[must_use]
pub fn masked_url(url: &str) -> String {
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let query = rest.find(['?', '#']);
    match (rest.rfind('@'), query) {
        (None, None) => url.to_owned(),
        (None, Some(query)) => format!("{scheme}{}?****", &rest[..query]),
        (Some(at), None) => format!("{scheme}****{}", &rest[at..]),
        (Some(at), Some(query)) if at < query => format!("{scheme}****{}?****", &rest[at..query]),
        // Of a password or of a query: both may have either character.
        (Some(_), Some(_)) => format!("{scheme}****"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_round_trip() {
        let urls = [
            "tcp://127.0.0.1:30012",
            "tls://gateway.example:1",
            "quic://[::1]:30012",
            "ws://gateway.example",
            "wss://[::1]:8443/edges?zone=1",
            "ws://gateway.example:443",
        ];
        for url in urls {
            assert_eq!(url.parse::<Endpoint>().unwrap().url(), url);
        }
        assert_eq!("tcp://[::1]:7/".parse::<Endpoint>().unwrap().host_port(), ("::1", 7));
    }

    #[test]
    fn only_a_websocket_has_a_usual_port_and_a_path() {
        let parse = |url: &str| url.parse::<Endpoint>().unwrap();
        assert_eq!(parse("ws://a").host_port(), ("a", 80));
        assert_eq!(parse("wss://[::1]/").host_port(), ("::1", 443));
        assert_eq!(parse("wss://[::1]").path(), "/");
        assert_eq!(parse("ws://a/b/c?d=e").path(), "/b/c?d=e");
        assert_eq!(parse("wss://a:443").to_string(), "wss://a");
    }

    #[test]
    fn what_may_be_secret_is_never_shown() {
        let endpoint: Endpoint = "wss://gw.example/edges?token=hunter2".parse().unwrap();
        assert_eq!(endpoint.url(), "wss://gw.example/edges?token=hunter2");
        for shown in [endpoint.to_string(), format!("{endpoint:?}")] {
            assert_eq!(shown, "wss://gw.example/edges?****");
        }
        for (url, shown) in [
            ("wss://gw/?t=hunter2", "wss://gw/?****"),
            ("ws://user:hunter2@gw", "ws://****@gw"),
            ("ws://user:hunter2@gw/a?t=hunter2", "ws://****@gw/a?****"),
            ("ws://u:hunter2?hunter2@gw", "ws://****"),
            ("gw:1?t=hunter2", "gw:1?****"),
            ("user:hunter2@gw", "****@gw"),
            ("tcp://gw:1", "tcp://gw:1"),
        ] {
            assert_eq!(masked_url(url), shown);
            let error = url.parse::<Endpoint>().err().map(|error| format!("{error} {error:?}"));
            assert!(!error.unwrap_or_default().contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn each_mistake_has_its_error() {
        let parse = |url: &str| url.parse::<Endpoint>().unwrap_err();
        assert!(matches!(parse("localhost:1"), EndpointError::NoScheme(_)));
        assert!(matches!(parse("ftp://localhost:1"), EndpointError::UnknownScheme(_)));
        for scheme in ["tcp", "tls", "quic"] {
            assert!(matches!(parse(&format!("{scheme}://localhost")), EndpointError::Port(_)));
            assert!(matches!(parse(&format!("{scheme}://localhost:1/a")), EndpointError::Path(_)));
        }
        assert!(matches!(parse("tcp://localhost:0"), EndpointError::Port(_)));
        assert!(matches!(parse("ws://localhost:"), EndpointError::Port(_)));
        assert!(matches!(parse("tcp://localhost:70000"), EndpointError::Port(_)));
        assert!(matches!(parse("tcp://:5"), EndpointError::Host(_)));
        assert!(matches!(parse("ws://user@host"), EndpointError::Host(_)));
        assert!(matches!(parse("ws://a\r\nb"), EndpointError::Host(_)));
        assert!(matches!(parse("ws://a/b\r\nc: d"), EndpointError::Path(_)));
        assert!(matches!(parse("ws://a/b c"), EndpointError::Path(_)));
    }
}
