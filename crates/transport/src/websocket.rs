//! WebSocket as a byte stream (RFC 6455), for edges behind what lets only HTTP out.
//!
//! Bytes travel in binary messages, whose boundaries mean nothing. They are handed on as they come:
//! nothing is held of a message, whatever length it announces. The dialler offers the subprotocol
//! `frontier.v1`, and the gateway takes those who offer it and those who offer none.
//!
//! What a proxy says about a client (`X-Forwarded-For` and the like) is handed on, for the listener's owner to
//! believe or not. A page in a browser says where it is from, and is refused unless that is allowed: any page
//! may have its visitor's browser connect, with the visitor's address and certificate.

mod accept;
mod connect;
mod forwarded;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod head;
mod origin;
mod stream;

pub(crate) use accept::accept;
pub(crate) use connect::connect;
pub use forwarded::ForwardedField;
pub use origin::OriginPattern;
pub(crate) use stream::WebSocket;

use thiserror::Error;

/// The subprotocol: a link's mux and lane, in version 1.
const SUBPROTOCOL: &str = "frontier.v1";

/// The end of a connection that sees to the mask: clients mask what they send, servers don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// By what a request for a WebSocket is judged, and what is read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpgradeRules {
    /// From which pages browsers may connect. Programs that are no browser name none, and always may.
    pub allowed_origins: Vec<OriginPattern>,
    /// In which field proxies say for whom they pass it on, if that is read.
    pub forwarded: Option<ForwardedField>,
}

/// Why a connection did not become a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpgradeError {
    /// What came is no HTTP.
    #[error("the peer does not speak HTTP")]
    NotHttp,
    /// What came is TLS.
    #[error("the peer speaks TLS, where plain HTTP was expected")]
    Tls,
    /// The head of a request or an answer has no end in sight.
    #[error("the HTTP head is longer than {0} bytes")]
    HeadTooLong(usize),
    /// The request is HTTP, but asks for no WebSocket.
    #[error("the request is no WebSocket upgrade: {0}")]
    NoUpgrade(&'static str),
    /// A page that may not connect has a browser do so: its origin, cut to some length.
    #[error("browsers may not connect from pages of `{0}`")]
    Origin(String),
    /// The server does not do what it was asked for.
    #[error("the server did not switch to WebSocket, it answered `{0}`")]
    Answer(String),
    /// The server does it, but wrongly.
    #[error("the server's answer is wrong: {0}")]
    WrongAnswer(&'static str),
    /// The peer has ended the connection.
    #[error("the peer ended the connection during the WebSocket handshake")]
    Ended,
    /// The connection broke.
    #[error("{0}")]
    Io(String),
}

impl From<std::io::Error> for UpgradeError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// What the server answers to a client's key.
fn accept_key(key: &[u8]) -> String {
    /// RFC 6455, 1.3.
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let mut sha1 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(GUID);
    data_encoding::BASE64.encode(sha1.finish().as_ref())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_key_of_the_specification_has_its_answer() {
        assert_eq!(super::accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
