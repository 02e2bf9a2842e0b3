//! `reload.enforce`: who would not be let in any more has to go.

use crate::certificates::{self, MTLS};
use crate::tokens::{SECRET, at, entry, jwt};
use crate::world::World;
use frontier_sdk::{Closed, Code, EdgeId, EdgeIdRequest, HandlerError, Status, StatusWatch};
use frontier_tests::{Authority, DEADLINE, Identity, Validity, echo, eventually, within};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const YAML: &str = "
edgebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: HERE}}
access: {rules_file: DIR/rules.yaml}
reload: {enforce: true}
";

fn tokens(names: &[(&str, u64)]) -> String {
    names.iter().map(|(token, id)| entry(token, &format!("edge_id: {id}"))).collect()
}

async fn start() -> World {
    let world = World::new().with("tokens.yaml", tokens(&[("frt_seven", 7), ("frt_eight", 8)]));
    world.with("rules.yaml", "default: allow\nrules: []").start(YAML).await
}

/// Waits until the client is refused for this.
async fn refused(mut status: StatusWatch, code: Code, text: &str) {
    let expected = Status::Refused { code, text: text.to_owned() };
    let comes = async {
        while status.get() != expected {
            status.changed().await;
        }
    };
    within(&format!("{expected:?}"), comes).await;
}

async fn is_back(mut status: StatusWatch) {
    within("it is back", async {
        while status.get() != Status::Connected {
            status.changed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_gone_closes_its_connection_and_no_other() {
    let world = start().await;
    let seven = world.edge().token("frt_seven").connect().await.unwrap();
    let eight = world.edge().token("frt_eight").connect().await.unwrap();
    let said = world.reloaded(|| world.write("tokens.yaml", tokens(&[("frt_eight", 8)]))).await;
    assert!(said.contains("reloaded: 1 would be refused now, closed"), "{said}");
    refused(seven.status(), Code::Unauthenticated, "unknown token").await;
    assert_eq!(eight.status().get(), Status::Connected);
    world.write("tokens.yaml", tokens(&[("frt_seven", 7), ("frt_eight", 8)]));
    is_back(seven.status()).await;
    assert_eq!(seven.id(), EdgeId(7));
}

#[tokio::test]
async fn credentials_that_are_now_for_another_id_close_the_connection() {
    let world = start().await;
    let seven = world.edge().token("frt_seven").connect().await.unwrap();
    world.reloaded(|| world.write("tokens.yaml", tokens(&[("frt_seven", 70)]))).await;
    refused(seven.status(), Code::Unauthenticated, "the credentials are for another EdgeID").await;
}

#[tokio::test]
async fn a_service_whose_names_are_no_longer_allowed_is_closed() {
    let world = start().await;
    let service = world.service("files").connect().await.unwrap();
    echo(&service, "files.read").await.unwrap();
    let rule =
        "default: allow\nrules: [{name: no files, who: {service: '*'}, deny: {register_methods: 'files.*'}}]";
    world.reloaded(|| world.write("rules.yaml", rule)).await;
    let text = "registering method `files.read` is denied by rule `no files`";
    refused(service.status(), Code::Denied, text).await;
    world.write("rules.yaml", "default: allow\nrules: []");
    is_back(service.status()).await;
}

/// Whatever was wrong with the gateway for a while, all are back once it is mended, and nobody had to be started again.
#[tokio::test]
async fn after_mistakes_of_the_gateway_everybody_comes_back() {
    let world = start().await;
    let is_down = Arc::new(AtomicBool::new(false));
    let down = is_down.clone();
    let allocate = move |request: EdgeIdRequest| {
        let answer = if down.load(Ordering::Relaxed) {
            Err(HandlerError::from("the database is away"))
        } else {
            Ok(request.fixed_id.unwrap_or(EdgeId(9)))
        };
        async move { answer }
    };
    let service = world.service("ids").on_edge_id_request(allocate).connect().await.unwrap();
    let seven = world.edge().token("frt_seven").connect().await.unwrap();
    let eight = world.edge().token("frt_eight").connect().await.unwrap();
    let edges = [&seven, &eight];

    // An empty file, and behind it a handler that fails.
    world.write("tokens.yaml", "[]");
    for edge in edges {
        refused(edge.status(), Code::Unauthenticated, "unknown token").await;
    }
    is_down.store(true, Ordering::Relaxed);
    world.write("tokens.yaml", tokens(&[("frt_seven", 7), ("frt_eight", 8)]));
    for edge in edges {
        refused(edge.status(), Code::Denied, "the database is away").await;
    }
    is_down.store(false, Ordering::Relaxed);
    for edge in edges {
        is_back(edge.status()).await;
    }
    assert_eq!((seven.id(), eight.id()), (EdgeId(7), EdgeId(8)));
    assert_eq!(service.status().get(), Status::Connected);
    // A newcomer hears at once that it is not let in.
    let error = within("a refusal", world.edge().token("frt_nine").connect()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_revoked_certificate_closes_its_connection() {
    let ca = Authority::new("ca");
    let world = certificates::start(&ca, &format!("{MTLS}reload: {{enforce: true}}\n")).await;
    let [seven, eight] =
        [7, 8].map(|id| ca.client("sensor", &[&format!("urn:frontier:edge:{id}")], Validity::Now));
    let connect =
        |client: &Identity| world.tls_edge(0).tls(client.shown_by(ca.trusted())).reconnect(false).connect();
    let revoked = within("it gets in", connect(&seven)).await.unwrap();
    let other = within("it gets in", connect(&eight)).await.unwrap();
    let said = world.reloaded(|| world.write("revoked.crl", ca.revoke(&[&seven]))).await;
    assert!(said.contains("the client's certificate is revoked"), "{said}");
    let closed = within("it is closed", revoked.closed()).await;
    assert_eq!(closed, Closed::Lost("the client's certificate is revoked".to_owned()));
    assert_eq!(other.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_certificate_of_an_intermediate_ca_is_still_good_after_a_reload() {
    let ca = Authority::new("ca");
    let world = certificates::start(&ca, &format!("{MTLS}reload: {{enforce: true}}\n")).await;
    let between = ca.intermediate("between");
    let client = between.client("sensor", &["urn:frontier:edge:7"], Validity::Now).with_chain(&between);
    let edge = world.tls_edge(0).tls(client.shown_by(ca.trusted())).reconnect(false).connect();
    let edge = within("it gets in", edge).await.unwrap();
    let said = world.reloaded(|| world.hang_up()).await;
    assert!(!said.contains("would be refused"), "{said}");
    assert_eq!(edge.status().get(), Status::Connected);
}

/// One whose source gives it a fresh token comes back by itself, and its program notices nothing.
#[tokio::test]
async fn an_expired_token_closes_its_connection_and_a_fresh_one_makes_it_anew() {
    let yaml = "
edgebound:
  listen: {addr: HERE}
  auth: {methods: [{jwt: {keys: [{secret_file: DIR/secret}], audiences: [frontier], edge_id_claim: edge, leeway: 0s}}]}
servicebound: {listen: {addr: HERE}}
reload: {enforce: true}
";
    let world = World::new().with("secret", SECRET).start(yaml).await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let edge = world.edge().token_source(move || {
        let lives = if count.fetch_add(1, Ordering::Relaxed) == 0 { 3 } else { 3600 };
        async move { Ok::<_, std::io::Error>(jwt(&json!({"edge": 7, "exp": at(lives)}))) }
    });
    let edge = within("it gets in", edge.connect()).await.unwrap();
    world.logs("the token has expired").await;
    let again = async || {
        (asked.load(Ordering::Relaxed) > 1 && edge.status().get() == Status::Connected).then_some(())
    };
    eventually(DEADLINE, "it comes back", again).await;
    assert_eq!(edge.id(), EdgeId(7));
}

#[tokio::test]
async fn without_enforcement_an_expired_token_stays() {
    let world = World::new().with("secret", SECRET);
    let yaml = "
edgebound:
  listen: {addr: HERE}
  auth: {methods: [{jwt: {keys: [{secret_file: DIR/secret}], audiences: [frontier], leeway: 0s}}]}
servicebound: {listen: {addr: HERE}}
";
    let world = world.start(yaml).await;
    let edge = world.edge().token(jwt(&json!({"exp": at(2)}))).connect().await.unwrap();
    let over = async || {
        let said = world.reloaded(|| world.hang_up()).await;
        said.contains("1 would be refused now, left as they are").then_some(())
    };
    eventually(DEADLINE, "it is over", over).await;
    assert_eq!(edge.status().get(), Status::Connected);
}
