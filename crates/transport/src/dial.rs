//! Dialling: from an endpoint to a link. The lookup of the name, the connection to each address, and what is laid over
//! it have each a time of their own.

use crate::address::lookup;
use crate::carrier::{BoxedCarrier, Carrier};
use crate::connector::Connector;
use crate::proxy::{Proxy, ProxyChoice, ProxyError, ProxyVariableError};
use crate::quic::{QuicClient, QuicError};
use crate::roaming_tcp::RoamingTcp;
use crate::tcp::connect_any;
use crate::tls::{self, ALPN_HTTP, ALPN_LINK, ClientTls, ClientTlsError, TlsError, TlsStream};
use crate::websocket::{self, UpgradeError, UpgradeHeaders, WebSocket};
use crate::{CloseReason, Endpoint, Link, LinkConfig, Scheme};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tracing::warn;

/// How long TLS, the WebSocket upgrade and the lane may take together over a connection that stands.
const SECURE_TIMEOUT: Duration = Duration::from_secs(5);

/// How to dial, whatever the endpoint.
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// For the endpoints that are reached over TLS.
    pub tls: ClientTls,
    /// From where endpoints are reached over QUIC. Clones share it.
    pub quic: Arc<QuicClient>,
    /// Through what endpoints over TCP are reached.
    pub proxy: ProxyChoice,
    /// What WebSocket requests say besides.
    pub headers: UpgradeHeaders,
    /// What gives the byte streams, if that is not TCP.
    pub connector: Option<Connector>,
}

/// Why an endpoint could not be reached.
#[derive(Debug, Error)]
pub enum DialError {
    /// The host's name has no address that is known.
    #[error("could not look up the name in {endpoint}")]
    Lookup {
        /// Where to.
        endpoint: Endpoint,
        /// What the operating system said.
        source: io::Error,
    },
    /// The proxy does not lead there.
    #[error("the proxy {proxy} does not lead to {endpoint}")]
    Proxy {
        /// Where to.
        endpoint: Endpoint,
        /// By way of what.
        proxy: Box<Proxy>,
        /// Why.
        source: ProxyError,
    },
    /// The environment names a proxy to it that is none.
    #[error(transparent)]
    ProxyVariable(#[from] ProxyVariableError),
    /// A proxy was named, and there is none for QUIC.
    #[error("{0} can't be reached through a proxy, which carries TCP and not QUIC: dial it with wss or tls")]
    ProxyOverQuic(Endpoint),
    /// It answers, and then falls silent.
    #[error("{endpoint} took the connection and then said nothing for {limit:?}")]
    Silent {
        /// Where to.
        endpoint: Endpoint,
        /// The time that it had.
        limit: Duration,
    },
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

/// Connects to `endpoint` and opens the lane. The host's addresses are raced: see [`connect_any`]. Each step has
/// its time: 30 seconds for the lookup, 5 for an address, 5 for TLS and the upgrade.
///
/// # Errors
/// [`DialError`] if the endpoint can't be reached, or is not what it should be. A server that looks at
/// our certificate only after the handshake, as with TLS 1.3, ends the link instead.
///
/// # Cancel safety
/// Cancel safe: the connection is dropped.
pub async fn dial(endpoint: &Endpoint, options: &DialOptions, config: LinkConfig) -> Result<Link, DialError> {
    if let Some(connector) = &options.connector {
        let failed = |source| DialError::Connect { endpoint: endpoint.clone(), source };
        return Ok(Link::dial(connector.connect(endpoint).await.map_err(failed)?, config).await?);
    }
    if endpoint.scheme() == Scheme::Quic {
        return match options.proxy {
            ProxyChoice::To(_) => Err(DialError::ProxyOverQuic(endpoint.clone())),
            _ => over_quic(endpoint, options, config).await,
        };
    }
    // What is wrong with the TLS settings is so whether the server can be reached or not.
    let prepared = Prepared::load(endpoint, options).await?;
    prepared.link(connect(endpoint, options).await?, endpoint, options, config).await
}

/// Connects to an endpoint of `tcp` or `tls` for a protocol that is not a link's: the byte stream. No protocol is named
/// in its TLS handshake.
///
/// # Errors
/// As [`dial`], and for another scheme.
///
/// # Cancel safety
/// Cancel safe: the connection is dropped.
pub async fn dial_bytes(endpoint: &Endpoint, options: &DialOptions) -> Result<BoxedCarrier, DialError> {
    let tls = match endpoint.scheme() {
        Scheme::Tcp => None,
        Scheme::Tls => Some(settings(endpoint, options, Vec::new()).await?),
        Scheme::Quic | Scheme::Ws | Scheme::Wss => {
            let source =
                io::Error::new(io::ErrorKind::Unsupported, "it is no plain byte stream: use tcp or tls");
            return Err(DialError::Connect { endpoint: endpoint.clone(), source });
        }
    };
    let io = connect(endpoint, options).await?;
    io.keep_alive();
    let Some(tls) = tls else { return Ok(Box::new(io)) };
    let secured = tokio::time::timeout(SECURE_TIMEOUT, secure(io, endpoint, tls));
    match secured.await {
        Ok(secured) => Ok(Box::new(secured?)),
        Err(_) => Err(DialError::Silent { endpoint: endpoint.clone(), limit: SECURE_TIMEOUT }),
    }
}

/// What is there before an endpoint over TCP is connected to.
pub(crate) struct Prepared {
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// What is needed to dial an endpoint at several addresses; `None` for one that is dialled once, which is not over TCP or
/// by way of another.
pub(crate) async fn prepare(
    endpoint: &Endpoint,
    options: &DialOptions,
) -> Result<Option<Prepared>, DialError> {
    let (host, port) = endpoint.host_port();
    if options.connector.is_some()
        || endpoint.scheme() == Scheme::Quic
        || options.proxy.to(host, port, endpoint.is_secured())?.is_some()
    {
        return Ok(None);
    }
    Prepared::load(endpoint, options).await.map(Some)
}

impl Prepared {
    async fn load(endpoint: &Endpoint, options: &DialOptions) -> Result<Self, DialError> {
        let alpn = match endpoint.scheme() {
            Scheme::Tls => options.tls.link_alpn(),
            _ => vec![ALPN_HTTP.to_vec()],
        };
        let tls = match endpoint.is_secured() {
            true => Some(settings(endpoint, options, alpn).await?),
            false => None,
        };
        Ok(Self { tls })
    }

    /// The link over a connection that stands.
    pub(crate) async fn link(
        &self,
        io: RoamingTcp,
        endpoint: &Endpoint,
        options: &DialOptions,
        config: LinkConfig,
    ) -> Result<Link, DialError> {
        if endpoint.scheme() == Scheme::Tcp {
            return Ok(Link::dial(io, config).await?);
        }
        let linked = tokio::time::timeout(SECURE_TIMEOUT, async {
            let io: BoxedCarrier = match self.tls.clone() {
                None => Box::new(upgrade(io, endpoint, options).await?),
                Some(tls) => {
                    let io = secure(io, endpoint, tls).await?;
                    match endpoint.scheme() {
                        Scheme::Wss => Box::new(upgrade(io, endpoint, options).await?),
                        _ => Box::new(io),
                    }
                }
            };
            Ok(Link::dial(io, config).await?)
        });
        linked
            .await
            .unwrap_or_else(|_| Err(DialError::Silent { endpoint: endpoint.clone(), limit: SECURE_TIMEOUT }))
    }
}

async fn connect(endpoint: &Endpoint, options: &DialOptions) -> Result<RoamingTcp, DialError> {
    let (host, port) = endpoint.host_port();
    if let Some(proxy) = options.proxy.to(host, port, endpoint.is_secured())? {
        let connected = proxy.connect(host, port).await;
        let io = connected.map_err(|source| DialError::Proxy {
            endpoint: endpoint.clone(),
            proxy: Box::new(proxy.clone()),
            source,
        })?;
        return Ok(RoamingTcp::new(io));
    }
    let looked_up = lookup(host, port).await;
    let addresses = looked_up.map_err(|source| DialError::Lookup { endpoint: endpoint.clone(), source })?;
    let connected = connect_any(addresses).await;
    let io = connected.map_err(|source| DialError::Connect { endpoint: endpoint.clone(), source })?;
    Ok(RoamingTcp::new(io))
}

async fn over_quic(
    endpoint: &Endpoint,
    options: &DialOptions,
    config: LinkConfig,
) -> Result<Link, DialError> {
    let (host, port) = endpoint.host_port();
    let (settings, name) = settings(endpoint, options, vec![ALPN_LINK.to_vec()]).await?;
    let dialled = options.quic.dial((host, port), &name.to_str(), &settings, config).await;
    dialled.map_err(|error| match error {
        QuicError::Lookup(source) => DialError::Lookup { endpoint: endpoint.clone(), source },
        QuicError::Io(source) => DialError::Connect { endpoint: endpoint.clone(), source },
        QuicError::Tls(source) => DialError::Tls { endpoint: endpoint.clone(), source },
        QuicError::Link(reason) => DialError::Link(reason),
    })
}

async fn secure(
    io: RoamingTcp,
    endpoint: &Endpoint,
    (settings, name): (Arc<ClientConfig>, ServerName<'static>),
) -> Result<TlsStream<UnbufferedClientConnection, RoamingTcp>, DialError> {
    let secured = tls::connect(io, settings, name).await;
    secured.map_err(|source| DialError::Tls { endpoint: endpoint.clone(), source })
}

async fn settings(
    endpoint: &Endpoint,
    options: &DialOptions,
    alpn: Vec<Vec<u8>>,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), DialError> {
    let tls = &options.tls;
    let settings = tls.load_offering(alpn).await.map_err(DialError::TlsSettings)?;
    let name = tls.name(endpoint.host_port().0).map_err(DialError::TlsSettings)?;
    if tls.accepts_any() {
        warn!(%endpoint, "DANGER: any certificate is accepted, anyone may be at the other end");
    }
    Ok((settings, name))
}

async fn upgrade<T: Carrier>(
    io: T,
    endpoint: &Endpoint,
    options: &DialOptions,
) -> Result<WebSocket<T>, DialError> {
    let upgraded = websocket::connect(io, endpoint, &options.headers).await;
    upgraded.map_err(|source| DialError::Upgrade { endpoint: endpoint.clone(), source })
}
