//! The head of an HTTP request or response, and its fields.

use super::UpgradeError;
use crate::staging::Staging;
use std::future::poll_fn;
use tokio::io::AsyncRead;

/// The longest head of a request or an answer, in bytes.
pub(super) const MAX_HEAD: usize = 8 * 1024;

/// How many header fields there may be.
pub(super) const MAX_FIELDS: usize = 64;

/// What every record of TLS that may come first starts with: an alert, or a handshake.
const TLS: [u8; 2] = [0x15, 0x16];

/// Reads up to the end of an HTTP head. How long that is; what follows it is in `incoming` as well.
pub(super) async fn read(
    io: &mut (impl AsyncRead + Unpin),
    incoming: &mut Staging,
) -> Result<usize, UpgradeError> {
    let mut seen = 0;
    loop {
        let bytes = incoming.bytes();
        match bytes.first() {
            Some(first) if TLS.contains(first) => return Err(UpgradeError::Tls),
            Some(first) if !first.is_ascii_alphabetic() => return Err(UpgradeError::NotHttp),
            _ => {}
        }
        let from = seen;
        let end = bytes[from..].windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.map(|at| from + at + 4);
        seen = bytes.len().saturating_sub(3);
        match end {
            Some(end) if end <= MAX_HEAD => return Ok(end),
            None if bytes.len() <= MAX_HEAD => {}
            _ => return Err(UpgradeError::HeadTooLong(MAX_HEAD)),
        }
        if poll_fn(|cx| incoming.poll_fill_lean(io, cx)).await? == 0 {
            return Err(UpgradeError::Ended);
        }
    }
}

/// Whether a field of this name lists `token`, as `Connection: keep-alive, Upgrade` lists `upgrade`.
pub(super) fn lists(fields: &[httparse::Header<'_>], name: &str, token: &str) -> bool {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    values.any(|field| {
        let text = str::from_utf8(field.value).unwrap_or_default();
        text.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(token))
    })
}

/// The value of the field of this name, which is there once.
pub(super) fn value<'h>(fields: &'h [httparse::Header<'_>], name: &str) -> Option<&'h [u8]> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    values.next().map(|field| field.value).filter(|_| values.next().is_none())
}
