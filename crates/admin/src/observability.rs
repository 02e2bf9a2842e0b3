//! The port for orchestrators and scrapes: `/metrics`, `/healthz`, `/livez`, `/readyz`, on a thread of its own.
//!
//! What is asked there is whether the daemon still works. So the answer must not wait for the daemon's own threads, all of
//! which may be stuck.

use crate::config::ServerConfig;
use crate::health::Probe;
use crate::host::AllowedHosts;
use crate::metrics::Metrics;
use crate::server::{BindError, Server};
use axum::Router;
use frontier_config::Section;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the port is called.
const NAME: &str = "metrics plane";

/// What is in flight at the end has so long.
const GRACE: Duration = Duration::from_secs(1);

/// The section `observability`, where it is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservabilityConfig {
    /// `addr`: where it listens.
    pub addr: SocketAddr,
    /// `allowed_hosts`: by which names it is reached beside those of every machine itself.
    pub hosts: AllowedHosts,
}

/// A port that is open; connections wait until [`run`](Self::run).
#[derive(Debug)]
pub struct Observability {
    addr: SocketAddr,
    start: oneshot::Sender<Work>,
}

/// A port that is served until this is dropped.
#[derive(Debug)]
pub struct Observing {
    ended: oneshot::Receiver<()>,
    stop: DropGuard,
}

#[derive(Debug)]
struct Work {
    router: Router,
    probe: Probe,
    stop: CancellationToken,
    ended: oneshot::Sender<()>,
}

impl ObservabilityConfig {
    /// Reads `observability`; `None` if it is not enabled, which is the default. Nobody is asked who they are, so by
    /// default it is for this machine alone, at `default_addr`.
    #[must_use]
    pub fn read(root: &Section<'_>, default_addr: SocketAddr) -> Option<Self> {
        let section = root.section("observability").fixed();
        let is_enabled = section.is_enabled(false);
        let addr: SocketAddr = section.get("addr", default_addr);
        let is_open = section.get("open_to_all", false);
        if is_enabled && !is_open && !addr.ip().to_canonical().is_loopback() {
            let text = format!(
                "whoever reaches {addr} could read the metrics, which name nobody: set `open_to_all: true` where that is \
                 meant, or listen on {default_addr}"
            );
            section.reject("addr", text);
        }
        let hosts = AllowedHosts::read(&section);
        is_enabled.then_some(Self { addr, hosts })
    }
}

impl Observability {
    /// Listens, and waits until it does.
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on.
    pub fn bind(config: &ObservabilityConfig) -> Result<Self, BindError> {
        let ObservabilityConfig { addr, hosts } = config.clone();
        let failed = |source| BindError { name: NAME, addr, source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (bound, binding) = mpsc::sync_channel(1);
        let (start, started) = oneshot::channel::<Work>();
        let serve = async move {
            let config = ServerConfig { hosts, ..ServerConfig::small(addr) };
            let server = match Server::bind(NAME, &config) {
                Ok(server) => server,
                // Whoever waits for it has not left.
                Err(error) => return drop(bound.send(Err(error))),
            };
            drop(bound.send(Ok(server.addr())));
            // Else it is to be served no more.
            let Ok(Work { router, probe, stop, ended }) = started.await else { return };
            server.run(router, probe, stop, GRACE).await;
            // Whoever has stopped it may not wait for that.
            let _ = ended.send(());
        };
        let thread = thread::Builder::new().name("observability".into());
        // A scrape that hangs is left behind.
        let run = move || {
            runtime.block_on(serve);
            runtime.shutdown_background();
        };
        thread.spawn(run).map_err(failed)?;
        let ended = |_| failed(std::io::Error::other("its thread has ended"));
        Ok(Self { addr: binding.recv().map_err(ended)??, start })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves these metrics, and what `probe` finds out. Its check must not wait for anything: whatever that spawned would
    /// be on the thread of this port.
    #[must_use]
    pub fn run(self, metrics: &Metrics, probe: Probe) -> Observing {
        let (stop, (end, ended)) = (CancellationToken::new(), oneshot::channel());
        let work = Work { router: metrics.routes(), probe, stop: stop.clone(), ended: end };
        // Fails if the thread has panicked; then nobody is served.
        let _ = self.start.send(work);
        Observing { ended, stop: stop.drop_guard() }
    }
}

impl Observing {
    /// Ends it, and waits for that.
    ///
    /// # Cancel safety
    /// Cancel safe: it ends.
    pub async fn end(self) {
        let Self { ended, stop } = self;
        drop(stop);
        // It has ended in any case.
        let _ = ended.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn read(yaml: &str) -> Result<Option<ObservabilityConfig>, String> {
        let default = SocketAddr::from(([127, 0, 0, 1], 9091));
        let read = |root: &Section<'_>| ObservabilityConfig::read(root, default);
        frontier_config::load(yaml, &|_| None, &[], read).map_err(|errors| errors.to_string())
    }

    #[test]
    fn it_is_off_by_default_and_for_this_machine_unless_it_is_said_otherwise() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("observability: {addr: 0.0.0.0:1}"), Ok(None));
        let addr = SocketAddr::from(([127, 0, 0, 1], 9091));
        assert_eq!(read("observability: {enable: true}").unwrap().unwrap().addr, addr);
        let error = read("observability: {enable: true, addr: 0.0.0.0:9091}").unwrap_err();
        assert!(error.contains("observability.addr: whoever reaches 0.0.0.0:9091"), "{error}");
        assert!(error.contains("`open_to_all: true`"), "{error}");
        let open = read("observability: {enable: true, addr: '[::]:1', open_to_all: true}").unwrap();
        assert_eq!(open.unwrap().addr, "[::]:1".parse().unwrap());
    }

    #[tokio::test]
    async fn it_answers_while_the_threads_of_the_daemon_are_stuck() {
        let config = |addr| ObservabilityConfig { addr, hosts: AllowedHosts::default() };
        let port = Observability::bind(&config(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let addr = port.addr();
        let metrics = Metrics::new(|out| out.gauge("one", "One.").sample(&[], 1_u64));
        let probe = Probe::new("the test", &[""], || Box::pin(async { Ok(()) })).await;
        let observing = port.run(&metrics, probe);
        // On the only thread of this test, which runs nothing else meanwhile.
        let ask_for = |host: &str, path: &str| {
            let mut stream = TcpStream::connect(addr).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let ask = |path: &str| ask_for("localhost", path);
        assert!(ask("/healthz").starts_with("HTTP/1.1 200"));
        assert!(ask("/metrics").contains("\none 1\n"));
        assert!(ask_for("evil.example", "/metrics").starts_with("HTTP/1.1 403"), "a page of another name");
        assert!(ask_for("evil.example", "/healthz").starts_with("HTTP/1.1 200"));
        let busy = Observability::bind(&config(addr));
        assert!(busy.unwrap_err().to_string().contains("for the metrics plane"));
        observing.end().await;
        assert!(TcpStream::connect(addr).is_err());
    }
}
