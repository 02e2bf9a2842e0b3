//! What a listener accepted, and what becomes of it: a link, or a plain byte stream for another protocol.

mod layers;

use crate::carrier::{BoxedCarrier, Carrier};
use crate::proxy_header::{self, ProxyHeader, ProxyHeaderError};
use crate::quic::{QuicError, QuicIncoming};
use crate::roaming_tcp::RoamingTcp;
use crate::sniffed::{Begin, sniff};
use crate::tcp::keep_alive;
use crate::tls::{self, PeerCertificate, ServerTls, TlsError};
use crate::websocket::{UpgradeError, UpgradeRules};
use crate::{CloseReason, Link, LinkConfig};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpStream;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// Plain TCP.
    Tcp,
    /// TLS over TCP, and WebSocket over TLS.
    Tls,
    /// WebSocket over plain TCP, or over TLS where the listener has it.
    Ws,
    /// QUIC, over UDP.
    Quic,
}

/// Who is at the other end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The peer's certificate, verified, if it has shown one.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// How the link is carried.
    pub network: Network,
    /// The name under which the peer reached this gateway, as it said in its TLS handshake.
    pub server_name: Option<String>,
    /// For whom proxies say that they have passed on its request for a WebSocket, the nearest last, if that
    /// [is read](UpgradeRules::forwarded). Empty if none says so; `None` for what is hidden or can't be read.
    pub forwarded: Vec<Option<IpAddr>>,
}

/// A connection that has been accepted, with nothing read from it yet.
pub struct Incoming(Accepted);

enum Accepted {
    Tcp { io: TcpStream, layers: Layers, rules: Option<Arc<UpgradeRules>> },
    Quic(Box<QuicIncoming>, ServerTls),
    Memory(BoxedCarrier),
}

/// What lies over TCP.
#[derive(Debug)]
pub(crate) enum Layers {
    Plain,
    /// TLS; WebSocket over it for clients that start with HTTP.
    Tls(ServerTls),
    /// WebSocket, over TLS if there is any.
    WebSocket(Option<ServerTls>),
}

/// The byte stream of a peer. Plain TCP is not boxed: a link over it is compiled for it.
enum ByteStream {
    Tcp(RoamingTcp),
    Tls(Box<tls::ServerStream>),
    Layered(BoxedCarrier),
}

/// What a client speaks, where a listener takes more than links.
#[expect(
    clippy::large_enum_variant,
    reason = "a link is what nearly everyone speaks, and it is passed on at once"
)]
pub enum Spoken {
    /// A link.
    Link(Link),
    /// What its first byte said, which has not been read.
    Bytes(BoxedCarrier),
    /// Something else, of which nothing is known.
    Foreign(BoxedCarrier),
}

/// How it is told, over TLS, that a client starts with HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HttpBy {
    /// By the application protocol that it agreed on.
    Alpn,
    /// Where it agreed on none, by the first byte that it sends.
    AlpnOrFirstByte,
    /// Not at all: what starts with HTTP is for somebody else.
    Nothing,
}

/// Why a connection did not become a link, or a byte stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AcceptError {
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Tls(TlsError),
    /// The WebSocket handshake failed.
    #[error("the WebSocket upgrade failed: {0}")]
    Upgrade(UpgradeError),
    /// The connection was lost before the link stood, or the peer speaks another protocol.
    #[error(transparent)]
    Link(#[from] CloseReason),
    /// A byte stream was asked for, where there is none.
    #[error("QUIC has streams of its own and no plain byte stream: listen on tcp, tls or ws instead")]
    NoByteStream,
}

impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => f.debug_tuple("Link").field(link).finish(),
            Self::Bytes(_) => f.write_str("Bytes"),
            Self::Foreign(_) => f.write_str("Foreign"),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Accepted::Tcp { layers, .. } => f.debug_tuple("Incoming").field(layers).finish(),
            Accepted::Quic(incoming, _) => f.debug_tuple("Incoming").field(incoming).finish(),
            Accepted::Memory(_) => f.write_str("Incoming"),
        }
    }
}

impl PeerInfo {
    /// Somebody of whom the connection says nothing.
    fn plain() -> Self {
        Self { certificate: None, network: Network::Tcp, server_name: None, forwarded: Vec::new() }
    }
}

impl Network {
    /// As it stands in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Quic => "quic",
        }
    }
}

impl Incoming {
    /// A plain TCP connection, however it came about.
    #[must_use]
    pub fn tcp(io: TcpStream) -> Self {
        Self::new(io, Layers::Plain)
    }

    pub(crate) fn new(io: TcpStream, layers: Layers) -> Self {
        Self(Accepted::Tcp { io, layers, rules: None })
    }

    pub(crate) fn memory(carrier: BoxedCarrier) -> Self {
        Self(Accepted::Memory(carrier))
    }

    pub(crate) fn quic(incoming: QuicIncoming, tls: ServerTls) -> Self {
        Self(Accepted::Quic(Box::new(incoming), tls))
    }

    /// By what a request for a WebSocket is judged. Without this no page of a browser may connect.
    pub fn set_upgrade_rules(&mut self, new: &Arc<UpgradeRules>) {
        if let Accepted::Tcp { rules, .. } = &mut self.0 {
            *rules = Some(new.clone());
        }
    }

    /// Whether the peer has shown that it can be reached at its address. One that has not may have made it up.
    #[must_use]
    pub fn is_address_validated(&self) -> bool {
        match &self.0 {
            Accepted::Tcp { .. } | Accepted::Memory(_) => true,
            Accepted::Quic(incoming, _) => incoming.is_validated(),
        }
    }

    /// Whether a link of it goes on in whichever runtime it is polled. One over QUIC shares its socket with others, which
    /// belongs to the runtime that accepted it.
    #[must_use]
    pub fn roams(&self) -> bool {
        !matches!(self.0, Accepted::Quic(..))
    }

    /// Takes off the header of the PROXY protocol, if the peer begins with one: before everything else, and at
    /// most once. Over QUIC there is none. It waits for the peer's first bytes, so the caller sets the deadline;
    /// and says whom the header may be believed from.
    ///
    /// # Errors
    /// [`ProxyHeaderError`] if what begins like one is none, or the connection is lost within it.
    ///
    /// # Cancel safety
    /// Not cancel safe: part of a header may be lost.
    pub async fn proxy_header(&mut self) -> Result<Option<ProxyHeader>, ProxyHeaderError> {
        match &mut self.0 {
            Accepted::Tcp { io, .. } => proxy_header::read(io).await,
            Accepted::Quic(..) | Accepted::Memory(_) => Ok(None),
        }
    }

    /// Waits until the peer has sent something, which is not taken, or has left. Whether it begins as a header of the
    /// PROXY protocol does, as far as that has come.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn begins_with_proxy_header(&mut self) -> bool {
        let Accepted::Tcp { io, .. } = &mut self.0 else { return false };
        let mut begin = [0; 12];
        // A failure is met again by whoever reads.
        let length = io.peek(&mut begin).await.unwrap_or(0);
        proxy_header::is_begin(&begin[..length])
    }

    /// Makes a link of it: TLS, the upgrade to WebSocket, and the lane, as far as the listener has each.
    /// The caller sets the deadline. A peer that fails is told why, for a second at most.
    ///
    /// # Errors
    /// [`AcceptError`] when the peer is refused, leaves, or speaks another protocol.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn link(self, config: Arc<LinkConfig>) -> Result<(Link, PeerInfo), AcceptError> {
        let (io, layers, rules) = match self.0 {
            Accepted::Tcp { io, layers, rules } => (io, layers, rules),
            Accepted::Quic(incoming, tls) => return over_quic(*incoming, &tls, config).await,
            Accepted::Memory(carrier) => {
                return Ok((Link::accept(carrier, config).await?, PeerInfo::plain()));
            }
        };
        let (stream, peer) = layers.open(RoamingTcp::new(io), HttpBy::AlpnOrFirstByte, rules).await?;
        let link = match stream {
            ByteStream::Tcp(io) => Link::accept(io, config).await?,
            ByteStream::Tls(stream) => Link::accept(stream as BoxedCarrier, config).await?,
            ByteStream::Layered(carrier) => Link::accept(carrier, config).await?,
        };
        Ok((link, peer))
    }

    /// The same where other protocols come to the same place, which `is_other` tells by the first byte that a client sends:
    /// then the byte stream. Over QUIC, and over a WebSocket, everything is a link.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn link_or_bytes(
        self,
        config: Arc<LinkConfig>,
        is_other: impl Fn(u8) -> bool + Send,
    ) -> Result<(Spoken, PeerInfo), AcceptError> {
        let (io, layers, rules) = match self.0 {
            Accepted::Tcp { io, layers, rules } => (io, layers, rules),
            other => {
                let (link, peer) = Self(other).link(config).await?;
                return Ok((Spoken::Link(link), peer));
            }
        };
        let (stream, peer) = layers.open(RoamingTcp::new(io), HttpBy::AlpnOrFirstByte, rules).await?;
        let spoken = match stream {
            ByteStream::Tcp(mut io) => match io.first_byte().await {
                Some(first) if is_other(first) => Spoken::Bytes(Box::new(io)),
                _ => Spoken::Link(Link::accept(io, config).await?),
            },
            ByteStream::Tls(mut stream) => {
                match tls::first_byte(&mut stream).await.map_err(AcceptError::Tls)? {
                    Some(first) if is_other(first) => Spoken::Bytes(stream),
                    _ => Spoken::Link(Link::accept(stream as BoxedCarrier, config).await?),
                }
            }
            ByteStream::Layered(carrier) => Spoken::Link(Link::accept(carrier, config).await?),
        };
        Ok((spoken, peer))
    }

    /// The same where any other protocol may come as well, HTTP among them: what begins neither as a link nor with `other`
    /// is passed on as it is. `other` may be empty.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn link_or_foreign(
        self,
        config: Arc<LinkConfig>,
        other: &[u8],
    ) -> Result<(Spoken, PeerInfo), AcceptError> {
        let (io, layers, rules) = match self.0 {
            Accepted::Tcp { io, layers, rules } => (io, layers, rules),
            accepted => {
                let (link, peer) = Self(accepted).link(config).await?;
                return Ok((Spoken::Link(link), peer));
            }
        };
        keep_alive(&io);
        let (stream, peer) = layers.open(RoamingTcp::new(io), HttpBy::Nothing, rules).await?;
        let spoken = match stream {
            ByteStream::Tcp(io) => spoken(io, config, other).await?,
            ByteStream::Tls(stream) => spoken(stream, config, other).await?,
            ByteStream::Layered(carrier) => Spoken::Link(Link::accept(carrier, config).await?),
        };
        Ok((spoken, peer))
    }

    /// The byte stream itself, for a protocol that is not a link's: what is left after TLS and the upgrade
    /// to WebSocket, as far as the listener has each. Nothing is read of what the peer sends in it, so
    /// either side may speak first. On a listener for TLS only a client that agrees on `http/1.1` (ALPN)
    /// gets a WebSocket. The caller sets the deadline, as for [`link`](Self::link).
    ///
    /// [`Link::accept`] makes a link of it after all.
    ///
    /// # Errors
    /// [`AcceptError`] when the peer is refused or leaves; [`AcceptError::NoByteStream`] over QUIC.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn carrier(self) -> Result<(BoxedCarrier, PeerInfo), AcceptError> {
        let (io, layers, rules) = match self.0 {
            Accepted::Tcp { io, layers, rules } => (io, layers, rules),
            Accepted::Quic(..) => return Err(AcceptError::NoByteStream),
            Accepted::Memory(carrier) => return Ok((carrier, PeerInfo::plain())),
        };
        let (stream, peer) = layers.open(RoamingTcp::new(io), HttpBy::Alpn, rules).await?;
        let carrier: BoxedCarrier = match stream {
            ByteStream::Tcp(io) => Box::new(io),
            ByteStream::Tls(stream) => stream,
            ByteStream::Layered(carrier) => carrier,
        };
        Ok((carrier, peer))
    }
}

/// What is spoken in a byte stream, by how it begins.
async fn spoken(
    io: impl Carrier + 'static,
    config: Arc<LinkConfig>,
    other: &[u8],
) -> Result<Spoken, AcceptError> {
    let (begin, io) = sniff(io, other).await.map_err(CloseReason::lost)?;
    Ok(match begin {
        Begin::Link => Spoken::Link(Link::accept(Box::new(io) as BoxedCarrier, config).await?),
        Begin::Other => Spoken::Bytes(Box::new(io)),
        Begin::Foreign => Spoken::Foreign(Box::new(io)),
    })
}

async fn over_quic(
    incoming: QuicIncoming,
    tls: &ServerTls,
    config: Arc<LinkConfig>,
) -> Result<(Link, PeerInfo), AcceptError> {
    let accepted = incoming.link(&tls.rustls_config(), config).await.map_err(|error| match error {
        QuicError::Lookup(error) | QuicError::Io(error) => AcceptError::Link(CloseReason::lost(error)),
        QuicError::Tls(error) => AcceptError::Tls(error),
        QuicError::Link(reason) => AcceptError::Link(reason),
    })?;
    let certificate = tls::peer_certificate(&accepted.certificates);
    let peer = PeerInfo {
        certificate: certificate.map_err(AcceptError::Tls)?.map(Arc::new),
        network: Network::Quic,
        server_name: accepted.server_name,
        forwarded: Vec::new(),
    };
    Ok((accepted.link, peer))
}
