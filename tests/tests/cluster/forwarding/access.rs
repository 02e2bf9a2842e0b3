//! Who may ask, and for whom.

use super::{answers, edge, forwarding};
use crate::world::{Frontlas, member};
use frontier_protocol::{Hello, Role, Token};
use frontier_sdk::{Code, EdgeId, Error, Service};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, RawPeer, eventually};
use serde_json::json;

fn entry(token: &str, rest: &str) -> String {
    let hash = frontier::token::hash(token.as_bytes()).unwrap();
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
        entry("frt_forwarder", "frontier: forwarder"),
    ];
    std::fs::write(&tokens, entries.concat()).unwrap();
    std::fs::write(&rules, RULES).unwrap();
    std::fs::write(&own, token).unwrap();
    let methods = json!([{"token": {"file": tokens}}]);
    builder
        .set("servicebound.auth.methods", methods)
        .set("access.rules_file", rules.to_str().unwrap())
        .set("frontlas.forward.token_file", own.to_str().unwrap())
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
    let holder = guarded("holder", &frontlas, "frt_gateway").start().await;
    let forwarder = guarded("forwarder", &frontlas, "frt_forwarder").start().await;
    let _edges = [edge(&holder, 7).await, edge(&holder, 10).await];
    frontlas.has([7, 10]).await;
    let files = service(&forwarder, "files", "frt_files").await;
    let ops = service(&forwarder, "ops", "frt_ops").await;
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
    let holder = guarded("holder", &frontlas, "frt_gateway").start().await;
    for (name, token, text) in [
        ("forwarder", None, "credentials are missing: a token is needed here"),
        ("forwarder", Some("frt_files"), "the credentials are not those of a frontier"),
        ("another", Some("frt_forwarder"), "the credentials are for another frontier"),
    ] {
        let token = token.map(Token::new);
        let hello = Hello { name, token, ..RawPeer::hello(Role::Frontier) };
        let refused = RawPeer::connect(holder.services(), &hello).await.unwrap_err();
        assert_eq!(refused, (Code::Unauthenticated, text.to_owned()));
    }
    // And a frontier's credentials are no service's.
    let error = holder.service("files").token("frt_gateway").connect().await.unwrap_err();
    assert!(error.to_string().contains("the credentials are for frontiers only"), "{error}");
}

#[tokio::test]
async fn a_gateway_that_is_refused_says_so_to_its_services() {
    let frontlas = Frontlas::patient();
    let holder = guarded("holder", &frontlas, "frt_gateway").start().await;
    let forwarder = guarded("forwarder", &frontlas, "frt_files").start().await;
    let _edge = edge(&holder, 7).await;
    frontlas.has([7]).await;
    let files = service(&forwarder, "files", "frt_files").await;
    let error = refused(&files).await;
    let expected = "frontier holder can't be reached: refused: ";
    assert_eq!(error.code(), Code::Disconnected);
    assert!(error.text().starts_with(expected), "{}", error.text());
    // A token that is put right holds for the next attempt.
    std::fs::write(forwarder.dir().join("own"), "frt_gateway\n").unwrap();
    answers(&files, 7).await;
}

#[tokio::test]
async fn a_gateway_that_does_not_forward_takes_no_questions_of_others() {
    let frontlas = Frontlas::patient();
    let holder = member("holder", &[frontlas.addr]).start().await;
    let forwarder = forwarding("forwarder", &[frontlas.addr]).start().await;
    let _edge = edge(&holder, 7).await;
    frontlas.has([7]).await;
    let files = forwarder.service("files").connect().await.unwrap();
    let error = refused(&files).await;
    assert!(error.text().contains("this gateway takes no questions from other gateways"), "{}", error.text());
}

/// Why edge 7 can't be reached, by a gateway that knows where it is.
async fn refused(service: &Service) -> Error {
    let error = async || {
        let error = service.call(EdgeId(7), "where", "").await.expect_err("it is refused");
        (error.code() != Code::Internal).then_some(error)
    };
    eventually(DEADLINE, "the gateway asks frontlas", error).await
}
