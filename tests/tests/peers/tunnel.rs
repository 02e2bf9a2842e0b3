//! A TCP port behind which a program carries the bytes.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::AbortHandle;

/// A TCP port whose connections a program carries on, each a process of its own that has them as its
/// standard input and output. They end with it.
pub(crate) struct Tunnel {
    addr: SocketAddr,
    carrying: AbortHandle,
}

impl Tunnel {
    pub(crate) async fn through<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let program: PathBuf = program.to_owned();
        let arguments: Vec<OsString> = arguments.into_iter().map(|it| it.as_ref().to_owned()).collect();
        let carrying = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut command = Command::new(&program);
                command.args(&arguments);
                tokio::spawn(carry(near, command));
            }
        });
        Self { addr, carrying: carrying.abort_handle() }
    }

    /// Where clients connect to.
    pub(crate) fn url(&self) -> String {
        format!("tcp://{}", self.addr)
    }
}

async fn carry(near: TcpStream, mut command: Command) {
    let mut program = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
    let (mut from, mut to) = near.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from, &mut stdin) => {}
        _ = tokio::io::copy(&mut stdout, &mut to) => {}
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}
