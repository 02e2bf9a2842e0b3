//! The listener, and what is served on it until the end.

use crate::config::ServerConfig;
use crate::connection::{Caller, ConnectionHandler};
use crate::deadline::{self, Deadlines};
use crate::error::{ApiError, is_grpc};
use crate::guard::{self, Entry, Guard, Public};
use crate::health::Probe;
use crate::host::{self, HostRule};
use crate::media_type;
use crate::operators::Operators;
use crate::proxies::{ServerProxies, canonical};
use crate::standing::Places;
use crate::watch::Watches;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use frontier_access::HalfOpen;
use frontier_transport::ServerTls;
use http::{HeaderMap, Method, Uri};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tracing::{debug, info, warn};

/// The pause after a failed accept: mostly file descriptors are short, and trying again at once would spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1024;

/// A server did not start: its address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {addr} for the {name}")]
pub struct BindError {
    /// What the server is called.
    pub name: &'static str,
    /// The configured address.
    pub addr: SocketAddr,
    /// What the operating system said.
    pub source: std::io::Error,
}

/// A port on which gRPC and REST are served.
pub struct Server {
    name: &'static str,
    config: ServerConfig,
    listener: TcpListener,
    addr: SocketAddr,
    guard: Option<Guard>,
    public: Public,
    uploads: fn(&str) -> bool,
    /// Cancelled once [`run`](Self::run) ends; watches end with it.
    stopping: CancellationToken,
}

impl Server {
    /// Listens. Connections wait until [`run`](Self::run). The name is for logs and errors, such as "control
    /// plane".
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(name: &'static str, config: &ServerConfig) -> Result<Self, BindError> {
        let failed = |source| BindError { name, addr: config.addr, source };
        let listener = listen(config).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let stopping = CancellationToken::new();
        Ok(Self {
            name,
            config: config.clone(),
            listener,
            addr,
            guard: None,
            public: |_, _, _| false,
            uploads: |_| false,
            stopping,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its TLS, if there is any, to be changed while it runs.
    #[must_use]
    pub fn tls(&self) -> Option<ServerTls> {
        self.config.tls.clone()
    }

    /// Has `check` decide of each request, by who sends it and by its headers, before anything else looks at it:
    /// paths that do not exist are refused in the same way. `/healthz` answers everybody, and what is [`public`](Self::public).
    #[must_use]
    pub fn guard(
        self,
        check: impl Fn(&Caller, &HeaderMap) -> Result<(), ApiError> + Send + Sync + 'static,
    ) -> Self {
        self.gate(move |caller, request| {
            check(caller, request.headers()).map_err(|error| guard::refusal(error, request.headers()))
        })
    }

    /// As [`guard`](Self::guard), by all of the request but its body, to which it may add what it finds out; and with what
    /// is answered otherwise.
    #[must_use]
    pub fn gate(
        mut self,
        check: impl Fn(&Caller, &mut Request) -> Result<(), Box<Response>> + Send + Sync + 'static,
    ) -> Self {
        self.guard = Some(Arc::new(check));
        self
    }

    /// Has `operators` decide of each request, as [`guard`](Self::guard) does. Those that pass have an extension, the
    /// [`Operator`](crate::Operator).
    #[must_use]
    pub fn operators(mut self, operators: Operators) -> Self {
        self.guard = Some(guard::of_operators(operators));
        self
    }

    /// Has the guard let these requests pass, whoever sends them: for files that are the same for all and hold nothing of
    /// the daemon's.
    #[must_use]
    pub fn public(mut self, is_public: fn(&Method, &Uri, &HeaderMap) -> bool) -> Self {
        self.public = is_public;
        self
    }

    /// Lets requests for these paths take as long as their bodies come, and not `request_timeout`: a client's own deadline
    /// holds, and it is for the daemon to bound how many there are.
    #[must_use]
    pub fn uploads(mut self, is_upload: fn(&str) -> bool) -> Self {
        self.uploads = is_upload;
        self
    }

    /// The watches of this server: they are counted together, and end when it stops.
    #[must_use]
    pub fn watches(&self) -> Watches {
        Watches::new(&self.config, self.stopping.clone())
    }

    /// Serves the router, and health beside it, until `stop`. Then it is no longer ready, takes no more
    /// connections and ends the watches; what is in flight has `grace`.
    pub async fn run(self, router: Router, probe: Probe, stop: CancellationToken, grace: Duration) {
        // Its time begins once it is asked for.
        self.run_until(router, probe, stop, async { sleep(grace).await }).await;
    }

    /// The same, where what is in flight has until `cut`, which is looked at from `stop` on.
    pub async fn run_until(
        self,
        router: Router,
        probe: Probe,
        stop: CancellationToken,
        cut: impl Future<Output = ()>,
    ) {
        info!(addr = %self.addr, tls = self.config.tls.is_some(), "the {} listens", self.name);
        let router =
            router.merge(probe.routes()).method_not_allowed_fallback(wrong_method).fallback(no_route);
        let router = router.layer(from_fn(media_type::enforce));
        let ServerConfig { connections, handshakes, handshakes_per_address, .. } = self.config;
        let strangers = self.guard.is_some().then(|| HalfOpen::new(handshakes, handshakes_per_address));
        let hosts = HostRule::new(self.config.addr, self.config.tls.is_some(), self.config.hosts.clone());
        let places = Places::new(self.name, connections, strangers);
        let router = match self.guard {
            Some(guard) => {
                router.layer(from_fn_with_state(Entry { guard, public: self.public }, guard::enforce))
            }
            None => router.layer(from_fn_with_state(hosts.clone(), host::enforce)),
        };
        let deadlines = Deadlines { limit: self.config.request_timeout, uploads: self.uploads };
        let router = router.layer(from_fn_with_state(deadlines, deadline::enforce));
        let kill = CancellationToken::new();
        let handler = ConnectionHandler::new(
            self.name,
            &self.config,
            router,
            hosts,
            self.stopping.clone(),
            kill.clone(),
        );
        let tasks = TaskTracker::new();
        tasks.spawn(probe.run(self.stopping.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept(&self.listener, &self.config.proxies, handler, &tasks, &places) => {}
        }
        drop(self.listener);
        self.stopping.cancel();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => {}
            () = cut => {
                warn!(connections = tasks.len(), "the {} cuts off connections: the grace is over", self.name);
                kill.cancel();
                tasks.wait().await;
            }
        }
    }
}

/// Waits for nothing: a name would have to be looked up, and this is an address.
fn listen(config: &ServerConfig) -> std::io::Result<TcpListener> {
    let ServerConfig { addr, send_buffer, .. } = *config;
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As `TcpListener::bind` does: else a restart has to wait for what is left of connections.
    socket.set_reuseaddr(true)?;
    if let Some(size) = send_buffer {
        // Connections have it from their listener.
        socket.set_send_buffer_size(size)?;
    }
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: &TcpListener,
    proxies: &ServerProxies,
    handler: ConnectionHandler,
    tasks: &TaskTracker,
    places: &Places,
) {
    loop {
        let (stream, addr) = match listener.accept().await {
            Ok((stream, addr)) => (stream, canonical(addr)),
            Err(error) => {
                warn!(%error, "can't accept a connection");
                sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        let is_proxy = proxies.trusted.trusts(addr.ip());
        let Some(standing) = places.enter((!is_proxy).then_some(addr.ip())) else {
            debug!(%addr, "closed a connection: the limit is reached");
            continue;
        };
        let handler = handler.clone();
        tasks.spawn(handler.serve(stream, addr, Arc::new(standing)));
    }
}

async fn no_route(request: Request) -> Response {
    let error = ApiError::NoRoute(request.uri().path().to_owned());
    if is_grpc(request.headers()) { Status::from(error).into_http() } else { error.into_response() }
}

async fn wrong_method(request: Request) -> ApiError {
    ApiError::Method(request.method().to_string())
}
