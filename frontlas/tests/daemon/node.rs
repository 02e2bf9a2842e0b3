//! The process under test.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

fn frontlas(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontlas"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(crate) fn file(yaml: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    file
}

/// Runs to its end: the exit code, and what it printed.
pub(crate) async fn ends(arguments: &[&str]) -> (Option<i32>, String) {
    let output = timeout(DEADLINE, frontlas(arguments).output()).await.expect("it ends").unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// A node that listens.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    pub(crate) addr: SocketAddr,
}

impl Running {
    pub(crate) async fn start(yaml: &str) -> Self {
        let anywhere = "{listen: {addr: '127.0.0.1:0'}}";
        let config = file(&format!("control_plane: {anywhere}\nfrontier_plane: {anywhere}\n{yaml}"));
        Self::start_with(config.path()).await
    }

    /// With a file that stays.
    pub(crate) async fn start_with(config: &Path) -> Self {
        let path = config.to_str().unwrap();
        let mut child = frontlas(&["--config", path]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = timeout(DEADLINE, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it listens");
                if line.contains("the control plane listens") {
                    let addr = line.split("addr=").nth(1).expect(&line);
                    break addr.split(' ').next().unwrap().parse().expect(&line);
                }
            }
        });
        let addr = addr.await.expect("it starts in time");
        Self { child, lines, addr }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().cast_signed()), signal).unwrap();
    }

    pub(crate) async fn code(&mut self) -> Option<i32> {
        timeout(DEADLINE, self.child.wait()).await.expect("it ends").unwrap().code()
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("it answers").unwrap();
        answer
    }

    /// Waits for a line of its log in which all of this is.
    pub(crate) async fn says(&mut self, words: &[&str]) -> String {
        let said = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("it runs");
                if words.iter().all(|word| line.contains(word)) {
                    break line;
                }
            }
        };
        timeout(DEADLINE, said).await.unwrap_or_else(|_| panic!("it does not say {words:?}"))
    }

    /// Waits until `/readyz` answers so.
    pub(crate) async fn is(&self, status: u16) {
        let ready = async {
            while !self.get("/readyz").await.starts_with(&format!("HTTP/1.1 {status}")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, ready).await.unwrap_or_else(|_| panic!("it is not {status}"));
    }
}
