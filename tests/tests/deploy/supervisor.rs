//! What a daemon tells whoever has started it, as systemd would hear it.

use frontier_tests::{DEADLINE, Process, eventually};
use nix::sys::signal::Signal;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

/// Half of it is the pause between two signs of life.
const PATIENCE: Duration = Duration::from_millis(400);

struct Supervised {
    process: Process,
    socket: UnixDatagram,
    _folder: tempfile::TempDir,
}

impl Supervised {
    fn start(binary: &'static str, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(Process::binary(binary));
        command.arg("--config").arg(file);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", PATIENCE.as_micros().to_string());
        Self { process: Process::spawn(binary, command), socket, _folder: folder }
    }

    fn hear(&self) -> Option<String> {
        let mut message = [0; 64];
        let length = self.socket.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    }

    async fn hears(&self, message: &str) {
        let heard = async || (self.hear()? == message).then_some(());
        eventually(DEADLINE, message, heard).await;
    }

    /// All that waits, until there is nothing.
    fn listen(&self) -> usize {
        std::iter::from_fn(|| self.hear()).count()
    }
}

const GATEWAY: &str =
    "edgebound: {listen: {addr: '127.0.0.1:0'}}\nservicebound: {listen: {addr: '127.0.0.1:0'}}";
const FRONTLAS: &str =
    "control_plane: {listen: {addr: '127.0.0.1:0'}}\nfrontier_plane: {listen: {addr: '127.0.0.1:0'}}";

#[tokio::test]
async fn it_is_told_that_a_daemon_serves_lives_and_drains() {
    for (binary, config) in [("gateway-under-test", GATEWAY), ("frontlas-under-test", FRONTLAS)] {
        let mut daemon = Supervised::start(binary, config);
        let first = eventually(DEADLINE, "a first word", async || daemon.hear()).await;
        assert_eq!(first, "READY=1", "{binary}");
        for _ in 0..3 {
            daemon.hears("WATCHDOG=1").await;
        }
        daemon.process.signal(Signal::SIGTERM);
        daemon.hears("STOPPING=1").await;
        assert_eq!(daemon.process.exit().await, Some(0), "{binary}");
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_gives_no_signs_of_life() {
    let daemon = Supervised::start("gateway-under-test", GATEWAY);
    daemon.hears("WATCHDOG=1").await;
    daemon.process.freeze();
    daemon.listen();
    tokio::time::sleep(PATIENCE * 2).await;
    assert_eq!(daemon.listen(), 0);
    daemon.process.thaw();
    daemon.hears("WATCHDOG=1").await;
}
