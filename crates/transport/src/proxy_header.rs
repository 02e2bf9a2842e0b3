//! The header of the PROXY protocol, in which a TCP proxy says for whom it connects.
//!
//! Both versions of <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>: a line of text, or a
//! binary header. It comes before everything else, TLS included. Whom to believe is for the owner of the
//! listener to say: nothing here knows a network.

mod binary;
mod read;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use read::read;

use std::net::SocketAddr;
use thiserror::Error;

/// What a proxy has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// In which form.
    pub version: ProxyVersion,
    /// For whom it connects. `None` if for itself, as to see whether we live, or for a client without an
    /// address of IP: then the address of the connection counts.
    pub client: Option<SocketAddr>,
}

/// A form of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Why what came is no header, though it begins like one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyHeaderError {
    /// It breaks the rules.
    #[error("a malformed header of the PROXY protocol: {0}")]
    Malformed(&'static str),
    /// It is longer than any proxy makes it.
    #[error("a header of the PROXY protocol of more than {0} bytes")]
    TooLong(usize),
    /// The connection ended within it.
    #[error("the connection ended within the header of the PROXY protocol")]
    Ended,
    /// The connection broke.
    #[error("{0}")]
    Io(String),
}

/// How far what has come goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A whole header, and its length in bytes.
    Header(ProxyHeader, usize),
    /// All of it belongs to a header that is not whole.
    More,
    /// It begins otherwise.
    Other,
}

/// What `bytes` begins with.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    match bytes.first() {
        None => Ok(Parsed::More),
        Some(&first) if first == text::START[0] => text::parse(bytes),
        Some(&first) if first == binary::SIGNATURE[0] => binary::parse(bytes),
        Some(_) => Ok(Parsed::Other),
    }
}

/// Whether `bytes` is enough of a header to be nothing else: of the binary one what no other protocol begins with.
pub(crate) fn is_begin(bytes: &[u8]) -> bool {
    [text::START, &binary::SIGNATURE[..8]].iter().any(|start| bytes.starts_with(start))
}

/// Whether `bytes`, as far as it goes, begins with `start`; `None` if that takes more of them.
fn begins_with(bytes: &[u8], start: &[u8]) -> Option<bool> {
    let n = bytes.len().min(start.len());
    if bytes[..n] != start[..n] {
        return Some(false);
    }
    (n == start.len()).then_some(true)
}
