//! Dialling: from an endpoint to a link.

use crate::carrier::{BoxedCarrier, Carrier};
use crate::quic::{QuicClient, QuicError};
use crate::roaming_tcp::RoamingTcp;
use crate::tls::{self, ALPN_HTTP, ALPN_LINK, ClientTls, ClientTlsError, TlsError, TlsStream};
use crate::websocket::{self, UpgradeError, WebSocket};
use crate::{CloseReason, Endpoint, Link, LinkConfig, Scheme};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpStream;
use tracing::warn;

/// How to dial, whatever the endpoint.
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// For the endpoints that are reached over TLS.
    pub tls: ClientTls,
    /// From where endpoints are reached over QUIC. Clones share it.
    pub quic: Arc<QuicClient>,
}

/// Why an endpoint could not be reached.
#[derive(Debug, Error)]
pub enum DialError {
    /// No connection.
    #[error("could not connect to {endpoint}")]
    Connect {
        /// Where to.
        endpoint: Endpoint,
        /// What the operating system said.
        source: io::Error,
    },
    /// The TLS settings are of no use.
    #[error("the TLS settings are wrong")]
    TlsSettings(#[source] ClientTlsError),
    /// The TLS handshake failed.
    #[error("the TLS handshake with {endpoint} failed")]
    Tls {
        /// Where to.
        endpoint: Endpoint,
        /// Why.
        source: TlsError,
    },
    /// The WebSocket handshake failed.
    #[error("the WebSocket upgrade at {endpoint} failed")]
    Upgrade {
        /// Where to.
        endpoint: Endpoint,
        /// Why.
        source: UpgradeError,
    },
    /// The connection was lost before the link stood.
    #[error(transparent)]
    Link(#[from] CloseReason),
}

/// Connects to `endpoint` and opens the lane. The caller sets the deadline.
///
/// # Errors
/// [`DialError`] if the endpoint can't be reached, or is not what it should be. A server that looks at
/// our certificate only after the handshake, as with TLS 1.3, ends the link instead.
///
/// # Cancel safety
/// Cancel safe: the connection is dropped.
pub async fn dial(endpoint: &Endpoint, options: &DialOptions, config: LinkConfig) -> Result<Link, DialError> {
    let io: BoxedCarrier = match endpoint.scheme() {
        Scheme::Tcp => return Ok(Link::dial(connect(endpoint).await?, config).await?),
        Scheme::Tls => Box::new(secure(endpoint, options, ALPN_LINK).await?),
        Scheme::Ws => Box::new(upgrade(connect(endpoint).await?, endpoint).await?),
        Scheme::Wss => Box::new(upgrade(secure(endpoint, options, ALPN_HTTP).await?, endpoint).await?),
        Scheme::Quic => return over_quic(endpoint, options, config).await,
    };
    Ok(Link::dial(io, config).await?)
}

async fn connect(endpoint: &Endpoint) -> Result<RoamingTcp, DialError> {
    let failed = |source| DialError::Connect { endpoint: endpoint.clone(), source };
    let io = TcpStream::connect(endpoint.host_port()).await.map_err(failed)?;
    io.set_nodelay(true).map_err(failed)?;
    Ok(RoamingTcp::new(io))
}

async fn over_quic(
    endpoint: &Endpoint,
    options: &DialOptions,
    config: LinkConfig,
) -> Result<Link, DialError> {
    let (host, port) = endpoint.host_port();
    let (settings, name) = settings(endpoint, options, ALPN_LINK).await?;
    let dialled = options.quic.dial((host, port), &name.to_str(), &settings, config).await;
    dialled.map_err(|error| match error {
        QuicError::Io(source) => DialError::Connect { endpoint: endpoint.clone(), source },
        QuicError::Tls(source) => DialError::Tls { endpoint: endpoint.clone(), source },
        QuicError::Link(reason) => DialError::Link(reason),
    })
}

async fn secure(
    endpoint: &Endpoint,
    options: &DialOptions,
    alpn: &'static [u8],
) -> Result<TlsStream<UnbufferedClientConnection, RoamingTcp>, DialError> {
    let (settings, name) = settings(endpoint, options, alpn).await?;
    let io = connect(endpoint).await?;
    let secured = tls::connect(io, settings, name).await;
    secured.map_err(|source| DialError::Tls { endpoint: endpoint.clone(), source })
}

/// What is wrong here is so whether the server can be reached or not.
async fn settings(
    endpoint: &Endpoint,
    options: &DialOptions,
    alpn: &'static [u8],
) -> Result<(Arc<ClientConfig>, ServerName<'static>), DialError> {
    let tls = &options.tls;
    let settings = tls.load(alpn).await.map_err(DialError::TlsSettings)?;
    let name = tls.name(endpoint.host_port().0).map_err(DialError::TlsSettings)?;
    if tls.accepts_any() {
        warn!(%endpoint, "DANGER: any certificate is accepted, anyone may be at the other end");
    }
    Ok((settings, name))
}

async fn upgrade<T: Carrier>(io: T, endpoint: &Endpoint) -> Result<WebSocket<T>, DialError> {
    let upgraded = websocket::connect(io, endpoint).await;
    upgraded.map_err(|source| DialError::Upgrade { endpoint: endpoint.clone(), source })
}
