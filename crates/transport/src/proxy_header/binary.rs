//! Version 2, binary.
//!
//! ```text
//!   signature 12 | version 4 bits · command 4 bits | family 4 bits · protocol 4 bits | length 2, big endian
//!   then so many bytes: source, destination, source port, destination port, and extensions, which are skipped
//! ```

use super::{Parsed, ProxyHeader, ProxyHeaderError, ProxyVersion, begins_with};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of what is in front of the addresses.
const HEAD: usize = 16;

/// The longest header, in bytes. The specification has proxies keep to 536 but for extensions such as a
/// client's certificate.
pub(super) const MAX_HEADER: usize = 4096;

const LOCAL: u8 = 0;
const PROXY: u8 = 1;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    match begins_with(bytes, SIGNATURE) {
        None => return Ok(Parsed::More),
        Some(false) => return Ok(Parsed::Other),
        Some(true) => {}
    }
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(Parsed::More) };
    let [.., version_command, family, high, low] = *head;
    if version_command >> 4 != 2 {
        return Err(ProxyHeaderError::Malformed("its version is not 2"));
    }
    let len = HEAD + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_HEADER {
        return Err(ProxyHeaderError::TooLong(MAX_HEADER));
    }
    let Some(body) = bytes.get(HEAD..len) else { return Ok(Parsed::More) };
    let client = match version_command & 0x0f {
        LOCAL => None,
        PROXY => client(family, body)?,
        _ => return Err(ProxyHeaderError::Malformed("its command is neither LOCAL nor PROXY")),
    };
    Ok(Parsed::Header(ProxyHeader { version: ProxyVersion::V2, client }, len))
}

fn client(family: u8, body: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    const SHORT: ProxyHeaderError = ProxyHeaderError::Malformed("it is too short for its addresses");
    match family {
        0x00 => Ok(None),
        0x11 => {
            let addresses: &[u8; 12] = body.first_chunk().ok_or(SHORT)?;
            let [a, b, c, d, _, _, _, _, high, low, ..] = *addresses;
            let port = u16::from_be_bytes([high, low]);
            Ok(Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port)))
        }
        0x21 => {
            let addresses: &[u8; 36] = body.first_chunk().ok_or(SHORT)?;
            let (source, rest) = addresses.split_first_chunk::<16>().ok_or(SHORT)?;
            let port = u16::from_be_bytes([rest[16], rest[17]]);
            Ok(Some(SocketAddr::new(Ipv6Addr::from(*source).into(), port)))
        }
        // A socket of the proxy's own machine.
        0x31 if body.len() >= 216 => Ok(None),
        0x31 => Err(SHORT),
        _ => Err(ProxyHeaderError::Malformed("its protocol is not TCP")),
    }
}
