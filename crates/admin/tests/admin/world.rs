//! A server with a few routes, and clients of it.

use axum::Router;
use axum::extract::{Extension, State};
use axum::response::Response;
use axum::routing::get;
use frontier_admin::page::{PageRequest, PageTokens, collect};
use frontier_admin::{
    ApiError, Caller, Metrics, Probe, Query, Server, ServerConfig, WatchSource, Watches, json, sse,
};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json as value};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long anything in a test may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// What the check of the probe finds.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Backend {
    Answers,
    Fails,
    Hangs,
    Degraded,
}

/// A server; it ends when this is dropped.
pub(crate) struct World {
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<()>,
    backend: Arc<AtomicU8>,
    _stop: DropGuard,
}

/// The settings, as they would be written in a file below the section of the server.
pub(crate) fn config(settings: &str) -> ServerConfig {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let read = |root: &frontier_config::Section<'_>| ServerConfig::read(root, anywhere);
    frontier_config::load(&format!("{{{settings}}}"), &|_| None, &[], read)
        .expect("the settings of a test are right")
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    pub(crate) async fn with(settings: &str) -> Self {
        Self::build(&config(settings), Duration::from_secs(5)).await
    }

    /// With a check of who asks.
    pub(crate) async fn guarded(
        settings: &str,
        check: impl Fn(&Caller, &HeaderMap) -> Result<(), ApiError> + Send + Sync + 'static,
    ) -> Self {
        let server = Server::bind("test server", &config(settings)).unwrap().guard(check);
        Self::on(server, Duration::from_secs(5)).await
    }

    pub(crate) async fn build(config: &ServerConfig, grace: Duration) -> Self {
        Self::on(Server::bind("test server", config).unwrap(), grace).await
    }

    pub(crate) async fn on(server: Server, grace: Duration) -> Self {
        let backend = Arc::new(AtomicU8::new(Backend::Answers as u8));
        let state = backend.clone();
        let probe = Probe::new("the backend", &["", "test.Service"], move || {
            let state = state.load(Ordering::SeqCst);
            Box::pin(async move {
                match state {
                    0 | 3 => Ok(()),
                    1 => Err("backend.internal:1 refused".to_owned().into()),
                    _ => std::future::pending().await,
                }
            })
        })
        .await
        .degraded({
            let state = backend.clone();
            move || match state.load(Ordering::SeqCst) {
                3 => vec!["something beside it is away".to_owned()],
                _ => Vec::new(),
            }
        });
        let metrics = Metrics::new({
            let state = backend.clone();
            move |out| {
                let state = u32::from(state.load(Ordering::SeqCst));
                out.gauge("backend_state", "What the backend does.").sample(&[], state);
            }
        });
        let router = Router::new()
            .route("/caller", get(caller))
            .route("/numbers", get(numbers))
            .route("/hangs", get(std::future::pending::<StatusCode>))
            .route("/watch", get(watch))
            .with_state(server.watches())
            .merge(metrics.routes());
        let (addr, stop) = (server.addr(), CancellationToken::new());
        let running = tokio::spawn(server.run(router, probe, stop.clone(), grace));
        Self { addr, stop: stop.clone(), running, backend, _stop: stop.drop_guard() }
    }

    pub(crate) fn set(&self, backend: Backend) {
        self.backend.store(backend as u8, Ordering::SeqCst);
    }

    /// A connection on which a request was sent.
    pub(crate) async fn request(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream
            .write_all(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        stream
    }

    /// Status, head and body of an answer.
    pub(crate) async fn send(&self, head: &str) -> (u16, String, String) {
        let mut answer = String::new();
        let mut stream = self.request(head).await;
        within(head, stream.read_to_string(&mut answer)).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (status.unwrap_or_else(|| panic!("{answer}")), head.to_owned(), body.to_owned())
    }

    /// Status and body of the answer to these bytes, after which the server closes.
    pub(crate) async fn send_raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(request, stream.read_to_string(&mut answer)).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        (status.unwrap_or_else(|| panic!("{answer}")), body)
    }

    /// Status and JSON.
    pub(crate) async fn json(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.send(&format!("GET {path} HTTP/1.1")).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Waits until a path answers with this status.
    pub(crate) async fn becomes(&self, path: &str, status: u16) {
        within(path, async {
            while self.json(path).await.0 != status {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

async fn caller(Extension(caller): Extension<Caller>) -> Response {
    json(
        StatusCode::OK,
        &value!({"ip": caller.addr.ip(), "port": caller.addr.port(), "certificate": caller.certificate.is_some()}),
    )
}

/// The numbers below 250, by pages of which none has more than 7 at a time.
async fn numbers(uri: Uri) -> Result<Response, ApiError> {
    let mut query = Query::parse(&uri)?;
    let (cursor, token) = query.cursor()?;
    let request = PageRequest::new(cursor, query.number("count")?, token)?;
    query.end()?;
    let read = async |from: u64, count: usize| {
        let items: Vec<u64> = (from..250).take(count.min(7)).collect();
        let next = items.last().map(|last| last + 1).filter(|next| *next < 250);
        Ok((items, next))
    };
    let list = collect(&request, PageTokens::new('n'), read).await?;
    Ok(json(StatusCode::OK, &value!({"numbers": list.items, "next": list.next_token, "cursor": list.cursor})))
}

/// `?wide` sends as much as is read; else there are only keepalives.
async fn watch(State(watches): State<Watches>, uri: Uri) -> Result<Response, ApiError> {
    let items = watches.reserve()?.start(Numbers { wide: uri.query() == Some("wide"), next: 0 });
    Ok(sse::response(items, |item: Item| match item {
        Item::Number(number, filler) => sse::event("number", Some(number), &filler),
        Item::Keepalive(number) => sse::keepalive(number),
    }))
}

struct Numbers {
    wide: bool,
    next: u64,
}

enum Item {
    Number(u64, String),
    Keepalive(u64),
}

impl WatchSource for Numbers {
    type Item = Item;

    async fn next(&mut self, keepalive_at: Instant) -> Result<Item, ApiError> {
        if self.wide {
            self.next += 1;
            return Ok(Item::Number(self.next, "x".repeat(64 * 1024)));
        }
        sleep_until(keepalive_at).await;
        Ok(Item::Keepalive(self.next))
    }
}
