//! A program under test, and what it prints.

use crate::authority::SERVER_NAME;
use crate::{DEADLINE, Gateway, Log, eventually};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process under test, killed when dropped. Its output is shown if the test fails.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: Log,
}

impl Process {
    /// Starts the gateway, `FRONTIER_BIN` or else the one of this package, with these arguments; with
    /// `open_files`, under that limit of open files.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn start(arguments: &[&str], open_files: Option<u32>) -> Self {
        let binary =
            std::env::var_os("FRONTIER_BIN").map_or_else(|| beside("gateway-under-test"), Into::into);
        let mut command = match open_files {
            None => Command::new(&binary),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("ulimit -n {limit}; exec \"$0\" \"$@\"")).arg(&binary);
                shell
            }
        };
        command.args(arguments);
        Self::spawn("gateway", command)
    }

    /// Starts a frontlas, `FRONTLAS_BIN` or else the one of this package, with these arguments.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn frontlas(arguments: &[&str]) -> Self {
        let binary =
            std::env::var_os("FRONTLAS_BIN").map_or_else(|| beside("frontlas-under-test"), Into::into);
        let mut command = Command::new(binary);
        command.args(arguments);
        Self::spawn("frontlas", command)
    }

    /// Starts a broker, `BROKER_BIN` or else the one of this package, with these arguments.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn broker(arguments: &[&str]) -> Self {
        let binary = std::env::var_os("BROKER_BIN").map_or_else(|| beside("broker-under-test"), Into::into);
        let mut command = Command::new(binary);
        command.args(arguments);
        Self::spawn("broker", command)
    }

    /// Starts a host of `service` that is connected to `gateway`.
    ///
    /// # Panics
    /// If it can't be started or does not connect.
    pub async fn host(gateway: &Gateway, service: &str) -> Self {
        Self::peer("host", &gateway.edge_url(), gateway, &[service]).await
    }

    /// As [`host`](Self::host), where what is to `stall` is never answered.
    ///
    /// # Panics
    /// As there.
    pub async fn stalling_host(gateway: &Gateway, service: &str) -> Self {
        Self::peer("host", &gateway.edge_url(), gateway, &[service, "stalls"]).await
    }

    /// Starts a client of a durable session of `calc` at the broker of this URL, which has flushed its first 40 requests, and gives the
    /// id of the session.
    ///
    /// # Panics
    /// If it can't be started, or the broker refuses.
    pub async fn durable_client(gateway: &Gateway, url: &str) -> (Self, String) {
        let client = Self::peer("client", url, gateway, &[]).await;
        let id = client.log().find("connected ").and_then(|line| line.split(' ').nth(1).map(str::to_owned));
        (client, id.expect("it says so"))
    }

    /// Starts an edge that is connected to `gateway`.
    ///
    /// # Panics
    /// If it can't be started or does not connect.
    pub async fn edge(gateway: &Gateway) -> Self {
        Self::peer("edge", &gateway.edge_url(), gateway, &[]).await
    }

    /// Starts an edge with this id, that is connected to `gateway`.
    ///
    /// # Panics
    /// If it can't be started or does not connect.
    pub async fn edge_of_id(gateway: &Gateway, id: u64) -> Self {
        Self::peer("edge", &gateway.edge_url(), gateway, &[&id.to_string()]).await
    }

    /// Starts a service that is connected to `gateway`.
    ///
    /// # Panics
    /// If it can't be started or does not connect.
    pub async fn service(gateway: &Gateway) -> Self {
        Self::peer("service", &gateway.service_url(), gateway, &[]).await
    }

    async fn peer(role: &str, url: &str, gateway: &Gateway, more: &[&str]) -> Self {
        let mut command = Command::new(beside("peer-under-test"));
        command.args([role, url, SERVER_NAME]).arg(gateway.dir().join("ca.pem")).args(more);
        let peer = Self::spawn("peer", command);
        eventually(DEADLINE, "the peer is connected", async || peer.log().find("connected")).await;
        peer
    }

    /// Where the binary of this package lies that has this name.
    ///
    /// # Panics
    /// If the system does not tell.
    #[must_use]
    pub fn binary(name: &str) -> PathBuf {
        beside(name)
    }

    /// Starts any other program, with nothing on its standard input.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn spawn(name: &'static str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::default();
        log.read(child.stdout.take().expect("stdout is piped"));
        log.read(child.stderr.take().expect("stderr is piped"));
        Self { name, child, log }
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has been waited for already.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the process exists");
    }

    /// Stops it where it is, and returns when all its threads have stopped.
    ///
    /// # Panics
    /// If it has ended.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        let wait = |flags| waitid(Id::Pid(self.pid()), WaitPidFlag::WSTOPPED | flags);
        // An end is looked at and left for `exit`; a stop is taken, or the next freeze would see it.
        let status = wait(WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        assert!(matches!(status, Ok(WaitStatus::Stopped(..))), "it can't be stopped: {status:?}");
        wait(WaitPidFlag::WNOHANG).expect("it is there to be waited for");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// If it has been waited for already.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Whether it is still running.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Waits for its end, and that of its output: the exit code, or `None` if a signal ended it.
    ///
    /// # Panics
    /// If it goes on.
    pub async fn exit(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let status =
            eventually(DEADLINE, "the process exits", async || child.try_wait().ok().flatten()).await;
        eventually(DEADLINE, "its log is whole", async || self.log.is_whole().then_some(())).await;
        status.code()
    }

    /// Its resident memory, in bytes.
    ///
    /// # Panics
    /// If it is gone, or the system does not tell.
    #[must_use]
    pub fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it is running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kib * 1024
    }

    /// The processor time that it has taken so far.
    ///
    /// # Panics
    /// If it is gone, or the system does not tell.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it is running");
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks =
            fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks"));
        // A hundred in a second, on all that Linux runs on today.
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// How many files and sockets it has open.
    ///
    /// # Panics
    /// If it is gone, or the system does not tell.
    #[must_use]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it is running").count()
    }

    /// What the system calls it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.log.lines();
            let hidden = lines.len().saturating_sub(200);
            eprintln!("---- log of the {} ({hidden} earlier lines left out)", self.name);
            lines[hidden..].iter().for_each(|line| eprintln!("{line}"));
        } else if let Some(line) = self.log.find("panicked at") {
            panic!("the {} went on as if nothing were, but {line}", self.name);
        }
    }
}

/// A binary of this package, which lies beside the tests.
fn beside(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let profile = test.ancestors().nth(2).expect("a test lies in deps below its profile");
    profile.join(name)
}
