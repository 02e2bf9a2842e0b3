use crate::carrier::BoxedCarrier;
use crate::quic::{QuicError, QuicIncoming};
use crate::tls::{self, PeerCertificate, ServerTls, TlsError};
use crate::websocket::{self, UpgradeError};
use crate::{CloseReason, Link, LinkConfig};
use std::fmt;
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
}

/// A connection that has been accepted, with nothing read from it yet.
pub struct Incoming(Carried);

enum Carried {
    Tcp(TcpStream, Language),
    Quic(Box<QuicIncoming>, ServerTls),
}

#[derive(Debug)]
pub(crate) enum Language {
    Tcp,
    Tls(ServerTls),
    Ws(Option<ServerTls>),
}

/// Why a connection did not become a link.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AcceptError {
    /// The TLS handshake failed.
    #[error("no TLS connection: {0}")]
    Tls(TlsError),
    /// The WebSocket handshake failed.
    #[error("no WebSocket: {0}")]
    Upgrade(UpgradeError),
    /// The connection was lost before the link stood, or the peer speaks another language.
    #[error(transparent)]
    Link(#[from] CloseReason),
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Carried::Tcp(_, language) => f.debug_tuple("Incoming").field(language).finish(),
            Carried::Quic(incoming, _) => f.debug_tuple("Incoming").field(incoming).finish(),
        }
    }
}

impl Network {
    /// As it stands in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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
        Self::new(io, Language::Tcp)
    }

    pub(crate) fn new(io: TcpStream, language: Language) -> Self {
        Self(Carried::Tcp(io, language))
    }

    pub(crate) fn quic(incoming: QuicIncoming, tls: ServerTls) -> Self {
        Self(Carried::Quic(Box::new(incoming), tls))
    }

    /// Makes a link of it: TLS, the upgrade to WebSocket, and the lane, as far as each is spoken here.
    /// The caller sets the deadline. A peer that fails is told why, for a second at most.
    ///
    /// # Errors
    /// [`AcceptError`] when the peer is refused, leaves, or speaks another language.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn link(self, config: Arc<LinkConfig>) -> Result<(Link, PeerInfo), AcceptError> {
        let mut peer = PeerInfo { certificate: None, network: Network::Tcp, server_name: None };
        let (io, language) = match self.0 {
            Carried::Tcp(io, language) => (io, language),
            Carried::Quic(incoming, tls) => return over_quic(*incoming, &tls, config).await,
        };
        let io: BoxedCarrier = match language {
            Language::Tcp => return Ok((Link::accept(io, config).await?, peer)),
            Language::Ws(None) => {
                peer.network = Network::Ws;
                Box::new(websocket::accept(io).await.map_err(AcceptError::Upgrade)?)
            }
            Language::Tls(tls) => over_tls(io, &tls, false, &mut peer).await?,
            Language::Ws(Some(tls)) => over_tls(io, &tls, true, &mut peer).await?,
        };
        Ok((Link::accept(io, config).await?, peer))
    }
}

async fn over_quic(
    incoming: QuicIncoming,
    tls: &ServerTls,
    config: Arc<LinkConfig>,
) -> Result<(Link, PeerInfo), AcceptError> {
    let accepted = incoming.link(&tls.rustls_config(), config).await.map_err(|error| match error {
        QuicError::Io(error) => AcceptError::Link(CloseReason::lost(error)),
        QuicError::Tls(error) => AcceptError::Tls(error),
        QuicError::Link(reason) => AcceptError::Link(reason),
    })?;
    let certificate = tls::peer_certificate(&accepted.certificates);
    let peer = PeerInfo {
        certificate: certificate.map_err(AcceptError::Tls)?.map(Arc::new),
        network: Network::Quic,
        server_name: accepted.server_name,
    };
    Ok((accepted.link, peer))
}

async fn over_tls(
    io: TcpStream,
    tls: &ServerTls,
    only_websocket: bool,
    peer: &mut PeerInfo,
) -> Result<BoxedCarrier, AcceptError> {
    let accepted = tls::accept(io, tls).await.map_err(AcceptError::Tls)?;
    peer.certificate = accepted.certificate.map(Arc::new);
    peer.server_name = accepted.server_name;
    if !accepted.http && !only_websocket {
        peer.network = Network::Tls;
        return Ok(Box::new(accepted.stream));
    }
    peer.network = Network::Ws;
    Ok(Box::new(websocket::accept(accepted.stream).await.map_err(AcceptError::Upgrade)?))
}
