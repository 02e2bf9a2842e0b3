//! What the exchange must not know: sockets, files, tasks that own I/O, TLS, configuration, and the frames of any
//! wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages that bring sockets, TLS, a wire, or what only a daemon needs.
const FOREIGN: [&str; 12] = [
    "frontier-daemon",
    "frontier-transport",
    "hyper",
    "mio",
    "quinn",
    "quinn-proto",
    "rustls",
    "socket2",
    "tokio-rustls",
    "tokio-tungstenite",
    "tokio-util",
    "yamux",
];

/// What of tokio is I/O, or a runtime.
const IO_FEATURES: [&str; 9] =
    ["fs", "full", "io-std", "io-util", "net", "process", "rt", "rt-multi-thread", "signal"];

/// What the protocol and the exchange have in common: identities, codes and names, and no frame.
const VOCABULARY: [&str; 18] = [
    "CATCH_ALL",
    "Claim",
    "Code",
    "EDGE_OFFLINE",
    "EDGE_ONLINE",
    "EdgeId",
    "Epoch",
    "GET_EDGE_ID",
    "Names",
    "Offered",
    "PeerText",
    "Proof",
    "Registration",
    "ServiceId",
    "Session",
    "VerifiedEdge",
    "is_reserved",
    "retry_detail",
];

/// What the tests need besides, to have somebody who presents something and may do something.
const OF_TESTS: [&str; 3] = ["Heartbeat", "Role", "Token"];

/// What nobody writes who opens nothing and runs nothing.
const IO: [&str; 9] = [
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "std::fs",
    "tokio::fs",
    "tokio::net",
    "tokio::spawn",
    "tokio::task",
];

/// The lines of `cargo tree` for this crate, each as its words.
fn tree(args: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", env!("CARGO_PKG_NAME"), "--prefix", "none", "--locked", "--offline"])
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it is text");
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn its_dependencies_open_no_socket_and_run_no_task() {
    let lines = tree(&["--edges", "normal,features"]);
    assert!(lines.iter().any(|words| words[0] == "tokio"), "the tree is read");
    for words in &lines {
        let package = words[0].as_str();
        assert!(!FOREIGN.contains(&package), "{package} is no part of the exchange");
        if let ("tokio", [_, kind, feature, ..]) = (package, &words[..])
            && kind == "feature"
        {
            let feature = feature.trim_matches('"');
            assert!(!IO_FEATURES.contains(&feature), "tokio is used with its feature {feature}");
        }
    }
}

/// What reads configuration comes with access, and the exchange does not see it.
#[test]
fn it_reads_no_configuration() {
    let direct = tree(&["--edges", "normal", "--depth", "1"]);
    assert!(direct.iter().any(|words| words[0] == "frontier-access"), "the tree is read");
    assert!(direct.iter().all(|words| words[0] != "frontier-config"));
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("it is text");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 30, "the sources are found");
    found
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part.to_string_lossy().starts_with("test"))
}

/// What a text names of the crate `frontier_protocol`; whatever is not a plain name is given whole.
fn named(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for rest in text.split("frontier_protocol").skip(1) {
        let Some(rest) = rest.strip_prefix("::") else {
            names.insert("the crate under another name");
            continue;
        };
        let is_of_name = |it: char| it.is_alphanumeric() || it == '_';
        match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) => names.extend(list.split(',').map(str::trim).filter(|name| !name.is_empty())),
            None => {
                let end = rest.find(|it| !is_of_name(it)).unwrap_or(rest.len());
                names.insert(if end == 0 { "*" } else { &rest[..end] });
            }
        }
    }
    names
}

#[test]
fn what_names_a_frame_is_found() {
    let text =
        "use frontier_protocol::{Code, Frame,\n};\nuse frontier_protocol::Kind;\nfrontier_protocol::frame::x";
    assert_eq!(named(text), BTreeSet::from(["Code", "Frame", "Kind", "frame"]));
    assert_eq!(named("use frontier_protocol::*;"), BTreeSet::from(["*"]));
    assert_eq!(named("use frontier_protocol as p;").len(), 1);
    assert!(!VOCABULARY.contains(named("use frontier_protocol as p;").first().unwrap()));
}

#[test]
fn it_knows_words_of_the_protocol_and_no_frame() {
    for (path, text) in sources() {
        for name in named(&text) {
            let is_known = VOCABULARY.contains(&name) || (is_test(&path) && OF_TESTS.contains(&name));
            assert!(is_known, "{}: {name} of frontier_protocol is no word of the exchange", path.display());
        }
    }
}

#[test]
fn it_opens_nothing_and_runs_nothing() {
    for (path, text) in sources() {
        if is_test(&path) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for io in IO {
            assert!(!code.contains(io), "{}: {io}", path.display());
        }
    }
}
