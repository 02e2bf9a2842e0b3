//! Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and the end of the line.

use super::{Parsed, ProxyHeader, ProxyHeaderError, ProxyVersion, begins_with};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const START: &[u8] = b"PROXY ";

/// The longest line, its end included, in bytes: what the specification has room for.
pub(super) const MAX_LINE: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    match begins_with(bytes, START) {
        None => return Ok(Parsed::More),
        Some(false) => return Ok(Parsed::Other),
        Some(true) => {}
    }
    let head = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = head.windows(2).position(|window| window == b"\r\n") else {
        let is_whole = bytes.len() >= MAX_LINE;
        return if is_whole { Err(ProxyHeaderError::TooLong(MAX_LINE)) } else { Ok(Parsed::More) };
    };
    let line = str::from_utf8(&head[START.len()..end]).map_err(|_| malformed("it is not ASCII"))?;
    let header = ProxyHeader { version: ProxyVersion::V1, client: client(line)? };
    Ok(Parsed::Header(header, end + 2))
}

/// What follows the first word.
fn client(line: &str) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let mut words = line.split(' ');
    let family = words.next().unwrap_or_default();
    let parse: fn(&str) -> Option<IpAddr> = match family {
        // What follows means nothing.
        "UNKNOWN" => return Ok(None),
        "TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return Err(malformed("its protocol is neither TCP4 nor TCP6 nor UNKNOWN")),
    };
    let mut address =
        || words.next().and_then(parse).ok_or(malformed("an address does not fit its protocol"));
    let (from, _) = (address()?, address()?);
    let mut port = || words.next().and_then(port).ok_or(malformed("a port is no number from 0 to 65535"));
    let (from_port, _) = (port()?, port()?);
    if words.next().is_some() {
        return Err(malformed("something follows the ports"));
    }
    Ok(Some(SocketAddr::new(from, from_port)))
}

/// Digits alone, and no leading zero.
fn port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_number.then(|| text.parse().ok())?
}

fn malformed(what: &'static str) -> ProxyHeaderError {
    ProxyHeaderError::Malformed(what)
}
