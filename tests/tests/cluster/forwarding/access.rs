//! Who may ask, and for whom.

use super::{answers, edge, forwarding};
use crate::world::{Frontlas, member};
use frontier_protocol::{Hello, Role, Token};
use frontier_sdk::{Code, EdgeId, Error, Service};
use frontier_tests::{
    Authority, DEADLINE, Gateway, GatewayBuilder, Network, RawPeer, Validity, eventually, replace,
};
use serde_json::json;

fn entry(token: &str, rest: &str) -> String {
    let hash = frontier_credentials::token::hash(token.as_bytes()).expect("a token has a hash");
    format!("- {{{}', {rest}}}\n", hash.replacen("hash: ", "hash: '", 1))
}

/// A gateway whose services show tokens, and which shows `token` to others.
fn guarded(id: &str, frontlas: &Frontlas, token: &str) -> GatewayBuilder {
    let builder = forwarding(id, &[frontlas.addr]);
    let (tokens, rules, own) = (builder.file("tokens.yaml"), builder.file("rules.yaml"), builder.file("own"));
    let entries = [
        entry("frt_files", "service: files, labels: {team: eu}"),
        entry("frt_ops", "service: ops"),
        entry("frt_gateway", "frontier: '*'"),
        entry("frt_origin", "frontier: origin"),
    ];
    replace(&tokens, entries.concat());
    replace(&rules, RULES);
    replace(&own, token);
    let methods = json!([{"token": {"file": tokens}}]);
    builder
        .set("servicebound.auth.methods", methods)
        .set("access.rules_file", json!(rules))
        .set("frontlas.forward.token_file", json!(own))
}

const RULES: &str = "
default: allow
rules:
  - name: by label
    who: {labels: {team: eu}}
    allow: {reach_edges: {ids: 1-9}}
  - name: by name
    who: {service: ops}
    deny: {reach_edges: {ids: 7}, call: [where]}
";

async fn service(gateway: &Gateway, name: &str, token: &str) -> Service {
    gateway.service(name).token(token).connect().await.expect("a service connects")
}

#[tokio::test]
async fn the_rules_of_the_edges_gateway_hold_for_services_of_another_one() {
    let frontlas = Frontlas::patient();
    let owner = guarded("owner", &frontlas, "frt_gateway").start().await;
    let origin = guarded("origin", &frontlas, "frt_origin").start().await;
    let _edges = [edge(&owner, 7).await, edge(&owner, 10).await];
    frontlas.has([7, 10]).await;
    let files = service(&origin, "files", "frt_files").await;
    let ops = service(&origin, "ops", "frt_ops").await;
    answers(&files, 7).await;
    let denied = async |service: &Service, id: u64| {
        let calls = [
            service.call(EdgeId(id), "echo", "").await,
            service.call(EdgeId(id), "echo", vec![0; 99_999]).await,
        ];
        for call in calls {
            assert_eq!(call.unwrap_err().code(), Code::Denied, "{id}");
        }
        assert_eq!(service.publish(EdgeId(id), "").await.unwrap_err().code(), Code::Denied, "{id}");
        let stream = service.open_stream(EdgeId(id)).await;
        assert_eq!(stream.unwrap_err().code(), Code::Denied, "{id}");
    };
    denied(&files, 10).await;
    denied(&ops, 7).await;
    assert_eq!(ops.call(EdgeId(10), "echo", "x").await.unwrap().data, "x");
    let error = files.call(EdgeId(10), "echo", "").await.unwrap_err();
    assert_eq!(error.text(), "reaching edge 10 is not allowed by any rule");
}

#[tokio::test]
async fn only_who_shows_a_frontiers_credentials_may_ask_for_others() {
    let frontlas = Frontlas::patient();
    let owner = guarded("owner", &frontlas, "frt_gateway").start().await;
    for (name, token, text) in [
        ("origin", None, "credentials are missing: a token is needed here"),
        ("origin", Some("frt_files"), "the credentials are not those of a frontier"),
        ("another", Some("frt_origin"), "the credentials are for another frontier"),
    ] {
        let token = token.map(Token::new);
        let hello = Hello { name, token, ..RawPeer::hello(Role::Frontier) };
        let refused = RawPeer::connect(owner.services(), &hello).await.unwrap_err();
        assert_eq!(refused, (Code::Unauthenticated, text.to_owned()));
    }
    // And a frontier's credentials are no service's.
    let error = owner.service("files").token("frt_gateway").connect().await.unwrap_err();
    assert!(error.to_string().contains("the credentials are for frontiers only"), "{error}");
}

#[tokio::test]
async fn a_gateway_that_is_refused_says_so_to_its_services() {
    let frontlas = Frontlas::patient();
    let owner = guarded("owner", &frontlas, "frt_gateway").start().await;
    let origin = guarded("origin", &frontlas, "frt_files").start().await;
    let _edge = edge(&owner, 7).await;
    frontlas.has([7]).await;
    let files = service(&origin, "files", "frt_files").await;
    let error = refused(&files).await;
    let expected = "frontier owner can't be reached: rejected: ";
    assert_eq!(error.code(), Code::Disconnected);
    assert!(error.text().starts_with(expected), "{}", error.text());
    // A token that is put right holds for the next attempt.
    replace(&origin.dir().join("own"), "frt_gateway\n");
    answers(&files, 7).await;
}

#[tokio::test]
async fn a_gateway_that_does_not_forward_takes_no_requests_of_others() {
    let frontlas = Frontlas::patient();
    let owner = member("owner", &[frontlas.addr]).start().await;
    let origin = forwarding("origin", &[frontlas.addr]).start().await;
    let _edge = edge(&owner, 7).await;
    frontlas.has([7]).await;
    let files = origin.service("files").connect().await.unwrap();
    let error = refused(&files).await;
    assert!(error.text().contains("this gateway takes no requests from other gateways"), "{}", error.text());
}

#[tokio::test]
async fn a_gateway_whose_token_is_taken_back_is_closed_where_that_is_enforced() {
    let frontlas = Frontlas::patient();
    let owner = guarded("owner", &frontlas, "frt_gateway").set("reload.enforce", true).start().await;
    let origin = guarded("origin", &frontlas, "frt_origin").start().await;
    let _edge = edge(&owner, 7).await;
    frontlas.has([7]).await;
    let files = service(&origin, "files", "frt_files").await;
    answers(&files, 7).await;
    replace(&owner.dir().join("tokens.yaml"), entry("frt_files", "service: files, labels: {team: eu}"));
    let gone = async || owner.log().find("another gateway asks here no more");
    eventually(DEADLINE, "the link is closed", gone).await;
    let refused = async || {
        let error = files.call(EdgeId(7), "where", "").await.err()?;
        error.text().contains("rejected: ").then_some(())
    };
    eventually(DEADLINE, "it is not let in again", refused).await;
}

#[tokio::test]
async fn a_certificate_says_which_frontier_it_is_over_tls() {
    let frontlas = Frontlas::patient();
    let over_tls = |id: &str| {
        Gateway::over(Network::Tls)
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", json!([frontlas.addr.to_string()]))
            .set("daemon.frontier_id", id)
            .set("frontlas.forward.enable", true)
    };
    let methods = json!([{"mtls": {"frontier": "dns:{id}.gw.example"}}]);
    let builder = over_tls("owner");
    let ca = builder.file("ca.pem");
    let owner = builder
        .set("servicebound.listen.tls.mtls", true)
        .set("servicebound.listen.tls.ca_certs", json!([ca]))
        .set("servicebound.auth.methods", methods)
        .start()
        .await;
    let _edge = edge(&owner, 7).await;
    frontlas.has([7]).await;
    for (name, is_known) in [("other.gw.example", false), ("origin.gw.example", true)] {
        let builder = over_tls("origin");
        let shown = Authority::common().client(name, &[], Validity::Now).write(builder.dir(), "shown");
        let origin = builder
            .set("frontlas.forward.tls.cert", json!(shown.cert))
            .set("frontlas.forward.tls.key", json!(shown.key))
            // It is reached by an address, which is in no certificate.
            .set("frontlas.forward.tls.insecure_skip_verify", true)
            .start()
            .await;
        let files = origin.service("files").connect().await.unwrap();
        if is_known {
            answers(&files, 7).await;
        } else {
            let error = refused(&files).await;
            assert!(error.text().contains("the credentials are for another frontier"), "{}", error.text());
        }
    }
}

/// Why edge 7 can't be reached, by a gateway that knows where it is.
async fn refused(service: &Service) -> Error {
    let error = async || {
        let error = service.call(EdgeId(7), "where", "").await.expect_err("it is refused");
        (error.code() != Code::Internal).then_some(error)
    };
    eventually(DEADLINE, "the gateway asks frontlas", error).await
}
