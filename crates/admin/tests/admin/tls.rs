//! TLS, with and without certificates of clients.

use crate::world::{World, config, within};
use frontier_admin::{Server, TlsConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// A CA, and what it has signed, as files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not that of the others: they would be taken for self-signed.
        params.distinguished_name.push(DnType::CommonName, "ca");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(files.path("ca.crt"), ca.pem()).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            fs::write(files.path(&format!("{name}.crt")), certificate.pem()).unwrap();
            fs::write(files.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tls(&self, client_ca_certs: &[&str]) -> TlsConfig {
        TlsConfig {
            cert: self.path("server.crt"),
            key: self.path("server.key"),
            client_ca_certs: client_ca_certs.iter().map(|name| self.path(name)).collect(),
            optional_client: false,
        }
    }
}

async fn world(tls: TlsConfig) -> World {
    let mut config = config("");
    config.tls = Some(tls);
    World::build(&config, Duration::from_secs(5)).await
}

/// What curl gets: version and status.
async fn curl(world: &World, files: &Files, arguments: &[&str]) -> Option<String> {
    let mut curl = Command::new("curl");
    let port = world.addr.port();
    curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--connect-to"]);
    curl.arg(format!("localhost:{port}:127.0.0.1:{port}")).arg("--cacert").arg(files.path("ca.crt"));
    curl.args(arguments).arg(format!("https://localhost:{port}/numbers"));
    let output = within("curl", curl.kill_on_drop(true).output()).await.expect("curl is installed");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn both_versions_are_spoken_over_tls() {
    let files = Files::new();
    let world = world(files.tls(&[])).await;
    assert_eq!(curl(&world, &files, &["--http2"]).await.as_deref(), Some("2 200"));
    assert_eq!(curl(&world, &files, &["--http1.1"]).await.as_deref(), Some("1.1 200"));
}

#[tokio::test]
async fn a_client_may_have_to_show_a_certificate() {
    let files = Files::new();
    let world = world(files.tls(&["ca.crt"])).await;
    assert_eq!(curl(&world, &files, &[]).await, None);
    let (cert, key) = (files.path("client.crt"), files.path("client.key"));
    let shown = ["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
    assert_eq!(curl(&world, &files, &shown).await.as_deref(), Some("2 200"));
}

#[tokio::test]
async fn a_certificate_may_be_optional_and_must_be_good_all_the_same() {
    let (files, strange) = (Files::new(), Files::new());
    let world = world(TlsConfig { optional_client: true, ..files.tls(&["ca.crt"]) }).await;
    assert_eq!(curl(&world, &files, &[]).await.as_deref(), Some("2 200"));
    for (from, status) in [(&files, Some("2 200")), (&strange, None)] {
        let (cert, key) = (from.path("client.crt"), from.path("client.key"));
        let shown = ["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
        assert_eq!(curl(&world, &files, &shown).await.as_deref(), status);
    }
}

#[tokio::test]
async fn files_that_are_of_no_use_are_named() {
    let files = Files::new();
    fs::write(files.path("empty"), "").unwrap();
    let fails = async |tls: TlsConfig| {
        let mut config = config("");
        config.tls = Some(tls);
        let error = Server::bind("test server", &config).err().expect("it does not start");
        std::error::Error::source(&error).expect("there is a reason").to_string()
    };
    let other = |path: &str| files.path(path);
    let cases = [
        (TlsConfig { cert: other("nowhere"), ..files.tls(&[]) }, "nowhere"),
        (TlsConfig { cert: other("empty"), ..files.tls(&[]) }, "empty"),
        (TlsConfig { key: other("server.crt"), ..files.tls(&[]) }, "server.crt"),
        (TlsConfig { key: other("client.key"), ..files.tls(&[]) }, "can't be used"),
        (files.tls(&["empty"]), "empty"),
    ];
    for (tls, named) in cases {
        let error = fails(tls).await;
        assert!(error.contains(named) && !error.contains('\n'), "{error}");
    }
}
