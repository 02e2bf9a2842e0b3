//! The WebSocket client of Python's `websockets`: what it makes of frames, and what it is told.

use crate::run::run;
use crate::traffic::Post;
use frontier_tests::{
    Authority, DEADLINE, Gateway, Identity, Network, Process, Validity, connect_error, eventually,
};
use std::path::Path;
use std::process::Command;

/// The system's own, since Debian's packages are there for no other.
const PYTHON: &str = "/usr/bin/python3";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/websocket.py");

/// Calls with nothing in them, with what fits a frame of a link, and with a stream of their own.
const SIZES: [usize; 5] = [0, 1, 1000, 60_000, 3_000_000];

/// Where the gateway's WebSockets are, and whom to trust.
fn target(gateway: &Gateway) -> [String; 3] {
    let scheme = if gateway.network() == Network::Ws { "ws" } else { "wss" };
    let ca = gateway.dir().join("ca.pem");
    [format!("{scheme}://{}/some/path", gateway.edges()), "--ca".to_owned(), ca.to_str().unwrap().to_owned()]
}

/// Plain TCP that is carried to the gateway over WebSockets.
struct Bridge {
    process: Process,
    url: String,
}

impl Bridge {
    async fn to(gateway: &Gateway, options: &[&str]) -> Self {
        assert!(
            Path::new(PYTHON).exists(),
            "python3 is missing: please install it, or start tests/run, which does"
        );
        let mut command = Command::new(PYTHON);
        command.arg(SCRIPT).arg("bridge").args(target(gateway)).args(options);
        let mut process = Process::spawn("bridge", command);
        let url = eventually(DEADLINE, "the bridge listens", async || {
            let line = process.log().find("listening ");
            assert!(line.is_some() || process.is_running(), "{:?}", process.log().lines());
            Some(format!("tcp://{}", line?.split_once(' ')?.1))
        });
        let url = url.await;
        Self { process, url }
    }
}

/// What came of something that a client did with its WebSocket.
async fn ask(gateway: &Gateway, what: &str) -> String {
    let arguments: Vec<_> =
        [SCRIPT.to_owned(), "ask".to_owned(), what.to_owned()].into_iter().chain(target(gateway)).collect();
    run(Path::new(PYTHON), arguments, "").await.ended(0, &["subprotocol: None"])
}

/// An edge behind a bridge does everything that edges do.
async fn an_edge_works(net: Network, options: &[&str]) {
    let gateway = Gateway::over(net).start().await;
    let post = Post::at(&gateway).await;
    let bridge = Bridge::to(&gateway, options).await;
    let edge = post.works_with(&bridge.url, &SIZES).await;
    post.has_seen_only(&[&edge]).await;
    edge.close().await.unwrap();
    assert_eq!(bridge.process.log().find("failed"), None);
}

#[tokio::test]
async fn an_edge_works_over_websockets() {
    an_edge_works(Network::Ws, &[]).await;
}

#[tokio::test]
async fn an_edge_works_over_websockets_and_tls() {
    an_edge_works(Network::Tls, &[]).await;
}

#[tokio::test]
async fn an_edge_works_over_fragmented_messages() {
    an_edge_works(Network::Ws, &["--fragments"]).await;
}

#[tokio::test]
async fn an_edge_works_over_fragmented_messages_with_pings_in_between_and_tls() {
    an_edge_works(Network::Tls, &["--fragments", "--pings"]).await;
}

#[tokio::test]
async fn pings_are_answered() {
    let gateway = Gateway::over(Network::Ws).start().await;
    let said = ask(&gateway, "ping").await;
    assert!(said.contains("pongs: 2"), "{said}");
}

#[tokio::test]
async fn a_close_is_answered_with_its_own_status() {
    let gateway = Gateway::over(Network::Ws).start().await;
    for (what, closed) in [("close", "closed: 1000 "), ("leave", "closed: 1001 ")] {
        let said = ask(&gateway, what).await;
        assert!(said.contains(closed), "{said}");
    }
}

#[tokio::test]
async fn text_is_refused_with_its_status() {
    let gateway = Gateway::over(Network::Ws).start().await;
    let said = ask(&gateway, "text").await;
    assert!(said.contains("closed: 1003 "), "{said}");
}

#[tokio::test]
async fn a_frame_over_the_limit_is_refused_with_its_status() {
    let gateway = Gateway::over(Network::Ws).start().await;
    let said = ask(&gateway, "large").await;
    assert!(said.contains("closed: 1009 "), "{said}");
}

#[tokio::test]
async fn client_certificates_decide_who_comes_in() {
    let ca = Authority::new("clients");
    let revoked = ca.client("revoked", &[], Validity::Now);
    let gateway = Gateway::over(Network::Tls).mtls(&ca, &[&revoked]).start().await;
    let post = Post::at(&gateway).await;
    let stranger = Authority::new("other").client("stranger", &[], Validity::Now);
    for (identity, told) in [
        (None, "CERTIFICATE_REQUIRED"),
        (Some(&revoked), "CERTIFICATE_REVOKED"),
        (Some(&stranger), "UNKNOWN_CA"),
    ] {
        let bridge = shown(&gateway, identity).await;
        connect_error(|| post.edge(&bridge.url)).await;
        eventually(DEADLINE, told, async || bridge.process.log().find(told)).await;
    }
    let good = shown(&gateway, Some(&ca.client("good", &[], Validity::Now))).await;
    let edge = post.works_with(&good.url, &[100]).await;
    post.has_seen_only(&[&edge]).await;
}

/// A bridge that shows this certificate.
async fn shown(gateway: &Gateway, identity: Option<&Identity>) -> Bridge {
    let Some(identity) = identity else { return Bridge::to(gateway, &[]).await };
    let files = identity.write(gateway.dir(), "shown");
    let [cert, key] = [&files.cert, &files.key].map(|path| path.to_str().unwrap());
    Bridge::to(gateway, &["--cert", cert, "--key", key]).await
}
