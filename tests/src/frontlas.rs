//! Frontlas as a process of its own, and how a test configures it.

use crate::gateway::own_address;
use crate::{DEADLINE, Log, Process, Settings, eventually};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use tempfile::NamedTempFile;
use tokio::net::TcpStream;

/// A running frontlas. It has a loopback address for itself, so that it can be started again where it was.
#[derive(Debug)]
pub struct Frontlas {
    process: Process,
    config: NamedTempFile,
    control: SocketAddr,
    plane: SocketAddr,
}

/// A frontlas to be started.
#[derive(Clone, Debug)]
pub struct FrontlasBuilder {
    settings: Settings,
    control: SocketAddr,
    plane: SocketAddr,
}

impl Frontlas {
    /// A frontlas to be configured first.
    #[must_use]
    pub fn builder() -> FrontlasBuilder {
        let ip = own_address();
        // Ports that the system gives to nobody by itself.
        let [control, plane] = [4011, 4012].map(|port| SocketAddr::from((ip, port)));
        let mut settings = Settings::default();
        settings.set("log.output", "stderr");
        settings.set("control_plane.listen.addr", control.to_string());
        settings.set("frontier_plane.listen.addr", plane.to_string());
        FrontlasBuilder { settings, control, plane }
    }

    /// Where it answers requests about the cluster.
    #[must_use]
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Where gateways report to it.
    #[must_use]
    pub fn plane(&self) -> SocketAddr {
        self.plane
    }

    /// What it has printed since it was started last.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// How many files and sockets it has open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        self.process.open_files()
    }

    /// Ends it without a word.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.exit().await;
    }

    /// Starts another one in place of one that has ended, and waits until it listens.
    pub async fn start_again(&mut self) {
        self.process = run(&self.config);
        self.listens().await;
    }

    async fn listens(&self) {
        for addr in [self.control, self.plane] {
            let listens = async || TcpStream::connect(addr).await.ok();
            eventually(DEADLINE, "frontlas listens", listens).await;
        }
    }
}

impl FrontlasBuilder {
    /// Sets the key at `path`, such as `frontier_plane.expiration.alive`.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.settings.set(path, value);
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(self) -> Frontlas {
        let Self { settings, control, plane } = self;
        let config = settings.file();
        let frontlas = Frontlas { process: run(&config), config, control, plane };
        frontlas.listens().await;
        frontlas
    }
}

fn run(config: &NamedTempFile) -> Process {
    let path = config.path().to_str().expect("a temporary file has a plain name");
    Process::frontlas(&["--config", path])
}
