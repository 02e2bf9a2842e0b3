//! One connection from its accept to its end.

use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::host::HostRule;
use crate::operators::{admit_line, client_certificate};
use crate::proxies::ServerProxies;
use crate::stall::StallGuard;
use crate::standing::Standing;
use crate::tls;
use axum::Router;
use frontier_access::authn::ClientCertificate;
use frontier_access::{LogLimiter, PeerText};
use frontier_transport::{Party, PeerCertificate, ServerTls, TlsError};
use http::{HeaderMap, Request, Uri};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

/// The longest head of a request, in bytes: a thousand ids in the path fit in.
const MAX_HEAD_SIZE: usize = 64 * 1024;

/// What may wait in memory for one HTTP/2 stream, in bytes: a slow reader holds up its handler, not more.
const MAX_SEND_BUFFER_SIZE: usize = 64 * 1024;

/// What a client may send of one HTTP/2 stream that its handler does not read, and of all streams of a connection, in bytes:
/// an upload that is held up leaves room for what is asked beside it.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 64 * STREAM_WINDOW;

/// How many lines a second tell of clients whose certificates were refused.
const LINES_PER_SECOND: u32 = 10;

/// Who sends a request, as far as the connection and trusted proxies tell. An extension of every request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Where from; IPv4 in its own form. Of whom a trusted proxy passes on a request no port is known: 0.
    pub addr: SocketAddr,
    /// The client's certificate, if it has shown one. It has been verified in the handshake.
    pub certificate: Option<Arc<ClientCertificate>>,
    connection: Arc<Connection>,
}

/// What all requests of a connection have in common.
#[derive(Debug)]
struct Connection {
    /// Where the last request was from that somebody has asked about.
    known: Mutex<Option<IpAddr>>,
    /// Its place among the connections, or among those that have shown no credentials.
    standing: Arc<Standing>,
    /// What certificates are held against, as it is now.
    tls: Option<ServerTls>,
    hosts: HostRule,
}

impl Caller {
    /// A request of it was let pass.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        self.connection.standing.admit()
    }

    /// Whether this is asked for the first time on this connection, or of somebody else than before: for logs that have a
    /// line for each.
    #[must_use]
    pub fn is_new(&self) -> bool {
        let ip = self.addr.ip();
        self.connection.known.lock().replace(ip) != Some(ip)
    }

    /// Whether the certificate that was shown, or that none was, would do in a handshake now: since the one that there
    /// was, CAs and revocation lists may have been read again.
    ///
    /// # Errors
    /// What would be wrong with it.
    pub fn check_certificate(&self) -> Result<(), TlsError> {
        let Some(tls) = &self.connection.tls else { return Ok(()) };
        let chain = self.certificate.as_deref().map(ClientCertificate::chain).unwrap_or_default();
        tls.check_client(&chain, SystemTime::now())
    }

    /// Whether a request may be for the host that it names, where nobody is asked for credentials.
    ///
    /// # Errors
    /// [`ApiError::Denied`] if the port is for this machine alone, and the host is another one.
    pub fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        self.connection.hosts.check(uri, headers)
    }

    /// Who sends a request with these headers over the same connection.
    fn behind(&self, proxies: &ServerProxies, headers: &HeaderMap) -> Self {
        Self { addr: proxies.client(self.addr, headers), ..self.clone() }
    }
}

/// Serves connections, all in the same way.
#[derive(Clone)]
pub(crate) struct ConnectionHandler {
    name: &'static str,
    /// For the lines of clients whose certificates were refused.
    refused: Arc<LogLimiter>,
    router: Router,
    tls: Option<ServerTls>,
    hosts: HostRule,
    proxies: ServerProxies,
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
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(config.streams)
        .max_header_list_size(u32::try_from(MAX_HEAD_SIZE).unwrap_or(u32::MAX))
        .max_send_buf_size(MAX_SEND_BUFFER_SIZE);
    http
}

impl ConnectionHandler {
    /// `stop` ends connections once nothing is in flight on them, `kill` ends them at once.
    pub(crate) fn new(
        name: &'static str,
        config: &ServerConfig,
        router: Router,
        hosts: HostRule,
        stop: CancellationToken,
        kill: CancellationToken,
    ) -> Self {
        let ServerConfig { handshake_timeout, slow_peer_timeout, .. } = *config;
        let (tls, proxies, http) = (config.tls.clone(), config.proxies.clone(), http(config));
        let refused = Arc::new(LogLimiter::new(LINES_PER_SECOND));
        Self {
            name,
            refused,
            router,
            tls,
            hosts,
            proxies,
            http,
            handshake_timeout,
            slow_peer_timeout,
            stop,
            kill,
        }
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
        let Some(tls) = self.tls.as_ref().map(tls::acceptor) else {
            let caller = self.caller(addr, None, standing);
            return self.serve_http(stream, caller).await;
        };
        let handshake = tokio::select! {
            () = self.stop.cancelled() => return,
            handshake = timeout(self.handshake_timeout, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let certificate = PeerCertificate::parse(chain);
                if certificate.is_none() && !chain.is_empty() {
                    return debug!(%addr, "closed a connection: the client's certificate can't be read");
                }
                let certificate = certificate.map(|certificate| Arc::new(client_certificate(&certificate)));
                let caller = self.caller(addr, certificate, standing);
                self.serve_http(stream, caller).await;
            }
            Ok(Err(error)) => self.tell_failed(addr, &TlsError::of_handshake(&error, Party::Client)),
            Err(_) => debug!(%addr, timeout = ?self.handshake_timeout, "the TLS handshake took too long"),
        }
    }

    /// What is wrong with a client's certificate is for the operator to see; all else any scanner of ports causes.
    fn tell_failed(&self, addr: SocketAddr, error: &TlsError) {
        let error = PeerText(error);
        if !error.0.is_of_client_certificate() {
            debug!(%addr, %error, "the TLS handshake failed");
        } else if let Some(suppressed) = admit_line(&self.refused) {
            warn!(%addr, %error, suppressed, "a client of the {} is not let in", self.name);
        }
    }

    fn caller(
        &self,
        addr: SocketAddr,
        certificate: Option<Arc<ClientCertificate>>,
        standing: Arc<Standing>,
    ) -> Caller {
        let (tls, hosts) = (self.tls.clone(), self.hosts.clone());
        let connection = Connection { known: Mutex::default(), standing, tls, hosts };
        Caller { addr, certificate, connection: Arc::new(connection) }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, caller: Caller) {
        let (addr, standing) = (caller.addr, caller.connection.standing.clone());
        let (patience, proxies) = (self.handshake_timeout, self.proxies);
        let stays_unknown = async {
            sleep(patience).await;
            if standing.is_known() {
                std::future::pending::<()>().await;
            }
        };
        let service = self.router.map_request(move |mut request: Request<Incoming>| {
            let caller = caller.behind(&proxies, request.headers());
            request.extensions_mut().insert(caller);
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
            debug!(%addr, error = %PeerText(error), "a connection ended with an error");
        }
    }
}
