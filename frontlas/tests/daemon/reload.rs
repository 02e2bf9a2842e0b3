//! What is read again while it runs, and what is checked before.

use crate::node::{DEADLINE, Running, ends, file};
use frontier_test_redis::Server;
use nix::sys::signal::Signal;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A certificate of its own authority, in `cert.pem` and `key.pem`.
fn certify(folder: &Path, name: &str) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    fs::write(folder.join("cert.pem"), &pem).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Whether it shows this certificate to those who come now.
fn shows(addr: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    while client.is_handshaking() {
        if client.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    true
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_shown_when_its_file_changes_and_on_sighup() {
    for watch in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let first = certify(folder.path(), "first");
        let tls = format!(
            "{{enable: true, certs: [{{cert: '{}', key: '{}'}}]}}",
            path("cert.pem"),
            path("key.pem")
        );
        let config = file(&format!(
            "control_plane: {{listen: {{addr: '127.0.0.1:0', tls: {tls}}}}}\n\
             frontier_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\nreload: {{watch: {watch}}}\n"
        ));
        let mut node = Running::start_with(config.path()).await;
        assert!(shows(node.addr, &first));
        // A certificate that is of no use changes nothing.
        fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
        if !watch {
            node.signal(Signal::SIGHUP);
        }
        node.says(&["not reloaded", "cert.pem"]).await;
        assert!(shows(node.addr, &first));
        let second = certify(folder.path(), "second");
        if !watch {
            node.signal(Signal::SIGHUP);
        }
        until("the new certificate", || shows(node.addr, &second)).await;
        assert!(!shows(node.addr, &first));
        node.signal(Signal::SIGTERM);
        assert_eq!(node.code().await, Some(0));
    }
}

#[tokio::test]
async fn a_renewed_password_of_redis_is_used() {
    let redis = Server::with(&["--requirepass", "old"], &["-a", "old"]);
    let password = file("old\n");
    let login = format!("password: {{file: '{}'}}", password.path().display());
    let config = file(&format!(
        "control_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\nfrontier_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\n\
         redis: {{{login}, standalone: {{addr: '{}'}}}}\n",
        redis.addr()
    ));
    let node = Running::start_with(config.path()).await;
    node.is(200).await;
    redis.cli(&["CONFIG", "SET", "requirepass", "new"]);
    // The last thing that the old password is good for.
    let kill = std::process::Command::new("redis-cli")
        .args(["-p", &redis.addr().port().to_string(), "-a", "new", "CLIENT", "KILL", "TYPE", "normal"])
        .output();
    assert!(kill.unwrap().status.success());
    node.is(503).await;
    fs::write(password.path(), "new\n").unwrap();
    node.is(200).await;
}

#[tokio::test]
async fn on_sighup_it_reads_its_configuration_again_and_lives_on() {
    let yaml = |more: &str| {
        format!(
            "control_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\n\
             frontier_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\nreload: {{watch: false}}\n{more}\n"
        )
    };
    let config = file(&yaml(""));
    let mut node = Running::start_with(config.path()).await;
    fs::write(config.path(), yaml("log: {level: debug}\ndaemon: {threads: 3}")).unwrap();
    node.signal(Signal::SIGHUP);
    node.says(&["daemon.threads", "takes a restart"]).await;
    node.says(&["reloaded", "SIGHUP"]).await;
    fs::write(config.path(), yaml("mistake: 1")).unwrap();
    node.signal(Signal::SIGHUP);
    node.says(&["DEBUG", "reading the configuration again"]).await;
    node.says(&["not reloaded", "mistake"]).await;
    assert!(node.get("/livez").await.starts_with("HTTP/1.1 200"));
    node.signal(Signal::SIGTERM);
    assert_eq!(node.code().await, Some(0));
}

#[tokio::test]
async fn files_that_are_of_no_use_are_told_all_at_once_by_check_and_by_the_start() {
    let wrong = file("no certificate");
    let config = file(&format!(
        "control_plane: {{listen: {{tls: {{enable: true, certs: [{{cert: /nowhere/a.crt, key: /nowhere/a.key}}]}}}}}}\n\
         redis: {{tls: {{enable: true, ca_certs: ['{}', /nowhere/ca.crt], cert: /nowhere/b.crt, key: /nowhere/b.key}}}}\n",
        wrong.path().display()
    ));
    let path = config.path().to_str().unwrap();
    for arguments in [&["--check", "--config", path][..], &["--config", path]] {
        let (code, printed) = ends(arguments).await;
        assert_eq!(code, Some(64), "{printed}");
        let names = [
            "/nowhere/a.crt",
            "/nowhere/a.key",
            wrong.path().to_str().unwrap(),
            "/nowhere/ca.crt",
            "/nowhere/b.crt",
            "/nowhere/b.key",
        ];
        for name in names {
            assert!(printed.contains(name), "{name}: {printed}");
        }
        assert_eq!(
            printed.lines().count(),
            names.len() + 1,
            "a line each, behind how many they are: {printed}"
        );
    }
}

/// A watch goes on for as long as its client likes: who may not watch any more must not go on with one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_when_its_credentials_are_taken_back_where_that_is_enforced() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.yaml");
    let entry =
        |token: &str| format!("- {{hash: '{}', role: read}}\n", frontier_access::authn::token::hash(token));
    fs::write(&tokens, [entry("stays"), entry("goes")].concat()).unwrap();
    let auth = format!("{{methods: [{{token: {{file: '{}'}}}}]}}", tokens.display());
    let config = file(&format!(
        "control_plane: {{listen: {{addr: '127.0.0.1:0'}}, auth: {auth}}}\n\
         frontier_plane: {{listen: {{addr: '127.0.0.1:0'}}}}\nreload: {{enforce: true}}\n"
    ));
    let mut node = Running::start_with(config.path()).await;
    let watch = async |token: &str, ends: &[u8]| {
        let mut stream = tokio::net::TcpStream::connect(node.addr).await.unwrap();
        let head = format!(
            "GET /cluster/v1/watch HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        read_to(&mut stream, ends).await;
        stream
    };
    let (mut stays, mut goes) =
        (watch("stays", b"event: snapshot").await, watch("goes", b"event: snapshot").await);
    fs::write(&tokens, entry("stays")).unwrap();
    for stream in [&mut stays, &mut goes] {
        read_to(stream, b"who may watch has changed").await;
    }
    watch("stays", b"event: snapshot").await;
    watch("goes", b"401 Unauthorized").await;
    node.says(&["reloaded"]).await;
}

/// Reads until this has come.
async fn read_to(stream: &mut tokio::net::TcpStream, text: &[u8]) {
    let mut read = Vec::new();
    let reads = async {
        while !read.windows(text.len()).any(|part| part == text) {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
        }
    };
    tokio::time::timeout(DEADLINE, reads).await.expect("it comes in time");
}
