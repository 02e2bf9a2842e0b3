//! `forward` under ssh.

use crate::forward::to_edge;
use crate::world::{World, prints};
use frontier_tests::web::body;
use frontier_tests::{Gateway, Process, tool, within};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// An SSH server that lets in the user who runs the test, with keys of its own.
struct Sshd {
    dir: TempDir,
    addr: SocketAddr,
    _process: Process,
}

impl Sshd {
    async fn start() -> Self {
        let sshd = tool("sshd", "openssh-server");
        let dir = TempDir::new().unwrap();
        for key in ["host", "user"] {
            let mut keygen = Command::new(tool("ssh-keygen", "openssh-client"));
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.path().join(key));
            assert!(keygen.status().unwrap().success(), "ssh-keygen has failed");
        }
        if std::fs::metadata(dir.path()).unwrap().uid() == 0 {
            // Run by root it insists on this directory. Where it is a service its unit creates it.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let addr = free_address();
        let (ip, port, path) = (addr.ip(), addr.port(), dir.path().display());
        let config = format!(
            "ListenAddress {ip}:{port}\nHostKey {path}/host\nAuthorizedKeysFile {path}/user.pub\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n"
        );
        std::fs::write(dir.path().join("config"), config).unwrap();
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(dir.path().join("config"));
        let process = Process::spawn("sshd", command);
        prints(&process, "Server listening on").await;
        Self { dir, addr, _process: process }
    }

    /// Runs a command on this server, which is reached at `through`.
    async fn ssh(&self, through: SocketAddr, command: &str, stdin: Stdio) -> Output {
        // No other key will do: whoever answers is this server.
        let key = std::fs::read_to_string(self.path().join("host.pub")).unwrap();
        let known = self.path().join("known");
        std::fs::write(&known, format!("[{}]:{} {key}", through.ip(), through.port())).unwrap();
        let mut ssh = tokio::process::Command::new(tool("ssh", "openssh-client"));
        ssh.args(["-F", "none", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "GlobalKnownHostsFile=none"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
        ssh.arg("-i").arg(self.path().join("user"));
        ssh.args(["-p", &through.port().to_string(), &through.ip().to_string(), command]);
        ssh.stdin(stdin).kill_on_drop(true);
        within("ssh", ssh.output()).await.unwrap()
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A port of a loopback address that only this process uses, so that it is still free a moment later.
fn free_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    TcpListener::bind((Ipv4Addr::new(127, high, low, 253), 0)).unwrap().local_addr().unwrap()
}

fn succeeded(output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test]
async fn ssh_runs_commands_through_it() {
    let sshd = Sshd::start().await;
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let tunnel = to_edge(&world, sshd.addr).await;

    let hello = succeeded(sshd.ssh(tunnel.addr, "echo hello", Stdio::null()).await);
    assert_eq!(hello, b"hello\n");
    let failed = sshd.ssh(tunnel.addr, "exit 7", Stdio::null()).await;
    assert_eq!(failed.status.code(), Some(7), "{}", String::from_utf8_lossy(&failed.stderr));

    let bytes = body(4 * 1024 * 1024, 1);
    let path = sshd.path().join("bytes");
    std::fs::write(&path, &bytes).unwrap();
    let back = succeeded(sshd.ssh(tunnel.addr, "cat", File::open(&path).unwrap().into()).await);
    assert!(back == bytes, "{} bytes", back.len());
}
