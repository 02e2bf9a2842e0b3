//! Tells other protocols from yamux by their first byte.

use std::io;

/// Whether what starts with this byte can be the multiplexer's: its frames start with their version, 0. It
/// would say so itself, but not of a TLS alert, which is shorter than its header.
pub(super) fn check_first_byte(first: u8) -> io::Result<()> {
    let other = match first {
        0 => return Ok(()),
        0x15 | 0x16 => "it speaks TLS, where plain TCP was expected",
        b'A'..=b'Z' => "it speaks HTTP or the like, where plain TCP was expected",
        _ => "it speaks another protocol",
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, other))
}
