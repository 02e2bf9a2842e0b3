//! A Mosquitto as a process of its own, and its clients, which share nothing with the gateway's.

use frontier_tests::{DEADLINE, eventually, tool};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::TempDir;

/// One Mosquitto.
pub(crate) struct Mosquitto {
    directory: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts one that lets in anybody.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// Starts one with more lines of configuration, in which `{}` is its directory.
    pub(crate) fn with(config: &str) -> Self {
        // Somebody else may take the free port first.
        for _ in 0..10 {
            let mut server = Self::stopped(config);
            if server.try_start() {
                return server;
            }
        }
        panic!("mosquitto does not start: is its configuration right?\n{config}");
    }

    /// One that was not started, whose port is known.
    pub(crate) fn stopped(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), directory, child: None };
        server.configure(config);
        server
    }

    /// Writes its configuration, which counts from its next start on.
    pub(crate) fn configure(&self, config: &str) {
        let dir = self.directory.path().display();
        let access = if config.contains("password_file") { "" } else { "allow_anonymous true\n" };
        let text = format!(
            "listener {} 127.0.0.1\nuser root\nlog_type all\nlog_dest file {dir}/log\nmax_queued_messages 0\n{access}{}\n",
            self.port,
            config.replace("{}", &dir.to_string())
        );
        std::fs::write(self.file("conf"), text).unwrap();
    }

    /// A file of its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sets a user's password.
    pub(crate) fn set_password(&self, user: &str, password: &str) {
        let file = self.file("passwords");
        std::fs::OpenOptions::new().create(true).append(true).open(&file).unwrap();
        let mut command = Command::new(tool("mosquitto_passwd", "mosquitto"));
        let status = command.arg("-b").arg(file).args([user, password]).stderr(Stdio::null()).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Sends it a signal, such as `-STOP`, or `-HUP` for files of passwords and rules to be read again.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Ends it as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_start(), "mosquitto does not start: {}", self.log());
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Publishes these payloads one after the other, each with QoS 1 and acked.
    pub(crate) fn publish(&self, topic: &str, payloads: impl IntoIterator<Item = String>, more: &[&str]) {
        let mut command = self.client("mosquitto_pub");
        command.args(["-q", "1", "-t", topic, "-l"]).args(more).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines: String = payloads.into_iter().map(|payload| payload + "\n").collect();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(tool(program, "mosquitto-clients"));
        command.args(["-V", "5", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command
    }

    fn try_start(&mut self) -> bool {
        let mut command = Command::new(tool("mosquitto", "mosquitto"));
        command.arg("-c").arg(self.file("conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if TcpStream::connect(self.addr()).is_ok() {
                self.child = Some(child);
                return true;
            }
            assert!(Instant::now() < end, "mosquitto: not within {DEADLINE:?}: {}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("---- end of the log of mosquitto at {}", self.addr());
            lines[lines.len().saturating_sub(20)..].iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// A message as a subscriber got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) is_retained: bool,
    /// By their names, those of users among them.
    pub(crate) properties: Value,
}

/// A `mosquitto_sub`, which connects again by itself.
pub(crate) struct Subscriber {
    child: Child,
    got: Arc<Mutex<Vec<Got>>>,
    reading: Option<JoinHandle<()>>,
}

impl Subscriber {
    /// Subscribes to this, with the login of the arguments, and waits until the server has it.
    pub(crate) async fn start(server: &Mosquitto, filter: &str, login: &[&str]) -> Self {
        let id = format!("reader-{:x}", rand::random::<u64>());
        let mut command = server.client("mosquitto_sub");
        command.args(["-i", &id, "-q", "0", "-t", filter, "-F", "%x %j"]).args(login);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let got = Arc::<Mutex<Vec<Got>>>::default();
        let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        let reading = std::thread::spawn({
            let got = got.clone();
            move || {
                for line in lines.map_while(Result::ok) {
                    // The payload is in it once more, as it is.
                    got.lock().unwrap().push(parse(&String::from_utf8_lossy(&line)));
                }
            }
        });
        let subscriber = Self { child, got, reading: Some(reading) };
        let known = format!("Sending SUBACK to {id}");
        eventually(DEADLINE, "it has subscribed", async || server.log().contains(&known).then_some(())).await;
        subscriber
    }

    /// What has come so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The payloads of it.
    pub(crate) fn payloads(&self) -> Vec<Vec<u8>> {
        self.got().into_iter().map(|got| got.payload).collect()
    }

    /// Has it say all that it has got, and end.
    pub(crate) fn end(mut self) -> Vec<Got> {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        self.got()
    }

    /// Waits until so many have come.
    pub(crate) async fn holds(&self, count: usize) -> Vec<Got> {
        let enough = async || Some(self.got()).filter(|got| got.len() >= count);
        eventually(DEADLINE, "messages come", enough).await
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(line: &str) -> Got {
    let (hex, json) = line.split_once(' ').unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    Got {
        topic: json["topic"].as_str().unwrap().to_owned(),
        payload: data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap(),
        is_retained: json["retain"] == 1,
        properties: json["properties"].clone(),
    }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
