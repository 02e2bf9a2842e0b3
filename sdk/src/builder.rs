//! What users set before they connect, and how a client is connected.

use crate::client::{Client, Handle};
use crate::connect_error::ConnectError;
use crate::credentials::Credentials;
use crate::handlers::Handlers;
use crate::options::{Options, ProxySetting};
use crate::stream::StreamConfig;
use crate::supervisor::{Live, Route, Supervisor};
use bytes::Bytes;
use frontier_protocol::{Role, Token};
use frontier_transport::{ClientTls, Connector, QuicClient};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// How an [`Edge`](crate::Edge) or a [`Service`](crate::Service) is to connect and behave. Nothing is
/// checked before `connect`.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `connect`"]
pub struct Builder<P> {
    pub(crate) options: Options,
    pub(crate) handlers: Handlers,
    of: PhantomData<fn() -> P>,
}

impl<P> Builder<P> {
    pub(crate) fn new(role: Role, url: impl Into<String>) -> Self {
        Self { options: Options::new(role, url.into()), handlers: Handlers::default(), of: PhantomData }
    }

    /// One more address. They are tried in turn, the first one first, without a pause; when all have
    /// failed comes a pause, and the next round.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.options.redial.urls.push(url.into());
        self
    }

    /// Whom to trust, and what certificate to show, at the addresses that are reached over TLS: `tls`,
    /// `wss` and `quic`. Without it the CAs of the system are trusted, and none is shown.
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.options.redial.dial.tls = tls;
        self
    }

    /// Whether a gateway that goes away, or frontlas, may name addresses without TLS though it is itself reached over
    /// TLS. It may not unless set: the token and all payloads would go there in clear. What the user names is dialled
    /// whatever it is.
    pub fn allow_downgrade(mut self, allow: bool) -> Self {
        self.options.redial.allows_downgrade = allow;
        self
    }

    /// From which UDP sockets to dial over QUIC: clients of one process that are given the same share
    /// them. Unless set each client has its own.
    pub fn quic(mut self, sockets: Arc<QuicClient>) -> Self {
        self.options.redial.dial.quic = sockets;
        self
    }

    /// Connects through a proxy: `http://user:password@host:port`, which must allow `CONNECT` to the gateway's port, or
    /// `socks5://user:password@host:port`. User and password may be left out. The proxy looks up the gateway's name.
    /// It leads to every address, this machine included; there is none for QUIC, and [`connect_with`](Self::connect_with)
    /// does without.
    ///
    /// Unless set, the environment says which proxy leads where: `HTTPS_PROXY` for `tls`, `wss` and `frontlas+https`,
    /// `ALL_PROXY` where that is not set and for the others, and `NO_PROXY` for what needs none; in lower case too. This machine
    /// itself (`localhost`, and loopback addresses) is reached without, and so is what is dialled over QUIC.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.options.redial.proxy = ProxySetting::To(url.into());
        self
    }

    /// Connects without a proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.options.redial.proxy = ProxySetting::Direct;
        self
    }

    /// Sends a header with each WebSocket request, such as `Host` if it is to differ from the URL's, or `User-Agent`, which
    /// is `frontier-sdk/` and the version unless set. Those of the handshake itself can't be set; `connect` says so, and
    /// what else is wrong with one.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let headers = &mut self.options.redial.headers;
        if let Ok(set) = headers
            && let Err(error) = set.set(name.as_ref(), value.as_ref())
        {
            *headers = Err(error);
        }
        self
    }

    /// Connects over what `connect` gives for a URL, in place of TCP: the pipe of a process, a channel of a tunnel, or a
    /// stream within this process. The addresses have to be `tcp://` ones, whose host and port mean what `connect`
    /// makes of them; nothing is put over the stream, no TLS either.
    ///
    /// ```
    /// # let builder = frontier_sdk::Edge::builder("tcp://gateway:30012");
    /// let builder = builder.connect_with(|url| async move {
    ///     let (near, far) = tokio::io::duplex(64 * 1024);
    ///     # let _ = (url, far);
    ///     // … hand the other end to the gateway …
    ///     Ok(near)
    /// });
    /// ```
    pub fn connect_with<F, Fut, T>(mut self, connect: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::io::Result<T>> + Send + 'static,
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.options.redial.dial.connector = Some(Connector::new(connect));
        self
    }

    /// Opaque bytes that say who this is: at most 65,535.
    pub fn meta(mut self, meta: impl Into<Bytes>) -> Self {
        self.options.identity.meta = meta.into();
        self
    }

    /// Credentials to show the gateway, at most 16 KiB. Those given before are forgotten.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options.credentials = Credentials::Token(Token::new(token.into()));
        self
    }

    /// Credentials that expire: `source` is asked before each attempt to connect. When it fails, or
    /// takes more than 10 seconds, so has the attempt, and it is asked again for the next.
    ///
    /// ```
    /// # async fn issue() -> std::io::Result<String> { Ok(String::new()) }
    /// # let builder = frontier_sdk::Edge::builder("tcp://127.0.0.1:30012");
    /// let builder = builder.token_source(|| async { issue().await });
    /// ```
    pub fn token_source<F, Fut, E>(mut self, source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.options.credentials = Credentials::source(source);
        self
    }

    /// How long the first connect may take, all attempts together. 10 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.redial.connect_timeout = timeout;
        self
    }

    /// How long a close in good order waits for what is in flight. 5 seconds unless set.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.options.redial.close_timeout = timeout;
        self
    }

    /// By how many bytes the receive windows of all streams may together grow beyond 256 KiB each. 128
    /// KiB unless set. More lets a stream fill a long path; what is on its way stands before small calls.
    pub fn window_growth(mut self, bytes: usize) -> Self {
        self.options.window_growth = bytes;
        self
    }

    /// The limits of each stream, opened here or by the other side, unless [`OpenStream::config`] says otherwise.
    ///
    /// [`OpenStream::config`]: crate::OpenStream::config
    pub fn stream_config(mut self, config: StreamConfig) -> Self {
        self.options.stream = config;
        self
    }

    /// How many bytes per second all streams and large payloads may together send while small calls and
    /// messages go over the same connection, so that those find room; 0: as many as they can. 64 MiB
    /// for an edge unless set, half of what a network of 1 Gbit/s carries; 0 for a service, whose connection
    /// carries what many edges get.
    pub fn bulk_rate(mut self, bytes_per_second: usize) -> Self {
        self.options.bulk_rate = bytes_per_second;
        self
    }

    /// How long a call, a message or the opening of a stream may take, unless it has a time of its
    /// own. 30 seconds unless set.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self
    }

    /// How often to make sure that the gateway is there. The gateway may want it more often. A
    /// connection on which nothing is heard for three intervals is given up.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.options.heartbeat = Some(interval);
        self
    }

    /// The pauses between attempts to connect: each is drawn from zero to a ceiling, which doubles
    /// from `min` up to `max`. 100 milliseconds and 10 seconds unless set.
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.options.redial.backoff = (min, max);
        self
    }

    /// How many handlers run at once, at least 1. As many requests again wait; more are answered as
    /// overloaded. 1024 unless set.
    pub fn max_handlers(mut self, handlers: usize) -> Self {
        self.options.max_handlers = handlers.max(1);
        self
    }

    /// How many messages wait to be received, at least 1; more are answered as overloaded. 1024
    /// unless set.
    pub fn receive_queue(mut self, messages: usize) -> Self {
        self.options.receive_queue = messages.max(1);
        self
    }

    /// Whether a lost connection is made anew. It is unless set.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.options.redial.reconnect = reconnect;
        self
    }

    /// Whether a client that was connected ends with [`Closed::Refused`](crate::Closed) once a gateway refuses it. Unless
    /// set it tries again, since the mistake may be the gateway's: with [`Status::Refused`](crate::Status) meanwhile, and
    /// pauses that grow to twelve times the longest of [`backoff`](Self::backoff). The first `connect` fails at a refusal
    /// in any case. A `ClusterService` always tries again.
    pub fn end_on_refusal(mut self, end: bool) -> Self {
        self.options.redial.ends_on_refusal = end;
        self
    }

    /// Whether a thread of the SDK carries the connection, one for all clients of the process. Then no code of the
    /// program can hold up what the connection needs to live for more than 40 ms, and many calls cost the program's
    /// threads few wake-ups. Unless set it does where `connect` is awaited on a runtime of several threads; on a current-thread runtime
    /// everything stays on that.
    pub fn io_thread(mut self, apart: bool) -> Self {
        self.options.io_thread = Some(apart);
        self
    }

    /// How long the [thread of the SDK](Self::io_thread) looks for more, after it had something to do, before it sleeps: it
    /// spares that thread's wake-ups, for a processor that is busy meanwhile. 0 unless set, 10 ms at most; of all clients of
    /// the process the longest counts, from then on.
    pub fn spin(mut self, time: Duration) -> Self {
        self.options.spin = time;
        self
    }

    pub(crate) async fn establish(self) -> Result<Handle, ConnectError> {
        establish(Client::new(self.options.checked()?, self.handlers)).await
    }
}

/// Connects a client, and keeps it connected from then on.
pub(crate) async fn establish(client: Client) -> Result<Handle, ConnectError> {
    let executor = client.executor.clone();
    let connect = async move {
        let mut route = Route::new(&client.options)?;
        let after = client.options.redial.connect_timeout;
        let client = Arc::new(client);
        let mut last = None;
        let connected = tokio::time::timeout(after, route.connect(&client, &mut last)).await;
        let live = match connected {
            Ok(connected) => connected.map_err(ConnectError::refused)?,
            Err(_) => {
                return Err(ConnectError::timeout(after, last.or_else(|| route.waits_for()).as_ref()));
            }
        };
        Ok(supervise(client, route, live))
    };
    // Boxed: it is moved around, and large.
    executor.run_io(Box::pin(connect)).await
}

/// As [`establish`], but each address is tried only once.
#[cfg(feature = "cluster")]
pub(crate) async fn establish_at_once(client: Client) -> Result<Handle, ConnectError> {
    let executor = client.executor.clone();
    let connect = async move {
        let start = tokio::time::Instant::now();
        let mut route = Route::new(&client.options)?;
        let client = Arc::new(client);
        match route.round(&client).await {
            Ok(live) => Ok(supervise(client, route, live)),
            Err(error) if error.is_final() => Err(ConnectError::refused(error)),
            Err(error) => Err(ConnectError::timeout(start.elapsed(), Some(&error))),
        }
    };
    // Boxed: it is moved around, and large.
    executor.run_io(Box::pin(connect)).await
}

fn supervise(client: Arc<Client>, route: Route, live: Live) -> Handle {
    let handle = Handle::new(client.clone());
    let executor = client.executor.clone();
    if executor.is_apart() {
        let guard = AbandonOnDrop(client.clone());
        executor.user().spawn(async move { guard.0.watch().closed().await });
    }
    executor.spawn_io(Supervisor::new(client, route).run(live));
    handle
}

/// Ends a client with the runtime of the user's code, which could answer nothing any more.
struct AbandonOnDrop(Arc<Client>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
