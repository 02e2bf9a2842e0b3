//! `curl` as the client: HTTP where a WebSocket is expected, and who is refused before that.

use crate::run::{Ran, run};
use frontier_tests::{
    Authority, DEADLINE, Gateway, Identity, IdentityFiles, Network, Process, SERVER_NAME, Validity,
    eventually, replace, tool,
};
use std::process::Command;

/// The handshake that RFC 6455 has as its example.
const UPGRADE: [&str; 8] = [
    "-H",
    "Connection: Upgrade",
    "-H",
    "Upgrade: websocket",
    "-H",
    "Sec-WebSocket-Version: 13",
    "-H",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const ACCEPTED: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What curl exits with.
const CANT_CONNECT_BY_TLS: i32 = 35;
const BAD_CERTIFICATE: i32 = 60;

/// What every request has, and its URL, `http` or `https`.
fn arguments(gateway: &Gateway, scheme: &str, more: &[&str]) -> Vec<String> {
    let addr = gateway.edges();
    let to = format!("::{}:{}", addr.ip(), addr.port());
    let basic =
        ["--silent", "--show-error", "--include", "--no-buffer", "--noproxy", "*", "--connect-to", &to];
    let url = format!("{scheme}://{SERVER_NAME}:{}/any/path", addr.port());
    basic.iter().chain(more).map(|argument| (*argument).to_owned()).chain([url]).collect()
}

async fn curl(gateway: &Gateway, scheme: &str, more: &[&str]) -> Ran {
    run(&tool("curl", "curl"), arguments(gateway, scheme, more), "").await
}

/// The same over TLS, trusting the gateway's CA.
async fn secure(gateway: &Gateway, more: &[&str]) -> Ran {
    let ca = gateway.dir().join("ca.pem");
    curl(gateway, "https", &[&["--cacert", ca.to_str().unwrap()], more].concat()).await
}

/// Has curl ask for a WebSocket, and stay.
async fn upgrades(gateway: &Gateway, scheme: &str, more: &[&str]) {
    let mut command = Command::new(tool("curl", "curl"));
    command.args(arguments(gateway, scheme, &[&UPGRADE, more].concat()));
    let curl = Process::spawn("curl", command);
    let line = eventually(DEADLINE, "it is answered", async || curl.log().find("HTTP/")).await;
    assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
    eventually(DEADLINE, "its key is confirmed", async || curl.log().find(ACCEPTED)).await;
}

#[tokio::test]
async fn a_websocket_is_opened() {
    let gateway = Gateway::over(Network::Ws).start().await;
    upgrades(&gateway, "http", &["--http1.1"]).await;
}

#[tokio::test]
async fn a_websocket_is_opened_over_tls_on_the_port_of_links() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let ca = gateway.dir().join("ca.pem");
    let ca = ["--cacert", ca.to_str().unwrap()];
    for version in ["1.2", "1.3"] {
        upgrades(&gateway, "https", &[&ca[..], &["--http1.1", "--tls-max", version]].concat()).await;
    }
    // It offers HTTP/2 as well, and is told to do without.
    upgrades(&gateway, "https", &ca).await;
}

#[tokio::test]
async fn what_asks_for_no_websocket_is_told_so() {
    let gateway = Gateway::over(Network::Ws).start().await;
    let upgrade = "`Upgrade` does not say `websocket`";
    let method: Vec<_> = UPGRADE.into_iter().chain(["--data", "x"]).collect();
    let long = format!("X-Long: {}", "x".repeat(20_000));
    let cases = [
        (&[][..], "426", upgrade),
        (&["--head"], "426", ""),
        (&["--http1.0"], "426", "it is not HTTP/1.1"),
        (&UPGRADE[..6], "426", "`Sec-WebSocket-Key` is not 16 bytes in base64"),
        (&UPGRADE[..4], "426", "`Sec-WebSocket-Version` is not 13"),
        (&method, "426", "the method is not GET"),
        (&["-H", &long], "431", "longer than 8192 bytes"),
    ];
    for (arguments, status, text) in cases {
        let status = format!("HTTP/1.1 {status} ");
        // Whoever is refused is heard to the end, and told so without an error of the connection.
        curl(&gateway, "http", arguments).await.ended(0, &[&status, text]);
    }
    upgrades(&gateway, "http", &["--http1.1"]).await;
}

#[tokio::test]
async fn over_tls_it_is_told_the_same() {
    let gateway = Gateway::over(Network::Tls).start().await;
    for version in ["1.2", "1.3"] {
        secure(&gateway, &["--tls-max", version])
            .await
            .ended(0, &["HTTP/1.1 426 ", "`Upgrade` does not say"]);
    }
}

#[tokio::test]
async fn plain_http_to_tls_and_tls_to_plain_http_fail() {
    let tls = Gateway::over(Network::Tls).start().await;
    curl(&tls, "http", &[]).await.failed(&[]);
    let plain = Gateway::over(Network::Ws).start().await;
    curl(&plain, "https", &[]).await.ended(CANT_CONNECT_BY_TLS, &[]);
}

#[tokio::test]
async fn a_gateway_of_another_ca_or_name_is_not_trusted() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let other = gateway.dir().join("other.pem");
    replace(&other, Authority::new("other").pem());
    let ran = curl(&gateway, "https", &["--cacert", other.to_str().unwrap()]).await;
    ran.ended(BAD_CERTIFICATE, &["unable to get local issuer certificate"]);
    let elsewhere = Authority::common().server(&["elsewhere.example"], Validity::Now);
    let builder = Gateway::over(Network::Tls);
    let files = elsewhere.write(builder.dir(), "elsewhere");
    let gateway = builder.certificates("edgebound", &[files]).start().await;
    secure(&gateway, &[]).await.ended(BAD_CERTIFICATE, &["no alternative certificate subject name matches"]);
}

#[tokio::test]
async fn where_1_3_is_required_1_2_is_refused() {
    let gateway = Gateway::over(Network::Tls).set("edgebound.listen.tls.min_version", "1.3").start().await;
    secure(&gateway, &["--tls-max", "1.2"]).await.ended(CANT_CONNECT_BY_TLS, &["alert protocol version"]);
    secure(&gateway, &["--tls-max", "1.3"]).await.ended(0, &["HTTP/1.1 426 "]);
}

#[tokio::test]
async fn client_certificates_decide_who_is_answered() {
    let ca = Authority::new("clients");
    let revoked = ca.client("revoked", &[], Validity::Now);
    let good = ca.client("good", &[], Validity::Now);
    let stranger = Authority::new("other").client("stranger", &[], Validity::Now);
    let gateway = Gateway::over(Network::Tls).mtls(&ca, &[&revoked]).start().await;
    let with = async |identity: &Identity, name: &str| {
        let IdentityFiles { cert, key } = identity.write(gateway.dir(), name);
        secure(&gateway, &["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()]).await
    };
    with(&good, "good").await.ended(0, &["HTTP/1.1 426 "]);
    secure(&gateway, &[]).await.failed(&["alert certificate required"]);
    with(&stranger, "stranger").await.failed(&["alert unknown ca"]);
    with(&revoked, "revoked").await.failed(&["alert certificate revoked"]);
}
