//! Logging in to Redis, reaching it, and TLS: what works, and how errors name what is wrong.

use super::{check_line, directory, impatient, port};
use crate::world::{Node, counts};
use frontier_config::Secret;
use frontier_test_redis::Server;
use frontlas::{HostPort, RedisConfig, RedisMode, RedisTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};

fn login(server: &Server, username: Option<&str>, password: &str) -> RedisConfig {
    RedisConfig {
        username: username.map(str::to_owned),
        password: Some(Secret::new(password)),
        ..impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acl_user_with_only_the_keys_of_the_directory_will_do() {
    let rules = "user atlas on >hunter2 ~frontlas:* +@all -@admin -@dangerous +info";
    let mut arguments = vec!["--requirepass", "hunter2-default", "--user"];
    arguments.extend(rules.split(' ').skip(1));
    let server = Server::with(&arguments, &["-a", "hunter2-default"]);
    let directory = directory(login(&server, Some("atlas"), "hunter2"));
    let node = Node::join(&directory, "a").await;
    node.connect(1).await;
    directory.refresh(&node.lease).await.unwrap();
    node.resync(&[]).await;
    directory.sweep().await.unwrap();
    directory.position().await.unwrap();
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0)]);
    directory.leave(&node.lease).await.unwrap();

    for config in [
        login(&server, Some("atlas"), "hunter2-wrong"),
        login(&server, Some("nobody"), "hunter2"),
        RedisConfig { password: None, ..login(&server, None, "") },
    ] {
        let error = super::directory(config).frontiers().await.unwrap_err();
        check_line(&error, "");
        eprintln!("{error}");
    }
    super::directory(login(&server, None, "hunter2-default")).frontiers().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_redis_is_named() {
    let nobody = Server::start().addr();
    let error = directory(impatient(RedisMode::Standalone { addr: port(nobody), db: 0 })).frontiers().await;
    check_line(&error.unwrap_err(), &nobody.to_string());
    let error = directory(impatient(RedisMode::Cluster { addrs: vec![port(nobody)] })).frontiers().await;
    check_line(&error.unwrap_err(), &nobody.to_string());
    let error = directory(impatient(RedisMode::Sentinel {
        addrs: vec![port(nobody)],
        master_name: "m".into(),
        db: 0,
        username: None,
        password: None,
    }));
    check_line(&error.frontiers().await.unwrap_err(), &nobody.to_string());
}

/// An authority and what it has signed for 127.0.0.1, as files.
struct Authority {
    directory: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        // Its name must differ from that of what it signs.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        for (name, text) in
            [("ca.pem", issuer.pem()), ("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())]
        {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self { directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn identity(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.file("cert.pem"), self.file("key.pem")))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_certificates_on_both_sides() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (ca, cert, key) =
        (text(ours.file("ca.pem")), text(ours.file("cert.pem")), text(ours.file("key.pem")));
    let server = Server::with(
        &["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca],
        &["--tls", "--cacert", &ca, "--cert", &cert, "--key", &key],
    );
    let config = |ca: &Path, identity| RedisConfig {
        tls: Some(RedisTls { ca_certs: vec![ca.to_owned()], identity }),
        ..impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 })
    };
    let good = directory(config(&ours.file("ca.pem"), ours.identity()));
    let node = Node::join(&good, "a").await;
    node.connect(1).await;
    assert_eq!(counts(&good).await, [("a".into(), 1, 0)]);

    let missing = theirs.file("missing.pem");
    for (wrong, names) in [
        (config(&theirs.file("ca.pem"), ours.identity()), server.addr().to_string()),
        (config(&ours.file("ca.pem"), None), server.addr().to_string()),
        (config(&ours.file("ca.pem"), theirs.identity()), server.addr().to_string()),
        (config(&missing, None), text(missing.clone())),
        (impatient(RedisMode::Standalone { addr: port(server.addr()), db: 0 }), server.addr().to_string()),
    ] {
        let error = directory(wrong).frontiers().await.unwrap_err();
        eprintln!("{error}");
        check_line(&error, &names);
    }
    let named = RedisMode::Standalone { addr: HostPort::new("localhost", server.addr().port()), db: 0 };
    let wrong_name = RedisConfig { mode: named, ..config(&ours.file("ca.pem"), ours.identity()) };
    check_line(&directory(wrong_name).frontiers().await.unwrap_err(), "localhost");
}
