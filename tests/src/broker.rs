//! A broker of work sessions as a process of its own.

use crate::gateway::own_address;
use crate::{DEADLINE, Gateway, Log, Process, Settings, eventually};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use tempfile::NamedTempFile;
use tokio::net::TcpStream;

/// A running broker, of one gateway.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    addr: SocketAddr,
    config: NamedTempFile,
}

/// A broker to be started.
#[derive(Clone, Debug)]
pub struct BrokerBuilder {
    settings: Settings,
    addr: SocketAddr,
}

impl Broker {
    /// A broker that reaches hosts by `gateway`, to be configured further.
    #[must_use]
    pub fn of(gateway: &Gateway) -> BrokerBuilder {
        // A port that the system gives to nobody by itself.
        let addr = SocketAddr::from((own_address(), 3020));
        let mut settings = Settings::default();
        settings.set("log.output", "stderr");
        settings.set("sessions.listen.addr", addr.to_string());
        settings.set("gateway.urls", vec![gateway.service_url()]);
        BrokerBuilder { settings, addr }
    }

    /// Where clients come, as a URL with this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Where clients come.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it has ended, and starts it anew, at the same place and with the same configuration.
    pub async fn restart(self) -> Self {
        let Self { mut process, addr, config } = self;
        process.exit().await;
        Self::run(config, addr).await
    }

    async fn run(config: NamedTempFile, addr: SocketAddr) -> Self {
        let path = config.path().to_str().expect("a temporary file has a plain name");
        let broker = Self { process: Process::broker(&["--config", path]), addr, config };
        let listens = async || TcpStream::connect(addr).await.ok();
        eventually(DEADLINE, "the broker listens", listens).await;
        broker
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.process.signal(Signal::SIGTERM);
    }

    /// Waits until it has ended: with which code.
    pub async fn exit(&mut self) -> Option<i32> {
        self.process.exit().await
    }
}

impl BrokerBuilder {
    /// Where clients will come.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sets the key at `path`, such as `hosts.ttl`.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.settings.set(path, value);
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(self) -> Broker {
        let Self { settings, addr } = self;
        Broker::run(settings.file(), addr).await
    }
}
