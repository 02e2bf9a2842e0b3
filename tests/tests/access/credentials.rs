//! Tokens and JWTs: who gets in, and in which words the others do not.

use crate::lookout::Lookout;
use crate::tokens::{SECRET, at, entry, jwt, signed};
use crate::world::{World, edge_refused, service_refused, unauthenticated};
use frontier_sdk::EdgeId;
use frontier_tests::within;
use serde_json::json;

const TOKENS: &str = "
edgebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
";

const JWTS: &str = "
edgebound:
  listen: {addr: HERE}
  auth:
    methods:
      - jwt: {keys: [{secret_file: DIR/secret}], audiences: [frontier], edge_id_claim: edge}
servicebound:
  listen: {addr: HERE}
  auth:
    methods:
      - jwt: {keys: [{secret_file: DIR/secret}], audiences: [frontier], service_claim: service}
";

async fn tokens() -> World {
    let entries = [
        entry("frt_seven", "name: sensor 7, edge_id: 7"),
        entry("frt_old", "edge_id: 8, not_after: 2020-01-01T00:00:00Z"),
        entry("frt_files", "service: files, service_id: 5"),
        entry("frt_anyone", "name: anyone"),
    ];
    World::new().with("tokens.yaml", entries.concat()).start(TOKENS).await
}

async fn jwts() -> World {
    World::new().with("secret", SECRET).start(JWTS).await
}

/// Has an edge come with a JWT that is refused with this text, and then a good one, which is the first.
async fn a_jwt_is_refused(token: String, text: &str) {
    let world = jwts().await;
    let lookout = Lookout::of(world.service("files").token(jwt(&json!({"service": "files"})))).await;
    assert_eq!(edge_refused(world.edge().token(token)).await, unauthenticated(text));
    world.logs(text).await;
    lookout.sees_only(world.edge().token(jwt(&json!({"edge": 7})))).await;
}

/// The same with a token.
async fn a_token_is_refused(token: &str, text: &str) {
    let world = tokens().await;
    let lookout = Lookout::of(world.service("files").token("frt_files")).await;
    assert_eq!(edge_refused(world.edge().token(token)).await, unauthenticated(text));
    let line = world.logs("edge not let in").await;
    assert!(line.contains("WARN") && line.contains(text) && line.contains("127.0.0.1"), "{line}");
    lookout.sees_only(world.edge().token("frt_seven")).await;
}

#[tokio::test]
async fn a_token_gives_its_edge_the_id_that_it_fixes() {
    let world = tokens().await;
    let edge = within("it gets in", world.edge().token("frt_seven").connect()).await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    let edge = world.edge().token("frt_seven").id(EdgeId(7)).connect().await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    // One that fixes none leaves it to the edge.
    let edge = world.edge().token("frt_anyone").id(EdgeId(9)).connect().await.unwrap();
    assert_eq!(edge.id(), EdgeId(9));
}

#[tokio::test]
async fn another_id_than_that_of_the_token_is_refused() {
    let world = tokens().await;
    let refused = edge_refused(world.edge().token("frt_seven").id(EdgeId(8))).await;
    assert_eq!(refused, unauthenticated("the credentials are for another EdgeID"));
}

#[tokio::test]
async fn an_unknown_token_is_refused() {
    a_token_is_refused("frt_nobody", "unknown token").await;
}

#[tokio::test]
async fn whoever_shows_nothing_is_refused() {
    let world = tokens().await;
    let missing = unauthenticated("credentials are missing: a token is needed here");
    assert_eq!(edge_refused(world.edge()).await, missing);
    assert_eq!(service_refused(world.service("files")).await, missing);
    assert_eq!(edge_refused(world.edge().token("")).await, missing);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    a_token_is_refused("frt_old", "the token has expired").await;
}

#[tokio::test]
async fn credentials_of_the_other_side_are_refused() {
    let world = tokens().await;
    let refused = edge_refused(world.edge().token("frt_files")).await;
    assert_eq!(refused, unauthenticated("the credentials are for services only"));
    let refused = service_refused(world.service("files").token("frt_seven")).await;
    assert_eq!(refused, unauthenticated("the credentials are for edges only"));
}

#[tokio::test]
async fn a_service_has_the_name_and_the_id_of_its_token() {
    let world = tokens().await;
    let service = within("it gets in", world.service("files").token("frt_files").connect()).await.unwrap();
    assert_eq!(service.id().0, 5);
    let refused = service_refused(world.service("other").token("frt_files")).await;
    assert_eq!(refused, unauthenticated("the credentials are for another service"));
    let refused =
        service_refused(world.service("files").id(frontier_sdk::ServiceId(6)).token("frt_files")).await;
    assert_eq!(refused, unauthenticated("the credentials are for another ServiceID"));
    world.logs("service not let in").await;
}

#[tokio::test]
async fn a_jwt_gives_its_edge_the_id_that_it_claims() {
    let world = jwts().await;
    let edge = within("it gets in", world.edge().token(jwt(&json!({"edge": 7}))).connect()).await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    let claims = json!({"service": "files"});
    within("it gets in", world.service("files").token(jwt(&claims)).connect()).await.unwrap();
}

#[tokio::test]
async fn a_jwt_that_is_signed_with_another_key_is_refused() {
    let token = signed(&json!({"edge": 7}), &SECRET.replace("only", "else"));
    a_jwt_is_refused(token, "the token's signature is wrong").await;
}

#[tokio::test]
async fn an_expired_jwt_is_refused() {
    a_jwt_is_refused(jwt(&json!({"edge": 7, "exp": at(-60)})), "the token has expired").await;
}

#[tokio::test]
async fn a_jwt_before_its_time_is_refused() {
    a_jwt_is_refused(jwt(&json!({"edge": 7, "nbf": at(600)})), "the token is not valid yet").await;
}

#[tokio::test]
async fn a_jwt_for_somebody_else_is_refused() {
    let token = jwt(&json!({"edge": 7, "aud": "elsewhere"}));
    a_jwt_is_refused(token, "the token is for another audience").await;
}

#[tokio::test]
async fn a_jwt_without_the_claim_that_is_needed_is_refused() {
    a_jwt_is_refused(jwt(&json!({})), "the token's claim `edge` is missing or of the wrong type").await;
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    a_jwt_is_refused("frt_seven".to_owned(), "the token is malformed: it is no JWT").await;
}

#[tokio::test]
async fn a_listener_may_ask_something_of_its_own() {
    let yaml = "
edgebound:
  listeners:
    - {addr: HERE, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
    - {addr: HERE}
servicebound: {listen: {addr: HERE}}
";
    let world = World::new().with("tokens.yaml", entry("frt_seven", "edge_id: 7")).start(yaml).await;
    let missing = unauthenticated("credentials are missing: a token is needed here");
    assert_eq!(edge_refused(world.edge()).await, missing);
    let url = format!("tcp://127.0.0.1:{}", world.edge_port(1));
    within("it gets in", frontier_sdk::Edge::builder(url).connect()).await.unwrap();
}
