//! A gateway whose files a test writes, and rewrites.

use frontier_sdk::{Builder, Code, ConnectError, Edge, Service};
use frontier_tests::{DEADLINE, Log, Process, eventually, within};
use nix::sys::signal::Signal;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// A gateway with its files. Its ports are its own.
pub(crate) struct World {
    folder: TempDir,
    process: Option<Process>,
    edges: Vec<SocketAddr>,
    services: Vec<SocketAddr>,
}

/// What stands in front of the configuration of a test.
const BASE: &str = "log: {output: stderr, level: 'info,frontier=trace'}\n";

impl World {
    /// A folder without a gateway.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, process: None, edges: Vec::new(), services: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in one step. In YAML `DIR/` stands for the folder; keys and certificates may well have these
    /// letters in their base64.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<str>) {
        let folder = format!("{}/", self.folder.path().display());
        let is_yaml = name.ends_with(".yaml");
        let text = if is_yaml { text.as_ref().replace("DIR/", &folder) } else { text.as_ref().to_owned() };
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// The same, from its beginning.
    pub(crate) fn with(self, name: &str, text: impl AsRef<str>) -> Self {
        self.write(name, text);
        self
    }

    /// Writes the configuration, in which `HERE` is an address to listen on.
    pub(crate) fn configure(&self, yaml: &str) {
        let mut text = if yaml.contains("log:") { String::new() } else { BASE.to_owned() };
        text += &yaml.replace("HERE", "'127.0.0.1:0'");
        self.write("frontier.yaml", text);
    }

    /// Starts a gateway with this configuration.
    pub(crate) async fn start(mut self, yaml: &str) -> Self {
        self.configure(yaml);
        let process = self.run(&[]);
        let log = process.log().clone();
        // Each place where it is to listen is written as this.
        let wanted = yaml.matches("HERE").count();
        let all = async || {
            let (edges, services) = (bound(&log, "edges"), bound(&log, "services"));
            (edges.len() + services.len() == wanted).then_some(())
        };
        eventually(DEADLINE, "it listens everywhere", all).await;
        (self.edges, self.services) = (bound(&log, "edges"), bound(&log, "services"));
        self.process = Some(process);
        self
    }

    /// Runs the gateway's binary with the configuration and these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Process {
        let config = self.path("frontier.yaml");
        let mut all = vec!["--config", config.to_str().unwrap()];
        all.extend(arguments);
        Process::start(&all, None)
    }

    pub(crate) fn log(&self) -> &Log {
        self.process.as_ref().unwrap().log()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap()
    }

    pub(crate) fn edge_port(&self, listener: usize) -> u16 {
        self.edges[listener].port()
    }

    pub(crate) fn edge_addr(&self) -> SocketAddr {
        self.edges[0]
    }

    /// An edge over plain TCP.
    pub(crate) fn edge(&self) -> Builder<Edge> {
        edge(format!("tcp://{}", self.edges[0]))
    }

    /// An edge over TLS, at the listener of this number.
    pub(crate) fn tls_edge(&self, listener: usize) -> Builder<Edge> {
        self.edge_over("tls", listener)
    }

    /// An edge at the listener of this number.
    pub(crate) fn edge_over(&self, scheme: &str, listener: usize) -> Builder<Edge> {
        edge(format!("{scheme}://localhost:{}", self.edge_port(listener)))
    }

    pub(crate) fn service(&self, name: &str) -> Builder<Service> {
        Service::builder(format!("tcp://{}", self.services[0]))
            .name(name)
            .connect_timeout(CONNECT_TIMEOUT)
            .backoff(BACKOFF, BACKOFF)
            .call_timeout(DEADLINE)
    }

    /// Has it read everything again.
    pub(crate) fn hang_up(&self) {
        self.process.as_ref().unwrap().signal(Signal::SIGHUP);
    }

    /// Waits for a line that contains `text`, and gives it.
    pub(crate) async fn logs(&self, text: &str) -> String {
        eventually(DEADLINE, text, async || self.log().find(text)).await
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        eventually(DEADLINE, what, async || condition().then_some(())).await;
    }

    /// Does what makes it reload, and waits until it has. What it said of it.
    ///
    /// A gateway whose files were written just before its start may reload once by itself, so only a reload
    /// that begins after the act counts.
    pub(crate) async fn reloaded(&self, act: impl FnOnce()) -> String {
        let before = self.log().lines().len();
        act();
        let said = async || {
            let lines = self.log().lines().split_off(before);
            let begun = lines.iter().position(|line| line.contains("reading the configuration again"))?;
            let is_end = |line: &String| line.contains(": reloaded") || line.contains("not reloaded");
            lines[begun..].iter().any(is_end).then(|| lines[begun..].join("\n"))
        };
        eventually(DEADLINE, "it reloads", said).await
    }
}

/// For a connection that is not to come about in a moment.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between attempts.
const BACKOFF: Duration = Duration::from_millis(20);

fn edge(url: String) -> Builder<Edge> {
    Edge::builder(url).connect_timeout(CONNECT_TIMEOUT).backoff(BACKOFF, BACKOFF).call_timeout(DEADLINE)
}

fn bound(log: &Log, side: &str) -> Vec<SocketAddr> {
    let lines = log.lines();
    let listening = lines.iter().filter(|line| line.contains(&format!("listening for {side}")));
    let addr = |line: &String| line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok();
    listening.filter_map(addr).collect()
}

/// The code and the text with which a client is refused.
pub(crate) fn refusal(error: &ConnectError) -> (Code, String) {
    match error {
        ConnectError::Refused { code, text } => (*code, text.clone()),
        other => panic!("not refused: {other}"),
    }
}

pub(crate) async fn edge_refused(edge: Builder<Edge>) -> (Code, String) {
    refusal(&within("a refusal", edge.connect()).await.unwrap_err())
}

pub(crate) async fn service_refused(service: Builder<Service>) -> (Code, String) {
    refusal(&within("a refusal", service.connect()).await.unwrap_err())
}

/// A refusal with [`Code::Unauthenticated`].
pub(crate) fn unauthenticated(text: &str) -> (Code, String) {
    (Code::Unauthenticated, text.to_owned())
}

pub(crate) fn denied(text: &str) -> (Code, String) {
    (Code::Denied, text.to_owned())
}

/// The code and the text of what failed.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, frontier_sdk::Error>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code(), error.text().to_owned())
}
