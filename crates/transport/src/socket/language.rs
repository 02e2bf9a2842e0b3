use std::io;

/// Whether what starts with this byte can be the multiplexer's language: its frames start with their
/// version. It would say so itself, but not of an alert, which is shorter than its header.
pub(super) fn recognise(first: u8) -> io::Result<()> {
    let other = match first {
        0 => return Ok(()),
        0x15 | 0x16 => "it speaks TLS, where plain TCP was expected",
        b'A'..=b'Z' => "it speaks HTTP or the like, where plain TCP was expected",
        _ => "it speaks another language",
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, other))
}
