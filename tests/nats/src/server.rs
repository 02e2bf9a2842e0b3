//! A NATS server as a process of its own, with JetStream.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Within this a server starts.
const DEADLINE: Duration = Duration::from_secs(60);

/// One NATS server.
#[derive(Debug)]
pub struct Server {
    directory: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts a server with JetStream, which stores in its own directory.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with("")
    }

    /// Starts a server with more lines of configuration.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn with(config: &str) -> Self {
        // Somebody else may take the free port first.
        for _ in 0..10 {
            let mut server = Self::stopped(config);
            if server.try_start() {
                return server;
            }
        }
        panic!("nats-server does not start: is its configuration right?\n{config}");
    }

    /// A server that was not started, whose port is known.
    ///
    /// # Panics
    /// If there is no room for its files.
    #[must_use]
    pub fn stopped(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = Self { directory, port, child: None };
        server.configure(config);
        server
    }

    /// Writes its configuration, which counts from its next start on.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn configure(&self, config: &str) {
        let directory = self.directory.path().display();
        let text = format!(
            "listen: 127.0.0.1:{}\nlog_file: \"{directory}/log\"\njetstream {{ store_dir: \"{directory}/store\", \
             max_file_store: 1GB }}\n{config}\n",
            self.port
        );
        std::fs::write(self.config_file(), text).expect("the directory can be written to");
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Sends it a signal, such as `-STOP` or `-CONT`.
    ///
    /// # Panics
    /// If it is not running, or `kill` is missing.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
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
        assert!(self.try_start(), "nats-server does not start: {}", self.log());
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn config_file(&self) -> PathBuf {
        self.directory.path().join("nats.conf")
    }

    fn try_start(&mut self) -> bool {
        let mut command = Command::new(find());
        command.arg("--config").arg(self.config_file());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("nats-server runs");
        let end = Instant::now() + DEADLINE;
        loop {
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if TcpStream::connect(self.addr()).is_ok() && self.log().contains("Server is ready") {
                self.child = Some(child);
                return true;
            }
            assert!(Instant::now() < end, "nats-server: not within {DEADLINE:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("---- end of the log of nats-server at {}", self.addr());
            lines[lines.len().saturating_sub(20)..].iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// Finds the program, also where only root's PATH looks.
fn find() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(known)
        .map(|directory| directory.join("nats-server"))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("nats-server is missing, which this test needs: apt install nats-server"))
}
