//! The example `diagnosis` at work: its gateway, by the configuration that lies beside it, and its programs.

use crate::gateway::addr_in;
use crate::{DEADLINE, Process, eventually};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The gateway of the example.
#[derive(Debug)]
pub struct Diagnosis {
    /// Its process.
    pub gateway: Process,
    /// Where pages connect to.
    pub bridge: SocketAddr,
    /// Where its metrics are.
    pub metrics: SocketAddr,
    redis: SocketAddr,
    services: String,
    edges: String,
    files: TempDir,
}

impl Diagnosis {
    /// Starts it beside this server, which lets pages in that are from `origin`.
    ///
    /// # Panics
    /// If it does not start, or its configuration has other addresses than these.
    pub async fn start(redis: SocketAddr, origin: &str) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        let mut text = std::fs::read_to_string(Self::file("frontier.yaml")).expect("it is there");
        let dead = format!("file: {}/dead_", files.path().display());
        for (from, to) in [
            ("listen: {addr: 127.0.0.1:30011}", "listen: {addr: 127.0.0.1:0}"),
            ("listen: {addr: 127.0.0.1:30012}", "listen: {addr: 127.0.0.1:0}"),
            ("listen: {addr: 127.0.0.1:8000}", "listen: {addr: 127.0.0.1:0}"),
            ("addrs: [127.0.0.1:6379]", &format!("addrs: [{redis}]")),
            ("http://localhost:8080", origin),
            ("file: dead_", &dead),
            ("claim_after: 30s", "claim_after: 2s"),
            ("observability:\n", "observability:\n  addr: 127.0.0.1:0\n"),
        ] {
            assert!(text.contains(from), "the configuration of the example has no {from:?}");
            text = text.replace(from, to);
        }
        text += "controlplane: {enable: false}\nlog: {level: 'info,frontier=debug'}\n";
        let config = files.path().join("frontier.yaml");
        std::fs::write(&config, text).expect("room for a file");
        let gateway = Process::start(&["--config", config.to_str().expect("a plain name")], None);
        let log = gateway.log();
        let addr = async |text: &str| {
            eventually(DEADLINE, text, async || log.find(text).and_then(|line| addr_in(&line))).await
        };
        let services = format!("tcp://{}", addr("listening for services").await);
        let edges = format!("tcp://{}", addr("listening for edges").await);
        let (bridge, metrics) = (addr("the bridge listens").await, addr("the metrics plane listens").await);
        Self { bridge, metrics, redis, services, edges, files, gateway }
    }

    /// A file of the example.
    #[must_use]
    pub fn file(name: &str) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/diagnosis")).join(name)
    }

    /// The readings that were given up, as JSON.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.files.path()).expect("it is there").flatten();
        let dead = files.filter(|file| file.file_name().to_string_lossy().starts_with("dead_"));
        let texts = dead.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// Starts a worker, and waits until it works.
    ///
    /// # Panics
    /// If it does not.
    pub async fn worker(&self, options: &[&str]) -> Worker {
        let process = self.program("worker", &[&["--gateway", &self.services], options].concat());
        let works = async || process.log().find(" works");
        let line = eventually(DEADLINE, "a worker works", works).await;
        let id = line.split(' ').next().unwrap_or_default().to_owned();
        Worker { id, process }
    }

    /// Starts what gives results to pages, under this name, and waits until it does.
    ///
    /// # Panics
    /// If it does not.
    pub async fn frames(&self, name: &str) -> Process {
        let frames = self.program("frames", &["--gateway", &self.edges, "--name", name]);
        eventually(DEADLINE, "frames go out", async || frames.log().find("frames go out")).await;
        frames
    }

    /// Starts a page as a program that ends after so many results, and waits until it is connected.
    ///
    /// # Panics
    /// If it does not.
    pub async fn watch(&self, results: u64) -> Process {
        let mut command = program();
        command.args(["watch", "--page", &format!("ws://{}/ws/frontend", self.bridge)]);
        command.args(["--count", &results.to_string()]);
        let watch = Process::spawn("watch", command);
        eventually(DEADLINE, "it watches", async || watch.log().find("watches ")).await;
        watch
    }

    /// Starts one of the programs that go to Redis.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn program(&self, name: &'static str, options: &[&str]) -> Process {
        let mut command = program();
        command.arg(name).args(["--redis", &format!("redis://{}", self.redis)]).args(options);
        Process::spawn(name, command)
    }
}

/// A worker, and what it is called in results.
#[derive(Debug)]
pub struct Worker {
    /// Its name.
    pub id: String,
    /// Its process.
    pub process: Process,
}

/// The program of the example, `DIAGNOSIS_BIN` or else the one of this package.
fn program() -> Command {
    let binary = std::env::var_os("DIAGNOSIS_BIN");
    Command::new(binary.map_or_else(|| Process::binary("diagnosis-under-test"), Into::into))
}
