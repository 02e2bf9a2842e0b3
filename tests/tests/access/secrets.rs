//! What is secret is in no log, at any level, and in no error.

use crate::tokens::{SECRET, entry, jwt};
use crate::world::{World, edge_refused, service_refused};
use frontier_tests::{Authority, SERVER_NAME, Validity, within};
use serde_json::json;

const YAML: &str = "
log: {output: stderr, level: trace}
edgebound:
  listeners:
    - addr: HERE
    - {addr: HERE, network: tls, tls: {certs: [{cert: DIR/server.pem, key: DIR/server.key}]}}
  auth:
    methods:
      - jwt: {keys: [{secret: INLINE}, {secret_file: DIR/secret}], audiences: [frontier]}
      - token: {file: DIR/tokens.yaml}
servicebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
";

const INLINE: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

#[tokio::test]
async fn secrets_are_neither_logged_nor_told() {
    let ca = Authority::new("ca");
    let server = ca.server(&[SERVER_NAME], Validity::Now);
    let good = ["frt_good_edge_secret", "frt_good_service_secret"];
    let bad = ["frt_bad_edge_secret", "frt_bad_service_secret"];
    let (signed, forged) = (jwt(&json!({})), jwt(&json!({"aud": "else", "jti": "forged"})));
    let world = World::new().with("secret", SECRET).with("server.pem", server.cert());
    let world = world.with("server.key", server.key());
    let world = world.with("tokens.yaml", entry(good[0], "name: a") + &entry(good[1], "service: s"));
    let world = world.start(&YAML.replace("INLINE", INLINE)).await;

    let mut told = String::new();
    for token in [good[0], &signed] {
        let edge = within("it gets in", world.edge().token(token).connect()).await.unwrap();
        told += &format!("{edge:?} {:?}", edge.status());
    }
    let tls = world.tls_edge(1).tls(ca.trusted()).token(good[0]);
    within("it gets in", tls.connect()).await.unwrap();
    within("it gets in", world.service("s").token(good[1]).connect()).await.unwrap();
    for token in [bad[0], &forged] {
        told += &edge_refused(world.edge().token(token)).await.1;
    }
    told += &service_refused(world.service("s").token(bad[1])).await.1;
    // Reloaded, well and badly: by a token in the place of its hash, and one in the place of a key.
    world.reloaded(|| world.hang_up()).await;
    world.reloaded(|| world.write("tokens.yaml", "- {hash: frt_misplaced_secret}")).await;
    let misplaced = YAML.replace("INLINE", "{flie: misplaced-secret-misplaced}");
    world.reloaded(|| world.configure(&misplaced)).await;

    told += &world.log().lines().join("\n");
    assert!(told.contains("TRACE") || told.contains("DEBUG"), "{told}");
    let key = server.key().lines().nth(1).unwrap();
    let signatures = [&signed, &forged].map(|token| token.rsplit('.').next().unwrap());
    let secrets = [INLINE, SECRET, key, "frt_misplaced_secret", "misplaced-secret-misplaced"];
    for secret in good.iter().chain(&bad).chain(&signatures).chain(&secrets) {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
