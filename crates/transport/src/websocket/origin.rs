//! From which web pages browsers may connect (RFC 6454).

use std::str::FromStr;

/// Origins that are allowed: one, those of all subdomains, or any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    /// Of pages without an origin, such as files.
    Null,
    Host {
        scheme: String,
        host: String,
        /// Whether `host` stands for what is below it.
        below: bool,
        port: Option<u16>,
    },
}

/// An origin that is a scheme, a host and a port.
struct Origin<'o> {
    scheme: &'o str,
    host: &'o str,
    port: Option<u16>,
}

impl FromStr for OriginPattern {
    type Err = ();

    /// `https://app.example`, `https://*.example:8443`, `null`, or `*`.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(Self(match text {
            "*" => Pattern::Any,
            "null" => Pattern::Null,
            _ => {
                let origin = Origin::parse(text).ok_or(())?;
                let (host, below) = match origin.host.strip_prefix("*.") {
                    Some(host) => (host, true),
                    None => (origin.host, false),
                };
                if host.is_empty() || host.contains('*') {
                    return Err(());
                }
                Pattern::Host {
                    scheme: origin.scheme.to_ascii_lowercase(),
                    host: host.to_ascii_lowercase(),
                    below,
                    port: origin.port,
                }
            }
        }))
    }
}

#[cfg(feature = "config")]
impl frontier_config::FromValue for OriginPattern {
    fn from_value(value: &frontier_config::Value<'_>) -> Result<Self, frontier_config::Invalid> {
        let what = "an origin such as https://app.example or https://*.example:8443, `null`, or `*` for any";
        value.parse(what)
    }
}

impl OriginPattern {
    /// Whether a page of this origin may connect.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::Null => origin == "null",
            Pattern::Host { scheme, host, below, port } => Origin::parse(origin).is_some_and(|origin| {
                let is_host = if *below {
                    let split = origin.host.len().checked_sub(host.len());
                    let parts = split.and_then(|at| origin.host.split_at_checked(at));
                    parts.is_some_and(|(front, rest)| {
                        rest.eq_ignore_ascii_case(host) && front.len() > 1 && front.ends_with('.')
                    })
                } else {
                    origin.host.eq_ignore_ascii_case(host)
                };
                is_host && origin.scheme.eq_ignore_ascii_case(scheme) && origin.port == *port
            }),
        }
    }
}

impl<'o> Origin<'o> {
    fn parse(text: &'o str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_host = |byte: u8| byte.is_ascii_graphic() && !b"/@?#\\,".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) || !rest.bytes().all(is_host) {
            return None;
        }
        let in_brackets = rest.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match rest[in_brackets..].find(':') {
            Some(at) => {
                let (host, port) = rest.split_at(in_brackets + at);
                let digits = &port[1..];
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                (host, Some(digits.parse().ok().filter(|_| is_number)?))
            }
            None => (rest, default_port(scheme)),
        };
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Some(80),
        _ if scheme.eq_ignore_ascii_case("https") => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_allows() {
        for (pattern, origin, allowed) in [
            ("https://app.example", "https://app.example", true),
            ("https://app.example", "https://APP.example:443", true),
            ("https://app.example", "http://app.example", false),
            ("https://app.example", "https://app.example:8443", false),
            ("https://app.example", "https://app.example.evil.test", false),
            ("https://app.example", "https://evil.test/https://app.example", false),
            ("https://app.example", "https://app.example@evil.test", false),
            ("https://app.example", "null", false),
            ("https://app.example", "", false),
            ("https://*.example:8443", "https://a.b.example:8443", true),
            ("https://*.example:8443", "https://example:8443", false),
            ("https://*.example:8443", "https://.example:8443", false),
            ("https://*.example:8443", "https://evilexample:8443", false),
            ("http://[::1]:8080", "http://[::1]:8080", true),
            ("http://[::1]", "http://[::1]:80", true),
            ("http://[::1]", "http://[::2]", false),
            ("app://main", "app://main", true),
            ("null", "null", true),
            ("null", "https://null", false),
            ("*", "https://any.test", true),
            ("*", "null", true),
        ] {
            let is_allowed = pattern.parse::<OriginPattern>().unwrap().allows(origin);
            assert_eq!(is_allowed, allowed, "{origin} by {pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in
            ["", "app.example", "https://", "https://*", "https://*.", "https://a.*.example", "https://a/"]
        {
            assert_eq!(text.parse::<OriginPattern>(), Err(()), "{text}");
        }
        for text in ["https://a:", "https://a:x", "https://a:70000", "https://a b", "https://a:+1"] {
            assert_eq!(text.parse::<OriginPattern>(), Err(()), "{text}");
        }
    }
}
