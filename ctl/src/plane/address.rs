//! URLs of control planes.

use std::fmt;

/// Where a control plane answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

impl Address {
    /// Reads `http://host:port` or `https://host:port`; without a port it is `port`.
    pub(crate) fn parse(url: &str, port: u16) -> Result<Self, String> {
        let wrong =
            || format!("{url:?} names no control plane; write it as http://host:port or https://host:port");
        let uri: hyper::Uri = url.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.host().is_empty() {
            return Err(wrong());
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port =
            if has_port { authority.port_u16().filter(|port| *port != 0).ok_or_else(wrong)? } else { port };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port, is_tls })
    }

    /// As a `Host` header has it.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_and_perhaps_a_port() {
        for (url, shown) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            ("https://atlas.example/", "https://atlas.example:7"),
            ("http://[::1]:2", "http://[::1]:2"),
            ("http://[::1]", "http://[::1]:7"),
        ] {
            assert_eq!(
                Address::parse(url, 7).map(|address| address.to_string()),
                Ok(shown.to_owned()),
                "{url}"
            );
        }
        for wrong in
            ["", "a:1", "tcp://a:1", "http://", "http://a:0", "http://a:x", "http://a/b", "http://u:p@a:1"]
        {
            assert!(Address::parse(wrong, 7).is_err(), "{wrong}");
        }
    }
}
