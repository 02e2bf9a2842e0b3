//! Revocation lists: which of several counts, what is told of those that do not, and of those that end soon.

use crate::authority::{ALWAYS, Authority, Identity};
use crate::gateway::{Gateway, call};
use frontier_transport::{ClientAuth, ClientTls, Network, ServerTls, ServerTlsConfig, TlsFile};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3600);
const REVOKED: &str = "the TLS handshake failed: the client's certificate is revoked";

/// A server that asks for certificates of these CAs, and goes by these lists. Its own certificate is of `ca`.
fn asking(ca: &Authority, ca_certs: Vec<PathBuf>, crls: Vec<PathBuf>) -> (ClientTls, ServerTlsConfig) {
    let serving = ca.server(&["localhost"], ALWAYS).serving();
    let tls = ClientTls::new().ca_pem(fs::read(ca.ca()).unwrap());
    (tls, ServerTlsConfig { ca_certs, crls, client_auth: ClientAuth::Required, ..serving })
}

fn concat(dir: &Path, name: &str, files: &[&Path]) -> PathBuf {
    let content: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn each_key_of_a_ca_goes_by_its_own_list() {
    let servers = Authority::new("servers");
    let (old, new) = (Authority::new("Edges CA"), Authority::new("Edges CA"));
    let clients = [&old, &new].map(|ca| (ca.client("good", ALWAYS), ca.client("bad", ALWAYS)));
    let lists = [&old, &new].map(|ca| ca.revoke(&[clients[0].1.serial, clients[1].1.serial], 2090));
    for order in [[0, 1], [1, 0]] {
        let crls = order.map(|index| lists[index].clone()).to_vec();
        let (tls, config) = asking(&servers, vec![old.ca(), new.ca()], crls);
        for network in [Network::Tls, Network::Quic] {
            let mut gateway = Gateway::start(network, Some(config.clone()));
            for (good, bad) in &clients {
                call(&gateway.url(network.as_str()), good.shown_by(tls.clone())).await.unwrap();
                gateway.accepted().await.unwrap();
                let (told, logged) = gateway.refuses(network.as_str(), bad.shown_by(tls.clone())).await;
                assert_eq!(logged, REVOKED);
                assert!(told.ends_with("our certificate is revoked"), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn of_several_lists_of_one_key_the_newest_counts_wherever_it_stands() {
    let servers = Authority::new("servers");
    let ca = Authority::new("Edges CA");
    let (good, bad) = (ca.client("good", ALWAYS), ca.client("bad", ALWAYS));
    let stale = ca.revoke_at(&[good.serial], 2000, 2001);
    let fresh = ca.revoke_at(&[bad.serial], 2020, 2090);
    for order in [[&stale, &fresh], [&fresh, &stale]] {
        let both = concat(ca.dir(), "both.crl", &[order[0], order[1]]);
        for crls in [vec![order[0].clone(), order[1].clone()], vec![both]] {
            let (tls, config) = asking(&servers, vec![ca.ca()], crls);
            let mut gateway = Gateway::tls(config);
            call(&gateway.url("tls"), good.shown_by(tls.clone())).await.unwrap();
            gateway.accepted().await.unwrap();
            let (_, logged) = gateway.refuses("tls", bad.shown_by(tls.clone())).await;
            assert_eq!(logged, REVOKED);
            let warnings = gateway.tls.as_ref().unwrap().warnings();
            let is_named =
                |line: &String| line.contains(".crl: left out: ") && line.contains("there is a newer one");
            assert!(matches!(&warnings[..], [line] if is_named(line)), "{warnings:?}");
        }
    }
}

#[test]
fn a_list_that_no_ca_of_its_name_has_signed_is_a_mistake_unless_each_has_another() {
    let servers = Authority::new("servers");
    let (ca, stranger) = (Authority::new("Edges CA"), Authority::new("Edges CA"));
    let foreign = stranger.revoke(&[], 2090);
    let (_, config) = asking(&servers, vec![ca.ca()], vec![foreign.clone()]);
    let mistakes = ServerTls::load(config).unwrap_err().0;
    assert_eq!((mistakes[0].file, mistakes[0].path.as_ref()), (TlsFile::RevocationList(0), Some(&foreign)));
    let text = &mistakes[0].message;
    assert!(text.contains("`CN=Edges CA`") && text.contains("has signed it"), "{text}");

    let (_, config) = asking(&servers, vec![ca.ca()], vec![foreign, ca.revoke(&[], 2089)]);
    let warnings = ServerTls::load(config).unwrap().warnings();
    assert!(matches!(&warnings[..], [line] if line.contains("2090.crl: left out: ")), "{warnings:?}");
}

#[tokio::test]
async fn a_list_of_ours_that_has_expired_is_not_told_as_a_fault_of_the_client() {
    let servers = Authority::new("servers");
    let ca = Authority::new("Edges CA");
    let client = ca.client("edge", ALWAYS);
    let (tls, config) = asking(&servers, vec![ca.ca()], vec![ca.revoke(&[], 2001)]);
    for network in [Network::Tls, Network::Quic] {
        let mut gateway = Gateway::start(network, Some(config.clone()));
        let (told, logged) = gateway.refuses(network.as_str(), client.shown_by(tls.clone())).await;
        assert!(told.ends_with("the server refused: our certificate is not accepted there"), "{told}");
        let expected =
            "the TLS handshake failed: the revocation list for the client's certificate has expired";
        assert_eq!(logged, expected);
    }
}

#[test]
fn what_ends_soon_is_told_in_the_same_words_until_it_is_renewed() {
    let servers = Authority::new("servers");
    let ca = Authority::new("Edges CA");
    let (_, config) = asking(&servers, vec![ca.ca()], vec![ca.revoke_at(&[], 2020, 2090)]);
    let server = config.certs[0].cert.clone();
    let tls = ServerTls::load(config).unwrap();
    assert_eq!(tls.expiring(SystemTime::now()), [] as [String; 0]);
    let turn_of_2090 = SystemTime::UNIX_EPOCH + Duration::from_secs(3_786_912_000);
    let of_lists = |lines: &[String]| lines.iter().filter(|line| line.contains("2090.crl")).count();
    let before = tls.expiring(turn_of_2090 - 10 * DAY);
    assert!(before.iter().any(|line| line.starts_with(&server.display().to_string())), "{before:?}");
    assert!(before.iter().any(|line| line.contains("`CN=Edges CA` expires on")), "{before:?}");
    assert_eq!((before.len(), of_lists(&before)), (2, 0), "{before:?}");
    let last_days = tls.expiring(turn_of_2090 - 2 * DAY);
    assert_eq!((last_days.len(), of_lists(&last_days)), (3, 1), "{last_days:?}");
    assert_eq!(tls.expiring(turn_of_2090 + 2 * DAY), last_days);
}

/// A CA that a client shows with its own certificate may have been given a new key as well.
#[tokio::test]
async fn each_key_of_an_intermediate_goes_by_its_own_list() {
    let servers = Authority::new("servers");
    let root = Authority::new("Root");
    let between = [root.intermediate("Edges CA"), root.intermediate("Edges CA")];
    let clients = [&between[0], &between[1]].map(|ca| (ca.client("good", ALWAYS), ca.client("bad", ALWAYS)));
    let crls = between.iter().map(|ca| ca.revoke(&[clients[0].1.serial, clients[1].1.serial], 2090));
    let (tls, config) = asking(&servers, vec![root.ca()], crls.collect());
    let mut gateway = Gateway::tls(config);
    for ((good, bad), ca) in clients.iter().zip(&between) {
        let with_chain = |client: &Identity| {
            let chain = concat(ca.dir(), &format!("{}.chain", client.serial), &[&client.cert, &ca.ca()]);
            tls.clone().identity_files(chain, &client.key)
        };
        call(&gateway.url("tls"), with_chain(good)).await.unwrap();
        gateway.accepted().await.unwrap();
        let (_, logged) = gateway.refuses("tls", with_chain(bad)).await;
        assert_eq!(logged, REVOKED);
    }
}

/// A CA as operators make them.
struct OpenSsl {
    dir: tempfile::TempDir,
    lists: u32,
}

impl OpenSsl {
    fn new(name: &str) -> Self {
        let ca = Self { dir: tempfile::tempdir().unwrap(), lists: 0 };
        ca.write("index.txt", "");
        ca.write("client.ext", "basicConstraints = CA:FALSE\nextendedKeyUsage = clientAuth\n");
        ca.write(
            "ca.cnf",
            "[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\ncrlnumber = crlnumber\ndefault_md = sha256\n\
             default_crl_days = 30\ncrl_extensions = list\n[list]\nauthorityKeyIdentifier = keyid\n",
        );
        let subject = format!("/CN={name}");
        ca.run(&[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days",
            "3650", "-subj", &subject,
        ]);
        ca
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn run(&self, arguments: &[&str]) {
        let output = Command::new("openssl").args(arguments).current_dir(self.dir.path()).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A client's certificate with this serial number, as its options.
    fn client(&self, serial: u32, tls: ClientTls) -> ClientTls {
        let [key, csr, cert] = ["key", "csr", "pem"].map(|end| format!("{serial}.{end}"));
        self.run(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &csr, "-subj", "/CN=edge",
        ]);
        let serial = format!("0x{serial:x}");
        self.run(&[
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-set_serial",
            &serial,
            "-days",
            "365",
            "-extfile",
            "client.ext",
            "-out",
            &cert,
        ]);
        tls.identity_files(self.path(&cert), self.path(&key))
    }

    /// A list that names this serial number, made after all before it.
    fn revoke(&mut self, serial: u32) -> PathBuf {
        self.lists += 1;
        let line = format!("R\t400101000000Z\t200101000000Z\t{serial:04X}\tunknown\t/CN=edge\n");
        self.write("index.txt", &line);
        self.write("crlnumber", &format!("{:04X}\n", self.lists));
        let name = format!("{}.crl", self.lists);
        self.run(&[
            "ca", "-gencrl", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", &name,
        ]);
        self.path(&name)
    }
}

#[tokio::test]
async fn two_keys_and_two_lists_of_each_as_openssl_makes_them() {
    let servers = Authority::new("servers");
    let mut cas = [OpenSsl::new("Edges CA"), OpenSsl::new("Edges CA")];
    // The older list of each has the good client in it: only its number tells that it is the older one.
    let lists: Vec<PathBuf> = cas.iter_mut().flat_map(|ca| [ca.revoke(0x1001), ca.revoke(0x1002)]).collect();
    let (tls, config) = asking(&servers, cas.iter().map(|ca| ca.path("ca.pem")).collect(), lists);
    let mut gateway = Gateway::tls(config);
    for ca in &cas {
        call(&gateway.url("tls"), ca.client(0x1001, tls.clone())).await.unwrap();
        gateway.accepted().await.unwrap();
        let (_, logged) = gateway.refuses("tls", ca.client(0x1002, tls.clone())).await;
        assert_eq!(logged, REVOKED);
    }
}
