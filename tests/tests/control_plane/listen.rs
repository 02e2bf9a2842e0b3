//! How it is reached: by which names, through proxies, and over TLS.

use crate::world::{guarded, says};
use frontier_tests::{
    Authority, DEADLINE, Frontlas, Gateway, SERVER_NAME, Validity, eventually, replace, tool, within,
};
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

/// Status and body of the answer to a request with these lines.
async fn ask(addr: SocketAddr, path: &str, lines: &[&str]) -> (u16, String) {
    let mut stream = within(path, TcpStream::connect(addr)).await.unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(path, stream.read_to_string(&mut answer)).await.unwrap();
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.unwrap_or_else(|| panic!("{answer}")), body.unwrap_or_default())
}

/// A page whose name leads to this machine is of the same origin as what listens here.
#[tokio::test]
async fn without_credentials_only_names_of_this_machine_are_answered() {
    let builder = Gateway::builder().set("controlplane.listen.allowed_hosts", json!(["gateway.example"]));
    let (gateway, frontlas) = (builder.start().await, Frontlas::builder().start().await);
    let (control, cluster) = (gateway.control().await, frontlas.control());
    for (addr, path, log, key) in [
        (control, "/v1/edges", gateway.log(), "controlplane.listen.allowed_hosts"),
        (cluster, "/cluster/v1/edges", frontlas.log(), "control_plane.listen.allowed_hosts"),
    ] {
        assert_eq!(ask(addr, path, &["host: localhost:1"]).await.0, 200);
        assert_eq!(ask(addr, path, &[&format!("host: {addr}")]).await.0, 200);
        let (status, body) = ask(addr, path, &["host: evil.example"]).await;
        assert!(status == 403 && body.contains("PERMISSION_DENIED") && body.contains(key), "{status} {body}");
        let words = ["audit", "outcome=\"refused\"", "code=denied", "plane=\"control\"", key];
        says(log, &words).await;
    }
    assert_eq!(ask(control, "/v1/edges", &["host: gateway.example"]).await.0, 200);
    assert_eq!(ask(cluster, "/cluster/v1/edges", &["host: gateway.example"]).await.0, 403);
    let guarded = guarded().start().await;
    let lines = ["host: gateway.example", "authorization: Bearer reader"];
    assert_eq!(ask(guarded.control().await, "/v1/edges", &lines).await.0, 200, "it has shown credentials");
}

#[tokio::test]
async fn behind_a_proxy_the_audit_log_and_the_throttle_go_by_its_clients() {
    let gateway = guarded()
        .set("controlplane.listen.trusted_proxies", json!(["127.0.0.0/8"]))
        .set("access.throttle.failures", 2)
        .set("access.throttle.delay", "1m");
    let gateway = gateway.start().await;
    let addr = gateway.control().await;
    let from = async |client: &str, token: &str| {
        let forwarded = format!("x-forwarded-for: 198.51.100.1, ::ffff:{client}");
        let token = format!("authorization: Bearer {token}");
        ask(addr, "/v1/edges", &["host: localhost", &forwarded, &token]).await.0
    };
    // Of one token each, since a token is throttled too.
    let tries = ["wrong-1", "wrong-2", "wrong-3", "wrong-4", "wrong-5", "wrong-6"];
    let mut last = 0;
    for wrong in tries {
        last = from("203.0.113.9", wrong).await;
    }
    assert_eq!(last, 429, "its address has to wait");
    assert_eq!(from("203.0.113.10", "wrong-7").await, 401, "another client of the same proxy does not");
    assert_eq!(from("203.0.113.10", "reader").await, 200);
    says(gateway.log(), &["frontier::audit", "outcome=\"refused\"", "addr=203.0.113.9:0"]).await;
    says(gateway.log(), &["frontier::audit", "outcome=\"accepted\"", "addr=203.0.113.10:0", "Rita"]).await;
}

#[tokio::test]
async fn revocation_lists_are_read_again_and_hold_for_operators() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new("operators"));
    let [ca_file, crl_file] = ["ca.pem", "revoked.crl"].map(|name| folder.path().join(name));
    replace(&ca_file, ca.pem());
    replace(&crl_file, ca.revoke(&[]));
    let server = ca.server(&[SERVER_NAME], Validity::Now).write(folder.path(), "server");
    let operator = ca.client("operator", &["urn:role:read"], Validity::Now);
    let shown = operator.write(folder.path(), "operator");
    let tls = json!({
        "enable": true, "mtls": true, "ca_certs": [ca_file], "crls": [crl_file],
        "certs": [{"cert": server.cert, "key": server.key}],
    });
    let gateway = Gateway::builder().set("controlplane.listen.tls", tls).start().await;
    let addr = gateway.control().await;
    let url = format!("https://{SERVER_NAME}:{}/v1/status", addr.port());
    let to = format!("{SERVER_NAME}:{}:{addr}", addr.port());
    let status = async || {
        let mut curl = Command::new(tool("curl", "curl"));
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--connect-to", &to, "--cacert"]);
        curl.arg(&ca_file).arg("--cert").arg(&shown.cert).arg("--key").arg(&shown.key).arg(&url);
        let output = within("curl ends", curl.kill_on_drop(true).output()).await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(status().await, "200");
    replace(&crl_file, ca.revoke(&[&operator]));
    let refused = async || (status().await == "000").then_some(());
    eventually(DEADLINE, "the certificate is revoked", refused).await;
    says(gateway.log(), &["WARN", "a client of the control plane is not let in", "certificate is revoked"])
        .await;
    // All that is wrong with the files is told at once, with the keys, and everything stays as it is.
    replace(&crl_file, "no list");
    replace(&ca_file, "no CA");
    for key in ["controlplane.listen.tls.crls: ", "controlplane.listen.tls.ca_certs: "] {
        says(gateway.log(), &["not reloaded, all stays as it was", key]).await;
    }
}

#[tokio::test]
async fn what_clients_will_refuse_is_warned_of_by_both_daemons() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new("planes"));
    let old = ca.server(&[SERVER_NAME], Validity::Past).write(folder.path(), "old");
    let certs = json!([{"cert": old.cert, "key": old.key}]);
    let tls = json!({"enable": true, "certs": certs});
    let gateway = Gateway::builder().set("controlplane.listen.tls", tls.clone()).start().await;
    says(gateway.log(), &["WARN", "controlplane 127.", "old", "expired on"]).await;
    says(gateway.log(), &["WARN", "renew it: ", "old", "expires on"]).await;
    let frontlas = Frontlas::builder()
        .set("control_plane.listen.tls", tls.clone())
        .set("frontier_plane.listen.tls", tls)
        .start()
        .await;
    for plane in ["control_plane 127.", "frontier_plane 127."] {
        says(frontlas.log(), &["WARN", plane, "old", "expired on"]).await;
    }
    says(frontlas.log(), &["WARN", "renew it: ", "old", "expires on"]).await;
}
