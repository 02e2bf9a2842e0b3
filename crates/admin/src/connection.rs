//! One connection from its accept to its end.

use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::stall::StallGuard;
use crate::standing::Standing;
use crate::tls::LiveTls;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

/// The longest head of a request, in bytes: a thousand ids in the path fit in.
const MAX_HEAD_SIZE: usize = 64 * 1024;

/// What may wait in memory for one HTTP/2 stream, in bytes: a slow reader holds up its handler, not more.
const MAX_SEND_BUFFER_SIZE: usize = 64 * 1024;

/// Who sends a request, as far as the connection tells. An extension of every request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Where from.
    pub addr: SocketAddr,
    /// The client's certificate, if it has shown one. It has been verified.
    pub certificate: Option<CertificateDer<'static>>,
    /// Whether there was a request on this connection that somebody has asked about.
    known: Arc<AtomicBool>,
    /// Its place among the connections, or among those that have shown no credentials.
    standing: Arc<Standing>,
}

impl Caller {
    fn new(addr: SocketAddr, certificate: Option<CertificateDer<'static>>, standing: Arc<Standing>) -> Self {
        Self { addr, certificate, known: Arc::default(), standing }
    }

    /// A request of it was let pass.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        self.standing.admit()
    }

    /// Whether this is asked for the first time on this connection: for logs that have a line for each.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.known.swap(true, Ordering::Relaxed)
    }
}

/// Serves connections, all in the same way.
#[derive(Clone)]
pub(crate) struct ConnectionHandler {
    router: Router,
    tls: Option<LiveTls>,
    http: auto::Builder<TokioExecutor>,
    handshake_timeout: Duration,
    slow_peer_timeout: Duration,
    stop: CancellationToken,
    kill: CancellationToken,
}

/// HTTP/1.1 and HTTP/2 within the limits of the configuration.
fn http(config: &ServerConfig) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.handshake_timeout)
        .max_buf_size(MAX_HEAD_SIZE);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(config.keepalive)
        .keep_alive_timeout(config.slow_peer_timeout)
        .max_concurrent_streams(config.streams)
        .max_header_list_size(u32::try_from(MAX_HEAD_SIZE).unwrap_or(u32::MAX))
        .max_send_buf_size(MAX_SEND_BUFFER_SIZE);
    http
}

impl ConnectionHandler {
    /// `stop` ends connections once nothing is in flight on them, `kill` ends them at once.
    pub(crate) fn new(
        config: &ServerConfig,
        router: Router,
        tls: Option<LiveTls>,
        stop: CancellationToken,
        kill: CancellationToken,
    ) -> Self {
        let ServerConfig { handshake_timeout, slow_peer_timeout, .. } = *config;
        Self { router, tls, http: http(config), handshake_timeout, slow_peer_timeout, stop, kill }
    }

    /// Serves one connection to its end, or until its place goes to another one.
    pub(crate) async fn serve(self, stream: TcpStream, addr: SocketAddr, standing: Arc<Standing>) {
        let given_up = standing.given_up();
        tokio::select! {
            () = self.serve_stream(stream, addr, standing) => {}
            () = given_up.wait() => debug!(%addr, "closed a connection: its place went to another one"),
        }
    }

    async fn serve_stream(self, stream: TcpStream, addr: SocketAddr, standing: Arc<Standing>) {
        // Fails only if the connection has ended.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.as_ref().map(LiveTls::acceptor) else {
            return self.serve_http(stream, Caller::new(addr, None, standing)).await;
        };
        let handshake = tokio::select! {
            () = self.stop.cancelled() => return,
            handshake = timeout(self.handshake_timeout, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates();
                let certificate = chain.and_then(|chain| chain.first()).map(|it| it.clone().into_owned());
                self.serve_http(stream, Caller::new(addr, certificate, standing)).await;
            }
            Ok(Err(error)) => debug!(%addr, %error, "the TLS handshake failed"),
            Err(_) => debug!(%addr, timeout = ?self.handshake_timeout, "the TLS handshake took too long"),
        }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, caller: Caller) {
        let (addr, standing, patience) = (caller.addr, caller.standing.clone(), self.handshake_timeout);
        let stays_unknown = async {
            sleep(patience).await;
            if standing.is_known() {
                std::future::pending::<()>().await;
            }
        };
        let service = self.router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(caller.clone());
            request
        });
        let io = TokioIo::new(StallGuard::new(stream, self.handshake_timeout, self.slow_peer_timeout));
        let service = TowerToHyperService::new(service);
        let mut connection = pin!(self.http.serve_connection_with_upgrades(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stays_unknown => {
                debug!(%addr, timeout = ?patience, "closes a connection that has shown no credentials");
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = sleep(patience) => Ok(()),
                    () = self.kill.cancelled() => Ok(()),
                }
            }
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.kill.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            debug!(%addr, error, "a connection ended with an error");
        }
    }
}
