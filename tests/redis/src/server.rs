//! A Redis server as a process of its own.

use crate::program::{find, free_port, until};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// One Redis server.
#[derive(Debug)]
pub struct Server {
    directory: TempDir,
    port: u16,
    arguments: Vec<String>,
    /// What `redis-cli` needs to be let in.
    login: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server that keeps nothing on disk.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[], &[])
    }

    /// Starts a server with more arguments; `login` is what `redis-cli` needs to be let in.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn with(arguments: &[&str], login: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let (arguments, login) = (owned(arguments), owned(login));
        let mut server = Self { directory, port: 0, arguments, login, child: None };
        // Somebody else may take the free port first.
        for _ in 0..10 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("redis-server does not start: {}", server.log());
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its process.
    ///
    /// # Panics
    /// If it is not running.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends it a signal, such as `-STOP` or `-CONT`.
    ///
    /// # Panics
    /// If it is not running, or `kill` is missing.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Ends it as SIGKILL does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails only if it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.try_start(), "redis-server does not start: {}", self.log());
    }

    /// Sends a command with `redis-cli` and gives what it prints, without the last line break.
    ///
    /// # Panics
    /// If `redis-cli` is missing.
    pub fn cli(&self, command: &[&str]) -> String {
        let mut cli = Command::new(find("redis-cli"));
        cli.args(["-p", &self.port.to_string(), "--no-auth-warning"]).args(&self.login).args(command);
        let output = cli.output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn try_start(&mut self) -> bool {
        let mut command = Command::new(find("redis-server"));
        let sentinel = self.arguments.first().is_some_and(|first| first == "--sentinel");
        if sentinel {
            // A sentinel writes into its configuration.
            let file = self.directory.path().join("sentinel.conf");
            let text = self.arguments[1..].join("\n");
            std::fs::write(&file, text).expect("the directory can be written to");
            command.arg(file).arg("--sentinel");
        }
        command.args(["--bind", "127.0.0.1", "--logfile", "log"]);
        command.arg("--dir").arg(self.directory.path());
        let tls = self.arguments.iter().any(|argument| argument.starts_with("--tls-"));
        command.args([if tls { "--tls-port" } else { "--port" }, &self.port.to_string()]);
        if tls {
            command.args(["--port", "0"]);
        }
        if !sentinel {
            command.args(["--save", "", "--appendonly", "no"]).args(&self.arguments);
        }
        command.current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server runs"));
        let mut ended = false;
        until("redis-server answers", || {
            ended = self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|it| it.is_some()));
            ended || self.cli(&["PING"]) == "PONG"
        });
        !ended
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("---- end of the log of redis-server at {}", self.addr());
            lines[lines.len().saturating_sub(20)..].iter().for_each(|line| eprintln!("{line}"));
        }
    }
}
