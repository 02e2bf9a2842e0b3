//! The gateway as a process of its own, and how a test configures it.

mod tls;

use crate::authority::{SERVER_NAME, replace};
use crate::{Authority, DEADLINE, Log, Process, Settings, Validity, eventually};
use frontier_transport::{ClientTls, Network};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tempfile::{NamedTempFile, TempDir};

/// A running gateway. Its ports are its own, its configuration is what the test asked for.
#[derive(Debug)]
pub struct Gateway {
    process: Process,
    network: Network,
    settings: Settings,
    /// Its certificates and whatever else a test has it read.
    files: Arc<TempDir>,
    edges: SocketAddr,
    services: SocketAddr,
    _config: NamedTempFile,
}

/// A gateway to be started.
#[derive(Clone, Debug)]
pub struct GatewayBuilder {
    network: Network,
    settings: Settings,
    files: Arc<TempDir>,
    open_files: Option<u32>,
}

/// Both sides of a gateway, as its configuration calls them.
const SIDES: [&str; 2] = ["edgebound", "servicebound"];

impl Gateway {
    /// A gateway with the defaults, over TCP.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A gateway over TCP, to be configured first.
    #[must_use]
    pub fn builder() -> GatewayBuilder {
        Self::over(Network::Tcp)
    }

    /// A gateway that is reached over this network from both sides, to be configured first. Where
    /// there is TLS its certificate is for [`SERVER_NAME`], from the [common](Authority::common) CA.
    ///
    /// # Panics
    /// If there is no room for its files.
    #[must_use]
    pub fn over(network: Network) -> GatewayBuilder {
        let mut settings = Settings::default();
        let ip = own_address();
        settings.set("log.output", "stderr");
        settings.set("log.level", "info,frontier=debug");
        for side in SIDES {
            settings.set(&format!("{side}.listen.addr"), format!("{ip}:0"));
            settings.set(&format!("{side}.listen.network"), network.as_str());
        }
        settings.set("controlplane.listen.addr", format!("{ip}:0"));
        let files = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        let builder = GatewayBuilder { network, settings, files, open_files: None };
        if !tls::is_secured(network) {
            return builder;
        }
        replace(&builder.file("ca.pem"), Authority::common().pem());
        let server = Authority::common().server(&[SERVER_NAME], Validity::Now);
        let server = server.write(builder.dir(), "server");
        SIDES
            .into_iter()
            .fold(builder, |builder, side| builder.certificates(side, std::slice::from_ref(&server)))
    }

    /// What it is reached over.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// What its clients go by where there is TLS.
    pub fn tls(&self) -> ClientTls {
        Authority::common().trusted()
    }

    /// Where its certificates lie, and whatever else it reads.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.files.path()
    }

    /// Where edges connect to.
    #[must_use]
    pub fn edges(&self) -> SocketAddr {
        self.edges
    }

    /// Where services connect to.
    #[must_use]
    pub fn services(&self) -> SocketAddr {
        self.services
    }

    /// Where operators connect to.
    ///
    /// # Panics
    /// If it has no control plane.
    pub async fn control(&self) -> SocketAddr {
        let bound = async || {
            let line = self.log().find("the control plane listens")?;
            addr_in(&line)
        };
        eventually(DEADLINE, "it listens for operators", bound).await
    }

    /// Where edges connect to, as a URL.
    #[must_use]
    pub fn edge_url(&self) -> String {
        url(self.network, self.edges)
    }

    /// Where services connect to, as a URL.
    #[must_use]
    pub fn service_url(&self) -> String {
        url(self.network, self.services)
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its resident memory, in bytes.
    #[must_use]
    pub fn rss(&self) -> u64 {
        self.process.rss()
    }

    /// Stops it where it stands, as a machine that hangs.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.process.signal(Signal::SIGTERM);
    }

    /// Sets a key of its configuration to another value, and has it read that again. Its addresses are not of those that
    /// can change.
    ///
    /// # Panics
    /// If the file can't be written.
    pub fn reconfigure(&mut self, path: &str, value: impl Into<Value>) {
        self.settings.set(path, value);
        let changed = std::fs::read(self.settings.file().path()).expect("it was written just now");
        replace(self._config.path(), changed);
        self.hang_up();
    }

    /// Has it read its configuration and its files again.
    pub fn hang_up(&self) {
        self.process.signal(Signal::SIGHUP);
    }

    /// Ends it without a word.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.exit().await;
    }

    /// Ends it without a word, and starts another one on the same addresses.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.start_again().await;
    }

    /// Starts another one on the same addresses. This one has ended.
    pub async fn start_again(&mut self) {
        let mut settings = self.settings.clone();
        settings.set("edgebound.listen.addr", self.edges.to_string());
        settings.set("servicebound.listen.addr", self.services.to_string());
        let (network, files) = (self.network, self.files.clone());
        *self = GatewayBuilder { network, settings, files, open_files: None }.start().await;
    }
}

impl GatewayBuilder {
    /// Sets the key at `path`, such as `limits.heartbeat`.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.settings.set(path, value);
        self
    }

    /// Has it notice within some seconds that a peer is gone. Over QUIC nothing but its silence tells.
    #[must_use]
    pub fn quick(self) -> Self {
        self.set("limits.heartbeat", "1s")
    }

    /// A file among those that it reads, to be written by the test.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Where its files lie.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.files.path()
    }

    /// Starts it with at most so many open files.
    #[must_use]
    pub fn open_files(mut self, limit: u32) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(self) -> Gateway {
        let config = self.settings.file();
        let path = config.path().to_str().expect("a temporary file has a plain name");
        let process = Process::start(&["--config", path], self.open_files);
        let log = process.log();
        let services = eventually(DEADLINE, "it listens for services", async || bound(log, "services")).await;
        let edges = eventually(DEADLINE, "it listens for edges", async || bound(log, "edges")).await;
        let Self { network, settings, files, .. } = self;
        Gateway { process, network, settings, files, edges, services, _config: config }
    }

    /// Starts it and waits until it ends: the exit code, and what it printed.
    ///
    /// # Panics
    /// If it goes on.
    pub async fn fail(self) -> (Option<i32>, Vec<String>) {
        let config = self.settings.file();
        let path = config.path().to_str().expect("a temporary file has a plain name");
        let mut process = Process::start(&["--config", path], self.open_files);
        let code = process.exit().await;
        let lines = async || Some(process.log().lines()).filter(|lines| !lines.is_empty());
        let lines = eventually(DEADLINE, "it says why it has ended", lines).await;
        (code, lines)
    }
}

pub(crate) fn url(network: Network, addr: SocketAddr) -> String {
    format!("{}://{addr}", network.as_str())
}

/// The address in the line that says where it listens.
fn bound(log: &Log, side: &str) -> Option<SocketAddr> {
    addr_in(&log.find(&format!("listening for {side}"))?)
}

pub(crate) fn addr_in(line: &str) -> Option<SocketAddr> {
    match serde_json::from_str::<Value>(line) {
        Ok(line) => line["addr"].as_str()?.parse().ok(),
        Err(_) => line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok(),
    }
}

/// A loopback address that no other process under test listens on and no client connects from, so that a port stays
/// free for one that is started again.
pub(crate) fn own_address() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high | 0x80, low, COUNT.fetch_add(1, Ordering::Relaxed))
}
