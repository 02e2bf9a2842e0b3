//! Another implementation looks at what was made: `openssl`.

use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

fn options(out: &Path) -> Options {
    Options {
        out: out.to_owned(),
        host: vec!["gateway.example".into(), "192.0.2.7".into()],
        client: "edge".into(),
        uri: vec!["urn:frontier:edge:7".into()],
        days: 30,
        force: false,
    }
}

fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).current_dir(dir).output();
    let output = run.expect("openssl is missing: apt install openssl");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_implementation_takes_the_chain_and_sees_the_names() {
    let dir = tempfile::tempdir().unwrap();
    let written = run(&options(dir.path())).unwrap();
    assert_eq!(written.len(), 6);
    openssl(
        dir.path(),
        &["verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose", "sslserver", "server.pem"],
    );
    openssl(
        dir.path(),
        &["verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose", "sslclient", "edge.pem"],
    );
    let server = openssl(dir.path(), &["x509", "-in", "server.pem", "-noout", "-text"]);
    for name in ["DNS:localhost", "DNS:gateway.example", "IP Address:127.0.0.1", "IP Address:192.0.2.7"] {
        assert!(server.contains(name), "{name} is not in\n{server}");
    }
    let edge = openssl(dir.path(), &["x509", "-in", "edge.pem", "-noout", "-text"]);
    assert!(edge.contains("CN") && edge.contains("URI:urn:frontier:edge:7") && edge.contains("DNS:edge"));
}

#[test]
fn keys_are_for_their_owner_alone_even_when_replaced() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("server-key.pem"), "anybody's").unwrap();
    run(&Options { force: true, ..options(dir.path()) }).unwrap();
    for key in ["ca-key.pem", "server-key.pem", "edge-key.pem"] {
        let mode = dir.path().join(key).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

#[test]
fn the_authority_is_used_again_and_nothing_is_overwritten_unasked() {
    let dir = tempfile::tempdir().unwrap();
    run(&options(dir.path())).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (ca, server) = (read("ca.pem"), read("server.pem"));
    let error = run(&options(dir.path())).unwrap_err().to_string();
    assert!(error.ends_with("edge.pem is there already; --force replaces it"), "{error}");
    assert_eq!(read("server.pem"), server);
    run(&Options { force: true, ..options(dir.path()) }).unwrap();
    assert_eq!(read("ca.pem"), ca);
    assert_ne!(read("server.pem"), server);
    openssl(dir.path(), &["verify", "-CAfile", "ca.pem", "server.pem", "edge.pem"]);
}

#[test]
fn another_client_leaves_the_server_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    run(&options(dir.path())).unwrap();
    let written = run(&Options { client: "other".into(), host: Vec::new(), ..options(dir.path()) }).unwrap();
    assert_eq!(written, ["other.pem", "other-key.pem"].map(|name| dir.path().join(name)));
    openssl(dir.path(), &["verify", "-CAfile", "ca.pem", "server.pem", "edge.pem", "other.pem"]);
}

#[test]
fn a_name_is_added_to_those_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    run(&options(dir.path())).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let client = read("edge.pem");
    let add = |host: &str| Options { host: vec![host.into()], uri: Vec::new(), ..options(dir.path()) };
    for host in ["other.example", "2001:db8::1"] {
        let written = run(&add(host)).unwrap();
        assert_eq!(written, ["server.pem", "server-key.pem"].map(|name| dir.path().join(name)));
        assert_eq!(run(&add(host)).unwrap(), [] as [PathBuf; 0], "it is there now");
    }
    let server = openssl(dir.path(), &["x509", "-in", "server.pem", "-noout", "-text"]);
    let names = ["DNS:gateway.example", "DNS:other.example", "IP Address:192.0.2.7", "2001:DB8:0:0:0:0:0:1"];
    for name in names.into_iter().chain(["DNS:localhost"]) {
        assert_eq!(server.matches(name).count(), 1, "{name} in\n{server}");
    }
    openssl(dir.path(), &["verify", "-CAfile", "ca.pem", "server.pem", "edge.pem"]);
    assert_eq!(read("edge.pem"), client);
    run(&Options { client: "second".into(), ..add("third.example") }).unwrap();
    assert!(read("second.pem").contains("CERTIFICATE"));
}

#[test]
fn each_mistake_has_its_error() {
    let dir = tempfile::tempdir().unwrap();
    let fail = |change: &dyn Fn(&mut Options)| {
        let mut options = options(dir.path());
        change(&mut options);
        format!("{:#}", run(&options).unwrap_err())
    };
    assert!(fail(&|o| o.client = "../edge".into()).ends_with("can't be the name of a file"));
    assert!(fail(&|o| o.client = "ca".into()).starts_with("a client can't be called"));
    for name in ["ü", "bad host", "", "*", "a..b", "https://gw.example", "gw.example:30012", "1.2.3.4.5/24"]
    {
        assert!(fail(&|o| o.host = vec![name.into()]).contains("is no name for a certificate"), "{name}");
    }
    assert!(fail(&|o| o.client = "an edge".into()).contains("is no name for a certificate"));
    run(&Options { client: "other".into(), ..options(dir.path()) }).unwrap();
    std::fs::remove_file(dir.path().join("ca.pem")).unwrap();
    assert!(fail(&|_| ()).contains("ca-key.pem is there without"));
    std::fs::write(dir.path().join("ca.pem"), "garbage").unwrap();
    assert!(fail(&|_| ()).contains("are no authority"));
}
