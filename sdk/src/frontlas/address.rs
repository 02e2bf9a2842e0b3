//! URLs of frontlas.

use std::fmt;

/// Where a replica of frontlas answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

/// The schemes under which frontlas is named, and whether they mean TLS.
const SCHEMES: [(&str, bool); 4] =
    [("frontlas", false), ("frontlas+https", true), ("http", false), ("https", true)];

/// Where frontlas listens unless another port is named.
const PORT: u16 = 40011;

impl Address {
    /// The address in a URL: `http://host:port`, `https`, `frontlas` and `frontlas+https`. `None` if it is
    /// no URL of frontlas.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (_, is_tls) = *SCHEMES.iter().find(|(name, _)| *name == scheme)?;
        Self::behind(rest, is_tls, PORT)
    }

    /// The address in a URL of a broker: `http://host:port` or `https`, with `port` unless one is named.
    #[cfg(feature = "session")]
    pub(crate) fn of_broker(url: &str, port: u16) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        matches!(scheme, "http" | "https").then(|| Self::behind(rest, scheme == "https", port)).flatten()
    }

    /// What stands behind the scheme.
    fn behind(rest: &str, is_tls: bool, default: u16) -> Option<Self> {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // What stands behind the last colon of a bare IPv6 address is no port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port != 0)?)
            }
            _ => (rest, default),
        };
        let host = match host.strip_prefix('[') {
            Some(bare) => bare.strip_suffix(']').filter(|bare| bare.contains(':'))?,
            None if host.contains(':') => return None,
            None => host,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
        let is_host = !host.is_empty() && host.bytes().all(is_plain);
        is_host.then(|| Self { host: host.to_owned(), port, is_tls })
    }

    /// Whether a URL that an edge is given names frontlas, and no gateway.
    pub(crate) fn is_meant_by(url: &str) -> bool {
        url.starts_with("frontlas://") || url.starts_with("frontlas+https://")
    }

    /// Host and port, as they stand in a URL.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_frontlas() {
        let parsed = |url| Address::parse(url).map(|address| address.to_string());
        for (url, meant) in [
            ("http://127.0.0.1:40011", "http://127.0.0.1:40011"),
            ("frontlas://atlas.example", "http://atlas.example:40011"),
            ("frontlas+https://atlas:1/", "https://atlas:1"),
            ("https://[::1]:7", "https://[::1]:7"),
            ("https://[::1]", "https://[::1]:40011"),
        ] {
            assert_eq!(parsed(url).as_deref(), Some(meant), "{url}");
        }
        #[cfg(feature = "session")]
        {
            let broker = |url| Address::of_broker(url, 30020).map(|address| address.to_string());
            assert_eq!(broker("http://b.example").as_deref(), Some("http://b.example:30020"));
            assert_eq!(broker("https://[::1]:7/").as_deref(), Some("https://[::1]:7"));
            assert_eq!((broker("frontlas://b"), broker("b:1"), broker("http://")), (None, None, None));
        }
        for url in
            ["", "atlas:1", "tcp://h:1", "http://", "http://h:0", "http://h:x", "http://::1", "http://a b"]
        {
            assert_eq!(parsed(url), None, "{url}");
        }
    }
}
