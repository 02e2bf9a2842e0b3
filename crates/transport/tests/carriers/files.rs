//! What is wrong with the files of a listener.

use crate::authority::{ALWAYS, Authority, FUTURE, PAST};
use crate::gateway::{Gateway, call};
use frontier_transport::{CertificateFiles, ClientAuth, ClientTls, ServerTls, ServerTlsConfig, TlsFile};
use std::path::Path;

fn pair(cert: &Path, key: &Path) -> CertificateFiles {
    CertificateFiles { cert: cert.to_owned(), key: key.to_owned() }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let ca = Authority::new("ca");
    let (a, b) = (ca.server(&["a"], ALWAYS), ca.server(&["b"], ALWAYS));
    let missing = ca.dir().join("missing");
    let empty = ca.write("empty", "");
    let pem = std::fs::read_to_string(&a.cert).unwrap();
    let cut = ca.write("cut", &pem[..pem.len() / 2]);
    let garbage = ca.write("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let base64 = ca.write("base64", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n");
    let encrypted = ca.write(
        "encrypted",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let no_key = ca.write("no_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let config = ServerTlsConfig {
        certs: vec![
            pair(&missing, &missing),
            pair(&empty, &empty),
            pair(&cut, &a.cert),
            pair(&garbage, &encrypted),
            pair(&base64, &no_key),
            pair(&a.cert, &no_key),
            pair(&a.cert, &b.key),
            pair(&a.cert, &a.key),
        ],
        client_auth: ClientAuth::Required,
        ca_certs: vec![empty.clone(), ca.ca()],
        crls: vec![
            a.cert.clone(),
            ca.write("bad.crl", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
        ],
        ..ServerTlsConfig::default()
    };
    let mistakes = ServerTls::load(config).unwrap_err().0;
    let told: Vec<_> =
        mistakes.iter().map(|mistake| (mistake.file, mistake.path.clone(), &*mistake.message)).collect();
    let expected = [
        (TlsFile::Certificate(0), &missing, "there is no such file"),
        (TlsFile::Key(0), &missing, "there is no such file"),
        (TlsFile::Certificate(1), &empty, "there is no certificate in it"),
        (TlsFile::Key(1), &empty, "there is no private key in it"),
        (TlsFile::Certificate(2), &cut, "the PEM is damaged: a section does not end"),
        (TlsFile::Key(2), &a.cert, "there is no private key in it"),
        (TlsFile::Certificate(3), &garbage, "certificate 1 in it is damaged"),
        (
            TlsFile::Key(3),
            &encrypted,
            "the private key in it is encrypted; it is needed without a passphrase",
        ),
        (TlsFile::Certificate(4), &base64, "the PEM is damaged: a section is no base64"),
        (TlsFile::Key(5), &no_key, "the private key is damaged, or of a kind that is not known"),
        (TlsFile::Key(6), &b.key, "the key does not belong to the certificate"),
        (TlsFile::CaCertificate(0), &empty, "there is no certificate in it"),
        (TlsFile::RevocationList(0), &a.cert, "there is no certificate revocation list in it"),
    ];
    for (index, (file, path, message)) in expected.into_iter().enumerate() {
        assert_eq!(told.get(index), Some(&(file, Some(path.to_owned()), message)));
    }
    assert!(matches!(told[13], (TlsFile::RevocationList(1), _, message) if message.contains("of no use")));
    assert_eq!(told.len(), 14, "{told:?}");
}

#[test]
fn what_is_not_there_at_all_is_a_mistake_without_a_file() {
    let nothing = ServerTlsConfig { client_auth: ClientAuth::Optional, ..ServerTlsConfig::default() };
    let mistakes = ServerTls::load(nothing).unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        "TLS needs a certificate and its key; clients' certificates can't be verified without a CA"
    );
}

#[test]
fn an_expired_certificate_is_only_a_warning() {
    let ca = Authority::new("ca");
    let old = ca.server(&["localhost"], PAST);
    let warnings = ServerTls::load(old.serving()).unwrap().warnings();
    let path = old.cert.display().to_string();
    assert!(matches!(&warnings[..], [warning] if warning.starts_with(&path) && warning.contains("expired")));
}

/// What is warned of, without the folder, and in front of the details.
fn warnings(ca: &Authority, config: ServerTlsConfig) -> Vec<String> {
    let folder = format!("{}/", ca.dir().display());
    let warnings = ServerTls::load(config).unwrap().warnings();
    warnings.iter().map(|warning| warning.replace(&folder, "")).collect()
}

#[test]
fn certificates_that_clients_would_refuse_are_warned_of() {
    let (ca, same_name, unrelated) = (Authority::new("ca"), Authority::new("ca"), Authority::new("other"));
    let good = ca.server(&["localhost"], ALWAYS);
    let chained = |file: &str, with: &Path| {
        let chain = [&good.cert, with].map(|path| std::fs::read_to_string(path).unwrap()).concat();
        ServerTlsConfig { certs: vec![pair(&ca.write(file, chain), &good.key)], ..good.serving() }
    };
    assert_eq!(warnings(&ca, good.serving()), [] as [&str; 0]);
    assert_eq!(warnings(&ca, chained("good.pem", &ca.ca())), [] as [&str; 0]);
    let nowhere = "good.pem: the certificate of `CN=gateway`: nothing leads from it to certificate 2, the last in the file: ";
    for (other, reason) in [
        (&same_name, "its signature is not that of its issuer's key"),
        (&unrelated, "nobody who is known has issued it"),
    ] {
        assert_eq!(warnings(&ca, chained("good.pem", &other.ca())), [format!("{nowhere}{reason}")]);
    }
    let client = ca.client("edge", ALWAYS);
    let nameless = ca.server(&[], ALWAYS);
    let fetched = b"\x30\x16\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x08http://a";
    let cut_off = ca.server_with(&[1, 3, 6, 1, 5, 5, 7, 1, 1], fetched, false);
    for (server, reason) in [
        (&ca.server(&["localhost"], FUTURE), "is valid from"),
        (&client, "is not meant for a server"),
        (&nameless, "names no host among its alternative names"),
        (&cut_off, "is issued by `CN=ca`, whose certificate is not in the file"),
    ] {
        let told = warnings(&ca, server.serving());
        assert!(matches!(&told[..], [one] if one.contains(reason) && !one.contains('\n')), "{told:?}");
    }
    let own = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=own",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        "/dev/stdout",
        "-days",
        "9",
    ]);
    let own = ca.write("own", own);
    let told = warnings(&ca, ServerTlsConfig { certs: vec![pair(&own, &own)], ..good.serving() });
    assert_eq!(told, ["own: the certificate of `CN=own` is a CA's, which clients refuse as a server's"]);
}

#[test]
fn a_certificate_that_cannot_be_used_is_blamed_itself_and_in_plain_words() {
    let ca = Authority::new("ca");
    let odd = ca.server_with(&[1, 2, 3, 4], b"\x05\x00", true);
    let mistakes = ServerTls::load(odd.serving()).unwrap_err().0;
    assert_eq!(mistakes[0].file, TlsFile::Certificate(0));
    assert_eq!(mistakes[0].path.as_ref(), Some(&odd.cert));
    let text = "the first certificate in it is of no use: unsupported critical extension";
    assert_eq!(mistakes[0].message, text);
}

#[test]
fn a_bundle_of_cas_is_used_without_its_members_that_are_of_no_use() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    let good = std::fs::read_to_string(ca.ca()).unwrap();
    let leaf = std::fs::read_to_string(&server.cert).unwrap();
    let member =
        |content: &str| format!("-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n");
    let bundle =
        ca.write("bundle", [&member("?"), &good, &member("AAAA"), &leaf, ""].map(|it| it as &str).concat());
    let config =
        ServerTlsConfig { client_auth: ClientAuth::Required, ca_certs: vec![bundle], ..server.serving() };
    assert_eq!(
        warnings(&ca, config.clone()),
        [
            "bundle: left out: certificate 1 in it is damaged: the PEM is damaged: a section is no base64",
            "bundle: left out: certificate 3 in it is damaged",
            "bundle: the certificate of `CN=gateway` is no CA's, and who has its key can sign clients' certificates for here",
        ]
    );
    let nothing = ca.write("nothing", [member("?"), member("AAAA")].concat());
    let mistakes = ServerTls::load(ServerTlsConfig { ca_certs: vec![nothing], ..config }).unwrap_err();
    assert!(mistakes.to_string().contains("certificate 2 in it is damaged"), "{mistakes}");
}

#[tokio::test]
async fn keys_come_in_three_forms() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    for (form, label) in [("-traditional", "EC PRIVATE KEY"), ("", "PRIVATE KEY")] {
        let key = openssl(&["pkey", form, "-in", server.key.to_str().unwrap()]);
        assert!(key.contains(label), "{key}");
        let key = ca.write("key", key);
        let config = ServerTlsConfig { certs: vec![pair(&server.cert, &key)], ..server.serving() };
        let gateway = Gateway::tls(config);
        call(&gateway.url("tls"), ClientTls::new().ca_file(ca.ca())).await.unwrap();
    }
    let rsa = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=rsa",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        "/dev/stdout",
        "-days",
        "9",
    ]);
    let both = ca.write("rsa", rsa);
    let key = ca.write("rsa.key", openssl(&["rsa", "-traditional", "-in", both.to_str().unwrap()]));
    assert!(std::fs::read_to_string(&key).unwrap().contains("RSA PRIVATE KEY"));
    let config = ServerTlsConfig { certs: vec![pair(&both, &key)], ..server.serving() };
    let gateway = Gateway::tls(config);
    call(&gateway.url("tls"), ClientTls::new().danger_accept_any_certificate()).await.unwrap();
}

#[test]
fn a_key_of_rsa_of_a_length_that_is_not_taken_is_told_so() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    for form in ["", "-traditional"] {
        let key = ca.write("rsa.key", openssl(&["genrsa", form, "1024"]));
        let config = ServerTlsConfig { certs: vec![pair(&server.cert, &key)], ..server.serving() };
        let mistakes = ServerTls::load(config).unwrap_err().0;
        assert_eq!((mistakes.len(), mistakes[0].file), (1, TlsFile::Key(0)));
        let text = "the private key is one of RSA of 1024 bits; those of 2048 to 8192 are taken";
        assert_eq!(mistakes[0].message, text);
    }
}

#[test]
fn what_is_not_used_as_clients_are_not_asked_is_warned_of() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    let crl = ca.revoke(&[], 2090);
    let config = ServerTlsConfig { ca_certs: vec![ca.ca()], crls: vec![crl], ..server.serving() };
    let unused = ["ca_certs", "crls"].map(|key| {
        format!("`{key}` is not used: clients are asked for no certificate, as `mtls` is `false`")
    });
    assert_eq!(warnings(&ca, config.clone()), unused);
    let asking = ServerTlsConfig { client_auth: ClientAuth::Optional, ..config };
    assert_eq!(warnings(&ca, asking), [] as [&str; 0]);
}

/// As openssl makes it where its configuration names no `crlnumber`.
#[test]
fn a_revocation_list_of_version_1_is_refused_with_what_is_needed() {
    const LIST: &str = "-----BEGIN X509 CRL-----
MIGSMDswCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EXDTI2MTEzMDEwNTMyNFoY
DzIxMjYxMTA2MTA1MzI0WjAKBggqhkjOPQQDAgNHADBEAiBJiZ9wC7Vr23Fb/F+o
8J4H9DXmKVIrZtbw6TX+FC+iIQIgGNIG9MKBpPFzlHXrEZ4kV6UpgHE/eV1HGQhW
d2jeL9Y=
-----END X509 CRL-----
";
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    let config = ServerTlsConfig {
        client_auth: ClientAuth::Required,
        ca_certs: vec![ca.ca()],
        crls: vec![ca.write("ca.crl", LIST)],
        ..server.serving()
    };
    let mistakes = ServerTls::load(config).unwrap_err().0;
    let text = "a revocation list in it is of no use: it is of version 1; a list of version 2 with a CRL number is needed";
    assert_eq!((mistakes[0].file, &*mistakes[0].message), (TlsFile::RevocationList(0), text));
}

fn openssl(arguments: &[&str]) -> String {
    let arguments = arguments.iter().filter(|argument| !argument.is_empty());
    let output = std::process::Command::new("openssl").args(arguments).output().expect("openssl is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
