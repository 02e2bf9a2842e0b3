//! Handshakes. Their callers set the deadline.

use super::peer_certificate::PeerCertificate;
use super::session::Session;
use super::sni::SniRecorder;
use super::{ALPN_HTTP, ALPN_LINK, ServerTls, TlsError, TlsStream};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// How long a peer whose handshake failed may take to be told so.
const ALERT_TIMEOUT: Duration = Duration::from_secs(1);

/// What came out of a server's handshake.
pub(crate) struct Accepted<T> {
    pub(crate) stream: TlsStream<UnbufferedServerConnection, T>,
    pub(crate) certificate: Option<PeerCertificate>,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Alpn,
}

/// The application protocol that both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// The client named none.
    None,
    Link,
    Http,
}

/// The server's handshake. A client that names application protocols must name one of `protocols`: what is
/// served is said for each connection, and not with the certificates.
pub(crate) async fn accept<T>(io: T, tls: &ServerTls, protocols: &[&[u8]]) -> Result<Accepted<T>, TlsError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let name = Arc::new(OnceLock::new());
    let mut config = (*tls.rustls_config()).clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.cert_resolver = Arc::new(SniRecorder { inner: config.cert_resolver, name: name.clone() });
    let session = UnbufferedServerConnection::new(Arc::new(config));
    let session = session.map_err(|error| TlsError::new(&error, UnbufferedServerConnection::PEER))?;
    let mut stream = TlsStream::new(session, io);
    shake(&mut stream).await?;
    let state = stream.session().state();
    let certificate = state.peer_certificates().map(peer_certificate).transpose()?.flatten();
    let alpn = match state.alpn_protocol() {
        Some(ALPN_LINK) => Alpn::Link,
        Some(ALPN_HTTP) => Alpn::Http,
        _ => Alpn::None,
    };
    Ok(Accepted { stream, certificate, server_name: name.get().cloned(), alpn })
}

/// Waits for the client's first byte, which stays to be read. A request of HTTP starts with a letter, a
/// link with the version of its mux.
pub(crate) async fn starts_with_letter<S, T>(stream: &mut TlsStream<S, T>) -> Result<bool, TlsError>
where
    S: Session,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let first = poll_fn(|cx| stream.poll_peek(cx)).await;
    let first = first.map_err(|error| TlsError::Io(error.to_string()))?;
    Ok(first.is_some_and(|byte| byte.is_ascii_alphabetic()))
}

/// What a client's certificate says, which has been verified; `None` if it has shown none.
pub(crate) fn peer_certificate(chain: &[CertificateDer<'_>]) -> Result<Option<PeerCertificate>, TlsError> {
    if chain.is_empty() {
        return Ok(None);
    }
    let unreadable =
        || TlsError::Certificate(UnbufferedServerConnection::PEER, "it can't be read".to_owned());
    PeerCertificate::parse(chain).map(Some).ok_or_else(unreadable)
}

/// The client's handshake. With TLS 1.3 the server looks at the client's certificate only after it: that
/// it is refused shows at the first read.
pub(crate) async fn connect<T>(
    io: T,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<TlsStream<UnbufferedClientConnection, T>, TlsError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let session = UnbufferedClientConnection::new(config, name);
    let session = session.map_err(|error| TlsError::new(&error, UnbufferedClientConnection::PEER))?;
    let mut stream = TlsStream::new(session, io);
    shake(&mut stream).await?;
    Ok(stream)
}

async fn shake<S, T>(stream: &mut TlsStream<S, T>) -> Result<(), TlsError>
where
    S: Session,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let done = poll_fn(|cx| stream.poll_handshake(cx)).await;
    if done.is_err() {
        // Whether the peer still hears why is up to the peer.
        let _ = timeout(ALERT_TIMEOUT, stream.send_alert_and_drain()).await;
    }
    done
}
