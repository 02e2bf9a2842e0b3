//! The planes of frontlas with the real programs: who gets in, over TLS and by which credentials.

use frontier_sdk::{ClientTls, ClusterService, EdgeId};
use frontier_tests::{
    Authority, DEADLINE, Frontlas, Gateway, GatewayBuilder, SERVER_NAME, Validity, eventually, replace,
    within,
};
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;

fn entry(token: &str, rest: &str) -> String {
    let hash = frontier_credentials::token::hash(token.as_bytes()).expect("a token has a hash");
    format!("- {{{}', {rest}}}\n", hash.replacen("hash: ", "hash: '", 1))
}

/// A gateway that is a member through the frontier plane of `frontlas`.
fn member(id: &str, frontlas: &Frontlas) -> GatewayBuilder {
    Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", json!([frontlas.plane().to_string()]))
        .set("daemon.frontier_id", id)
}

async fn says(log: &frontier_tests::Log, words: &[&str]) -> String {
    let line = async || log.lines().into_iter().find(|line| words.iter().all(|word| line.contains(word)));
    eventually(DEADLINE, &words.join(" "), line).await
}

/// A gateway is known by its certificate on one plane, a service of the cluster by its own on the other.
#[tokio::test]
async fn both_planes_over_tls_with_certificates_of_their_clients() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new("planes"));
    let ca_file = folder.path().join("ca.pem");
    replace(&ca_file, ca.pem());
    let server = ca.server(&[SERVER_NAME], Validity::Now).write(folder.path(), "frontlas");
    let pair = json!([{"cert": server.cert, "key": server.key}]);
    let mtls = |form: &str, kind: &str| json!([{"mtls": {kind: form}}]);
    let frontlas = Frontlas::builder()
        .set("frontier_plane.listen.network", "tls")
        .set("frontier_plane.listen.tls.certs", pair.clone())
        .set("frontier_plane.listen.tls.mtls", true)
        .set("frontier_plane.listen.tls.ca_certs", json!([ca_file]))
        .set("frontier_plane.auth.methods", mtls("uri:urn:frontier:gateway:{id}", "frontier"))
        .set("control_plane.listen.tls.enable", true)
        .set("control_plane.listen.tls.certs", pair)
        .set("control_plane.listen.tls.mtls", true)
        .set("control_plane.listen.tls.ca_certs", json!([ca_file]))
        .set("control_plane.auth.methods", mtls("uri:urn:frontier:role:{role}", "role"))
        .start()
        .await;
    let gateway = |id: &str, named: &str| {
        let builder = member(id, &frontlas);
        let uri = format!("urn:frontier:gateway:{named}");
        let shown = ca.client("gateway", &[&uri], Validity::Now).write(builder.dir(), "shown");
        builder
            .set("frontlas.dial.network", "tls")
            .set("frontlas.dial.tls.ca_certs", json!([ca_file]))
            .set("frontlas.dial.tls.server_name", SERVER_NAME)
            .set("frontlas.dial.tls.cert", json!(shown.cert))
            .set("frontlas.dial.tls.key", json!(shown.key))
    };
    let first = gateway("f1", "f1").start().await;
    says(frontlas.log(), &["frontlas::audit", "accepted", "f1", "plane=\"frontier\""]).await;
    // With a certificate that names another one, and with none.
    let thief = gateway("f1", "f2").start().await;
    says(thief.log(), &["frontlas can't be reached", "the credentials are for another frontier"]).await;
    says(frontlas.log(), &["frontlas::audit", "refused", "frontier=f1", "for another frontier"]).await;
    let bare = member("f3", &frontlas)
        .set("frontlas.dial.network", "tls")
        .set("frontlas.dial.tls.ca_certs", json!([ca_file]))
        .set("frontlas.dial.tls.server_name", SERVER_NAME);
    let bare = bare.start().await;
    says(bare.log(), &["frontlas can't be reached"]).await;

    let edge =
        first.edge().id(EdgeId(7)).register("m", |_: frontier_sdk::Request| async { Ok("here".into()) });
    let _edge = edge.connect().await.unwrap();
    let url = format!("https://{}", frontlas.control());
    let trusted = || ClientTls::new().ca_pem(ca.pem()).server_name(SERVER_NAME);
    let shown = |uri: &str| ca.client("service", &[uri], Validity::Now).shown_by(trusted());
    let service = |tls: ClientTls| {
        let builder = ClusterService::builder(&*url).name("files").frontlas_tls(tls).allow_downgrade(true);
        builder.connect_timeout(Duration::from_secs(3))
    };
    let reader = shown("urn:frontier:role:read");
    let reads =
        within("the service connects", service(reader).connect_timeout(DEADLINE).connect()).await.unwrap();
    let called = async || reads.call(EdgeId(7), "m", "").await.ok();
    assert_eq!(eventually(DEADLINE, "the edge answers", called).await.data, "here");
    for (stolen, why) in
        [(shown("urn:frontier:gateway:f1"), "not those of an operator"), (trusted(), "frontlas")]
    {
        let error = within("an error", service(stolen).connect()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    says(frontlas.log(), &["frontlas::audit", "refused", "plane=\"control\"", "not those of an operator"])
        .await;
}

/// One that is connected has to go, and one that holds on to its connection does not get around it.
#[tokio::test]
async fn a_gateway_whose_certificate_is_revoked_is_closed_and_not_let_in_again() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new("planes"));
    let [ca_file, crl_file] = ["ca.pem", "revoked.crl"].map(|name| folder.path().join(name));
    replace(&ca_file, ca.pem());
    replace(&crl_file, ca.revoke(&[]));
    let server = ca.server(&[SERVER_NAME], Validity::Now).write(folder.path(), "frontlas");
    let methods = json!([{"mtls": {"frontier": "uri:urn:frontier:gateway:{id}"}}]);
    let frontlas = Frontlas::builder()
        .set("frontier_plane.listen.network", "tls")
        .set("frontier_plane.listen.tls.certs", json!([{"cert": server.cert, "key": server.key}]))
        .set("frontier_plane.listen.tls.mtls", true)
        .set("frontier_plane.listen.tls.ca_certs", json!([ca_file]))
        .set("frontier_plane.listen.tls.crls", json!([crl_file]))
        .set("frontier_plane.auth.methods", methods)
        .set("reload.enforce", true)
        .start()
        .await;
    let shown =
        ["f1", "f2"].map(|id| ca.client("gateway", &[&format!("urn:frontier:gateway:{id}")], Validity::Now));
    let gateway = async |id: &str, shown: &frontier_tests::Identity| {
        let builder = member(id, &frontlas);
        let files = shown.write(builder.dir(), "shown");
        let builder = builder
            .set("frontlas.dial.network", "tls")
            .set("frontlas.dial.tls.ca_certs", json!([ca_file]))
            .set("frontlas.dial.tls.server_name", SERVER_NAME)
            .set("frontlas.dial.tls.cert", json!(files.cert))
            .set("frontlas.dial.tls.key", json!(files.key));
        let gateway = builder.start().await;
        says(frontlas.log(), &["frontlas::audit", "accepted", id]).await;
        gateway
    };
    let (revoked, _stays) = (gateway("f1", &shown[0]).await, gateway("f2", &shown[1]).await);
    replace(&crl_file, ca.revoke(&[&shown[0]]));
    says(frontlas.log(), &["f1", "the client's certificate is revoked"]).await;
    says(revoked.log(), &["can't be reached", "our certificate is revoked"]).await;
    let lines = frontlas.log().lines();
    assert!(!lines.iter().any(|line| line.contains("f2") && line.contains("revoked")), "{lines:?}");
}

/// A frontlas that knows gateways by tokens, which lie in this folder.
async fn guarded(folder: &TempDir, tokens: &str) -> Frontlas {
    let file = folder.path().join("tokens.yaml");
    replace(&file, tokens);
    let methods = json!([{"token": {"file": file}}]);
    Frontlas::builder()
        .set("frontier_plane.auth.methods", methods.clone())
        .set("control_plane.auth.methods", methods)
        .set("reload.enforce", true)
        .start()
        .await
}

#[tokio::test]
async fn a_gateway_comes_in_once_its_token_is_put_right_and_is_closed_when_that_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let tokens =
        [entry("frt_gateway", "frontier: f*"), entry("frt_files", "service: files, role: read")].concat();
    let frontlas = guarded(&folder, &tokens).await;
    let builder = member("f1", &frontlas);
    let own = builder.file("own");
    // A service's, that may read the cluster.
    replace(&own, "frt_files");
    let gateway = builder.set("frontlas.dial.token_file", json!(own)).start().await;
    says(gateway.log(), &["frontlas can't be reached", "the credentials are not those of a frontier"]).await;
    replace(&own, "frt_gateway\n");
    says(gateway.log(), &["connected to frontlas"]).await;
    let url = format!("http://{}", frontlas.control());
    let stolen = ClusterService::builder(&*url).frontlas_token("frt_gateway");
    let stolen = stolen.connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", stolen).await.unwrap_err().to_string();
    assert!(error.contains("not those of an operator"), "{error}");

    replace(&folder.path().join("tokens.yaml"), entry("frt_files", "service: files, role: read"));
    says(frontlas.log(), &["frontlas::audit", "outcome=\"closed\"", "frontier=f1", "unknown token"]).await;
    says(gateway.log(), &["the connection to frontlas is lost", "unknown token"]).await;
}
