//! For whom proxies say that they pass on a request: `X-Forwarded-For`, or `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

/// The field in which they say so. One alone is looked at: a proxy that writes one may pass on the other as
/// the client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedField {
    /// Addresses, separated by commas.
    XForwardedFor,
    /// `for=…` among others.
    Forwarded,
}

#[cfg(feature = "config")]
impl frontier_config::Choice for ForwardedField {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("x-forwarded-for", Self::XForwardedFor), ("forwarded", Self::Forwarded)];
}

impl ForwardedField {
    /// The name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }

    /// The addresses in the values of this field of a request, the nearest last. `None` stands for one that is hidden or
    /// can't be read.
    pub fn hops<'a>(self, values: impl Iterator<Item = &'a [u8]>) -> Vec<Option<IpAddr>> {
        let values = values.map(|value| str::from_utf8(value).unwrap_or_default());
        match self {
            Self::XForwardedFor => {
                values.flat_map(|value| value.split(',')).map(|hop| address(hop.trim())).collect()
            }
            Self::Forwarded => values.flat_map(|value| split(value, b',')).map(of_element).collect(),
        }
    }
}

/// Those of a request with these fields.
pub(super) fn hops(fields: &[httparse::Header<'_>], field: ForwardedField) -> Vec<Option<IpAddr>> {
    let of_name = fields.iter().filter(|it| it.name.eq_ignore_ascii_case(field.name()));
    field.hops(of_name.map(|it| it.value))
}

/// `for=192.0.2.1;proto=https`
fn of_element(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, b';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    let node = node.strip_prefix('"').map_or(Some(node), |quoted| quoted.strip_suffix('"'))?;
    address(node)
}

/// The parts between separators that do not stand in quotes: what stands there may be a client's own words.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let is_escaped = std::mem::take(&mut escaped);
            escaped = quoted && !is_escaped && byte == b'\\';
            quoted ^= byte == b'"' && !is_escaped;
            byte == separator && !quoted
        });
        let Some(end) = end else { return Some(text) };
        rest = Some(&text[end + 1..]);
        Some(&text[..end])
    })
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|addr| addr.ip());
    let found = text.parse::<IpAddr>().ok().or_else(with_port).or_else(bracketed);
    found.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: ForwardedField, values: &[(&str, &str)]) -> Vec<String> {
        let fields: Vec<_> =
            values.iter().map(|(name, value)| httparse::Header { name, value: value.as_bytes() }).collect();
        let shown = |hop: Option<IpAddr>| hop.map_or("?".to_owned(), |ip| ip.to_string());
        hops(&fields, field).into_iter().map(shown).collect()
    }

    #[test]
    fn the_hops_of_a_request() {
        use ForwardedField::{Forwarded, XForwardedFor};
        let one = [("x-forwarded-for", "192.0.2.1, 2001:db8::1,10.0.0.1:80"), ("X-Forwarded-For", "[::1]:9")];
        assert_eq!(of(XForwardedFor, &one), ["192.0.2.1", "2001:db8::1", "10.0.0.1", "::1"]);
        assert_eq!(of(Forwarded, &one), [] as [&str; 0]);
        assert_eq!(
            of(XForwardedFor, &[("X-Forwarded-For", "unknown, ,::ffff:1.2.3.4,a")]),
            ["?", "?", "1.2.3.4", "?"]
        );
        let two = [
            ("Forwarded", "for=192.0.2.1;proto=https, For=\"[2001:db8::1]:4711\""),
            ("forwarded", "by=10.0.0.1"),
        ];
        assert_eq!(of(Forwarded, &two), ["192.0.2.1", "2001:db8::1", "?"]);
        let odd = [("Forwarded", "for=_hidden, for=unknown, for=\"10.0.0.1, for = 10.0.0.2 ;x")];
        assert_eq!(of(Forwarded, &odd), ["?", "?", "?"], "a quote that is left open hides what follows");
        let host = [("Forwarded", r#"for=192.0.2.1;host="a\", for=10.0.0.3;b", for=10.0.0.2"#)];
        assert_eq!(of(Forwarded, &host), ["192.0.2.1", "10.0.0.2"], "what a client has said is no hop");
    }
}
