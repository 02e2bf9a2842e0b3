//! TLS, with and without certificates of clients.

use crate::world::{World, config, within};
use frontier_admin::{ApiError, Server, ServerConfig};
use frontier_config::Section;
use frontier_transport::ClientTls;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The serial number of the client's certificate.
const CLIENT: u64 = 77;

/// A CA, and what it has signed, as files.
struct Files {
    dir: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not that of the others: they would be taken for self-signed.
        params.distinguished_name.push(DnType::CommonName, "ca");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let files = Self { dir: tempfile::tempdir().unwrap(), ca };
        fs::write(files.path("ca.crt"), files.ca.pem()).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.serial_number = (name == "client").then(|| CLIENT.into());
            let certificate = params.signed_by(&key, &files.ca).unwrap();
            fs::write(files.path(&format!("{name}.crt")), certificate.pem()).unwrap();
            fs::write(files.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The section `listen`, with more keys of its `tls`.
    fn listen(&self, more: &str) -> String {
        let [cert, key] = ["server.crt", "server.key"].map(|name| self.path(name).display().to_string());
        format!("listen: {{tls: {{enable: true, certs: [{{cert: {cert}, key: {key}}}]{more}}}}}")
    }

    fn mtls(&self, mtls: &str) -> String {
        self.listen(&format!(", mtls: {mtls}, ca_certs: [{}]", self.path("ca.crt").display()))
    }

    /// A list on which the client is, or nobody.
    fn revoke(&self, serials: &[u64]) -> PathBuf {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.path("ca.crl");
        fs::write(&path, list.signed_by(&self.ca).unwrap().pem().unwrap()).unwrap();
        path
    }

    /// What curl is told to show the client's certificate.
    fn shown(&self) -> [String; 4] {
        let [cert, key] = ["client.crt", "client.key"].map(|name| self.path(name).display().to_string());
        ["--cert".into(), cert, "--key".into(), key]
    }
}

async fn world(settings: &str) -> World {
    World::with(settings).await
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

fn strings(arguments: &[String; 4]) -> [&str; 4] {
    arguments.each_ref().map(String::as_str)
}

#[tokio::test]
async fn both_versions_are_spoken_over_tls() {
    let files = Files::new();
    let world = world(&files.listen("")).await;
    assert_eq!(curl(&world, &files, &["--http2"]).await.as_deref(), Some("2 200"));
    assert_eq!(curl(&world, &files, &["--http1.1"]).await.as_deref(), Some("1.1 200"));
}

#[tokio::test]
async fn a_client_may_have_to_show_a_certificate() {
    let files = Files::new();
    let world = world(&files.mtls("true")).await;
    assert_eq!(curl(&world, &files, &[]).await, None);
    assert_eq!(curl(&world, &files, &strings(&files.shown())).await.as_deref(), Some("2 200"));
}

#[tokio::test]
async fn a_certificate_may_be_optional_and_must_be_good_all_the_same() {
    let (files, strange) = (Files::new(), Files::new());
    let world = world(&files.mtls("optional")).await;
    assert_eq!(curl(&world, &files, &[]).await.as_deref(), Some("2 200"));
    for (from, status) in [(&files, Some("2 200")), (&strange, None)] {
        assert_eq!(curl(&world, &files, &strings(&from.shown())).await.as_deref(), status);
    }
}

#[tokio::test]
async fn revocation_lists_hold_for_who_comes_and_for_who_is_there() {
    let files = Files::new();
    let list = files.revoke(&[]);
    let crls =
        format!(", mtls: true, ca_certs: [{}], crls: [{}]", files.path("ca.crt").display(), list.display());
    let config = config(&files.listen(&crls));
    let tls = config.tls.clone().unwrap();
    let server = Server::bind("test server", &config).unwrap();
    let server = server.guard(|caller, _| {
        caller.check_certificate().map_err(|error| ApiError::Unauthenticated(error.to_string()))
    });
    let world = World::on(server, Duration::from_secs(5)).await;
    let mut there = connect(&world, &files).await;
    assert!(ask(&mut there).await.starts_with("HTTP/1.1 200"));
    assert_eq!(curl(&world, &files, &strings(&files.shown())).await.as_deref(), Some("2 200"));
    files.revoke(&[CLIENT]);
    tls.reload().unwrap();
    let refused = ask(&mut there).await;
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("certificate is revoked"), "{refused}");
    assert_eq!(curl(&world, &files, &strings(&files.shown())).await, None);
}

/// A connection over HTTP/1.1 on which the client's certificate was shown.
async fn connect(world: &World, files: &Files) -> TlsStream<TcpStream> {
    let client = ClientTls::new().ca_file(files.path("ca.crt"));
    let client = client.identity_files(files.path("client.crt"), files.path("client.key"));
    let connector = TlsConnector::from(client.load(b"http/1.1").await.unwrap());
    let stream = TcpStream::connect(world.addr).await.unwrap();
    within("TLS", connector.connect("localhost".try_into().unwrap(), stream)).await.unwrap()
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /caller HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with('}') {
        let mut read = [0; 4096];
        let len = within("an answer", stream.read(&mut read)).await.unwrap();
        assert!(len > 0, "closed after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&read[..len]));
    }
    answer
}

#[test]
fn everything_that_is_wrong_with_the_files_is_told_with_its_key_in_our_words() {
    let files = Files::new();
    fs::write(files.path("empty"), "").unwrap();
    let path = |name: &str| files.path(name).display().to_string();
    let mistakes = |certs: &str, more: &str| {
        let yaml = format!("listen: {{tls: {{enable: true, certs: [{certs}]{more}}}}}");
        let read = |root: &Section<'_>| ServerConfig::read(root, ([127, 0, 0, 1], 0).into());
        let errors = frontier_config::load(&yaml, &|_| None, &[], read).unwrap_err();
        let mistakes = errors.mistakes().iter();
        mistakes.map(|it| format!("{}: {}", it.path(), it.message())).collect::<Vec<_>>()
    };
    let pair = |cert: &str, key: &str| format!("{{cert: {}, key: {}}}", path(cert), path(key));
    let all = mistakes(
        &pair("nowhere", "empty"),
        &format!(
            ", mtls: true, ca_certs: [{}, {}], crls: [{}]",
            path("no-ca"),
            path("empty"),
            path("no-crl")
        ),
    );
    let expected = [
        ("certs[0].cert", "nowhere", "there is no such file"),
        ("certs[0].key", "empty", "there is no private key in it"),
        ("ca_certs", "empty", "there is no certificate in it"),
        ("ca_certs", "no-ca", "there is no such file"),
        ("crls", "no-crl", "there is no such file"),
    ];
    assert_eq!(all, expected.map(|(key, file, text)| format!("listen.tls.{key}: {}: {text}", path(file))));
    let other = mistakes(&pair("server.crt", "client.key"), "");
    let text = "the key does not belong to the certificate";
    assert_eq!(other, [format!("listen.tls.certs[0].key: {}: {text}", path("client.key"))]);
    assert!(mistakes("", "")[0].starts_with("listen.tls.certs: "));
    assert!(
        mistakes(&pair("server.crt", "server.key"), ", mtls: true")[0].starts_with("listen.tls.ca_certs: ")
    );
}

#[test]
fn what_clients_will_refuse_is_warned_of_with_the_plane() {
    let files = Files::new();
    let [cert, key] = ["server.crt", "server.key"].map(|name| files.path(name).display().to_string());
    let listen = format!(
        "listen: {{trusted_proxies: ['0.0.0.0/0'], tls: {{enable: true, certs: [{{cert: {cert}, key: {key}}}]}}}}"
    );
    let of_all = config(&listen).warnings("plane");
    assert!(
        matches!(&of_all[..], [one] if one.starts_with("plane 127.0.0.1:0: plane.listen.trusted_proxies")),
        "{of_all:?}"
    );
    let ca = format!(
        "listen: {{tls: {{enable: true, certs: [{{cert: {}, key: {}}}]}}}}",
        files.path("ca.crt").display(),
        {
            let key = files.path("ca.key");
            fs::write(&key, files.ca.key().serialize_pem()).unwrap();
            key.display().to_string()
        }
    );
    let warnings = config(&ca).warnings("plane");
    assert!(warnings.iter().any(|line| line.contains("is a CA's, which clients refuse")), "{warnings:?}");
}
