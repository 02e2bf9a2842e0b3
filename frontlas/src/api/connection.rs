use super::ControlPlaneConfig;
use super::io::Guarded;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

/// Streams at once on one HTTP/2 connection.
const STREAMS: u32 = 256;

/// The longest head of a request, in bytes: a thousand ids fit in.
const HEAD: usize = 64 * 1024;

/// What waits in memory for one HTTP/2 stream, in bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Who asks, as far as the connection tells. An extension of every request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Where from.
    pub addr: SocketAddr,
    /// The certificate that was shown, if one was asked for. It has been verified.
    pub certificate: Option<CertificateDer<'static>>,
}

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) http: auto::Builder<TokioExecutor>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) slow_peer_timeout: Duration,
    /// Ends when there is nothing in flight.
    pub(crate) stop: CancellationToken,
    /// Ends at once.
    pub(crate) kill: CancellationToken,
}

/// What HTTP allows, by the limits of the control plane.
pub(crate) fn http(config: &ControlPlaneConfig) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(config.handshake_timeout).max_buf_size(HEAD);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(config.keepalive)
        .keep_alive_timeout(config.slow_peer_timeout)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER);
    http
}

impl Connections {
    /// Serves one connection to its end.
    pub(crate) async fn serve(self, stream: TcpStream, addr: SocketAddr) {
        // Fails only if the connection has ended.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            return self.speak(stream, Caller { addr, certificate: None }).await;
        };
        let handshake = tokio::select! {
            () = self.stop.cancelled() => return,
            handshake = timeout(self.handshake_timeout, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let certificate = shown.map(|it| it.clone().into_owned());
                self.speak(stream, Caller { addr, certificate }).await;
            }
            Ok(Err(error)) => debug!(%addr, %error, "no TLS handshake"),
            Err(_) => debug!(%addr, "no TLS handshake in time"),
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, caller: Caller) {
        let addr = caller.addr;
        let service = self.router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(caller.clone());
            request
        });
        let io = TokioIo::new(Guarded::new(stream, self.handshake_timeout, self.slow_peer_timeout));
        let mut connection = pin!(self.http.serve_connection(io, TowerToHyperService::new(service)));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.kill.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            debug!(%addr, error, "a connection broke");
        }
    }
}
