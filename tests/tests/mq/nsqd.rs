//! Servers of NSQ as processes of their own, and what an independent client would say to them over HTTP.

use frontier_tests::{DEADLINE, eventually};
use serde_json::Value;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// One nsqd.
pub(crate) struct Nsqd {
    directory: TempDir,
    ports: [u16; 2],
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Nsqd {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with more arguments, in which `{}` is its directory.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        // Somebody else may take the free ports first.
        for _ in 0..10 {
            let mut server = Self::stopped(arguments);
            if server.try_start() {
                return server;
            }
        }
        panic!("nsqd does not start: {arguments:?}");
    }

    /// One that was not started, whose ports are known.
    pub(crate) fn stopped(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { directory: tempfile::tempdir().unwrap(), ports: free_ports(), arguments, child: None }
    }

    /// A file of its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[0]))
    }

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

    /// Asks it to stop, which writes everything to disk, and starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.signal("-TERM");
        self.child.take().unwrap().wait().unwrap();
        self.start_again();
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self) {
        assert!(self.try_start(), "nsqd does not start: {}", self.log());
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Publishes over HTTP.
    pub(crate) fn publish(&self, topic: &str, bodies: impl IntoIterator<Item = String>) {
        let bodies: Vec<String> = bodies.into_iter().collect();
        assert_eq!(self.http("POST", &format!("/mpub?topic={topic}"), &bodies.join("\n")), "OK");
    }

    /// What it says of a topic; null where there is none of this name.
    pub(crate) fn topic(&self, topic: &str) -> Value {
        let stats = self.http("GET", &format!("/stats?format=json&topic={topic}"), "");
        let stats: Value = serde_json::from_str(&stats).unwrap();
        stats["topics"].get(0).cloned().unwrap_or_default()
    }

    /// What it says of a channel.
    pub(crate) fn channel(&self, topic: &str, channel: &str) -> Value {
        let topic = self.topic(topic);
        let channels = topic["channels"].as_array().cloned().unwrap_or_default();
        channels.into_iter().find(|it| it["channel_name"] == channel).unwrap_or_default()
    }

    /// Waits until all messages of a channel have been finished.
    pub(crate) async fn is_empty(&self, topic: &str, channel: &str) {
        let finished = async || {
            let channel = self.channel(topic, channel);
            let zero = |key: &str| channel[key] == 0;
            (zero("depth") && zero("in_flight_count") && zero("deferred_count")).then_some(())
        };
        eventually(DEADLINE, "all are finished", finished).await;
    }

    /// A request of HTTP 1.0: the body of the answer.
    pub(crate) fn http(&self, method: &str, path: &str, body: &str) -> String {
        http(self.ports[1], method, path, body)
    }

    fn try_start(&mut self) -> bool {
        let dir = self.directory.path().to_str().unwrap().to_owned();
        let mut command = Command::new(program("nsqd"));
        let [tcp, http] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        command.args(["-tcp-address", &tcp, "-http-address", &http, "-data-path", &dir]);
        command.args(["-broadcast-address", "127.0.0.1", "-log-level", "info"]);
        command.args(self.arguments.iter().map(|argument| argument.replace("{}", &dir)));
        self.child = start(command, &self.file("log"), self.addr());
        self.child.is_some()
    }
}

impl Drop for Nsqd {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("---- end of the log of nsqd at {}", self.addr());
            lines[lines.len().saturating_sub(20)..].iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// An nsqlookupd.
pub(crate) struct Lookup {
    _directory: TempDir,
    ports: [u16; 2],
    child: Option<Child>,
}

impl Lookup {
    pub(crate) fn start() -> Self {
        for _ in 0..10 {
            let (directory, ports) = (tempfile::tempdir().unwrap(), free_ports());
            let mut command = Command::new(program("nsqlookupd"));
            let [tcp, http] = ports.map(|port| format!("127.0.0.1:{port}"));
            command.args(["-tcp-address", &tcp, "-http-address", &http]);
            let addr = SocketAddr::from(([127, 0, 0, 1], ports[1]));
            let child = start(command, &directory.path().join("log"), addr);
            if child.is_some() {
                return Self { _directory: directory, ports, child };
            }
        }
        panic!("nsqlookupd does not start");
    }

    /// Where an nsqd announces itself.
    pub(crate) fn tcp(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Where it is asked.
    pub(crate) fn http(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Starts it and waits until it listens; `None` if it ends before.
fn start(mut command: Command, log: &Path, addr: SocketAddr) -> Option<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().unwrap();
    let end = Instant::now() + DEADLINE;
    loop {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return None;
        }
        if TcpStream::connect(addr).is_ok() {
            return Some(child);
        }
        assert!(Instant::now() < end, "{command:?}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nsq").join(name);
    assert!(path.exists(), "{} is missing: `tests/run` makes it", path.display());
    path
}

fn http(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Messages of a channel as a client gets them that is not the gateway's: each is finished.
pub(crate) struct Reader(TcpStream);

impl Reader {
    /// Subscribes, for one message at a time.
    pub(crate) fn start(server: &Nsqd, topic: &str, channel: &str) -> Self {
        Self::connect(server.addr(), topic, channel).unwrap()
    }

    /// The same where nsqd may be away.
    pub(crate) fn connect(addr: SocketAddr, topic: &str, channel: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        write!(stream, "  V2SUB {topic} {channel}\nRDY 1\n")?;
        Ok(Self(stream))
    }

    /// The body of the next one.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        self.try_next().unwrap().1
    }

    /// The next one with the id that nsqd has given it; an error once nsqd is gone.
    pub(crate) fn try_next(&mut self) -> io::Result<([u8; 16], Vec<u8>)> {
        loop {
            let mut head = [0; 8];
            self.0.read_exact(&mut head)?;
            let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize - 4;
            let mut rest = vec![0; length];
            self.0.read_exact(&mut rest)?;
            match head[7] {
                0 if rest == b"_heartbeat_" => self.0.write_all(b"NOP\n")?,
                0 => {}
                2 => {
                    let id: [u8; 16] = rest[10..26].try_into().unwrap();
                    let name = std::str::from_utf8(&id).unwrap();
                    // In one piece: nothing waits for an acknowledgement of TCP then.
                    self.0.write_all(format!("FIN {name}\n").as_bytes())?;
                    return Ok((id, rest[26..].to_vec()));
                }
                kind => panic!("{kind}: {}", String::from_utf8_lossy(&rest)),
            }
        }
    }

    /// So many of them.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.next()).collect()
    }
}
