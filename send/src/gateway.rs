//! Where a relay is.

use http::Uri;
use std::fmt;
use std::str::FromStr;

/// The port of a relay, unless it is said.
const PORT: u16 = 33383;

/// A gateway with a relay: `HOST`, `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gateway {
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

impl FromStr for Gateway {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is no gateway: expected HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT")
        };
        let text = text.trim();
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let is_plain = uri.query().is_none() && matches!(uri.path(), "" | "/");
        // Such as a port that is none.
        let has_more = uri.port_u16().is_none() && uri.authority().is_some_and(|it| it.as_str() != host);
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !is_plain || has_more || has_user {
            return Err(wrong());
        }
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(PORT), is_tls })
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl Gateway {
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_named_in_short_or_as_a_url() {
        for (text, expected) in [
            ("login1", "http://login1:33383"),
            ("login1:33384", "http://login1:33384"),
            (" 10.0.0.1 ", "http://10.0.0.1:33383"),
            ("[::1]", "http://[::1]:33383"),
            ("https://relay.example/", "https://relay.example:33383"),
            ("https://[::1]:1", "https://[::1]:1"),
        ] {
            assert_eq!(text.parse::<Gateway>().unwrap().to_string(), expected, "{text}");
        }
        for wrong in ["", "ftp://a", "http://", "a b", "http://a/path", "http://u:p@a", "a:99999"] {
            assert!(wrong.parse::<Gateway>().is_err(), "{wrong}");
        }
    }
}
