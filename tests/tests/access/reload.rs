//! Everything that can change while the gateway runs, by a change of its file and by SIGHUP.

use crate::certificates::{self, MTLS};
use crate::tokens::{SECRET, entry, jwt, signed};
use crate::world::{World, denied, edge_refused, failure, unauthenticated};
use frontier_protocol::Role;
use frontier_sdk::{Code, EdgeId, Status};
use frontier_tests::{Authority, RawPeer, SERVER_NAME, Validity, connect_error, echo, within};
use serde_json::json;

const YAML: &str = "
edgebound: {listen: {addr: HERE}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: HERE}}
access: {rules_file: DIR/rules.yaml, quotas_file: DIR/quotas.yaml}
";

fn seven() -> String {
    entry("frt_seven", "edge_id: 7")
}

fn eight() -> String {
    entry("frt_eight", "edge_id: 8")
}

async fn start(yaml: &str) -> World {
    let world = World::new().with("tokens.yaml", seven()).with("rules.yaml", "default: allow\nrules: []");
    world.with("quotas.yaml", "quotas: []").start(yaml).await
}

#[tokio::test]
async fn a_token_file_that_changes_is_read_again() {
    let world = start(YAML).await;
    edge_refused(world.edge().token("frt_eight")).await;
    let said = world.reloaded(|| world.write("tokens.yaml", seven() + &eight())).await;
    assert!(said.contains("tokens.yaml") && said.contains("reloaded"), "{said}");
    let edge = within("it gets in", world.edge().token("frt_eight").connect()).await.unwrap();
    assert_eq!(edge.id(), EdgeId(8));
}

#[tokio::test]
async fn a_token_file_is_read_again_on_sighup() {
    let world = start(&format!("{YAML}reload: {{watch: false}}\n")).await;
    world.write("tokens.yaml", eight());
    let said = world.reloaded(|| world.hang_up()).await;
    assert!(said.contains("cause=SIGHUP"), "{said}");
    within("it gets in", world.edge().token("frt_eight").connect()).await.unwrap();
    let refused = edge_refused(world.edge().token("frt_seven")).await;
    assert_eq!(refused, unauthenticated("unknown token"));
}

#[tokio::test]
async fn live_connections_stay_and_are_counted() {
    let world = start(YAML).await;
    let edge = world.edge().token("frt_seven").connect().await.unwrap();
    let service = world.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let said = world.reloaded(|| world.write("tokens.yaml", eight())).await;
    assert!(said.contains("reloaded: 1 would be refused now, left as they are"), "{said}");
    assert!(said.contains("connections=2"), "{said}");
    assert_eq!(within("an answer", edge.call("echo", "x")).await.unwrap().data, "x");
    assert_eq!(edge.status().get(), Status::Connected);
}

#[tokio::test]
async fn new_rules_hold_for_those_who_are_connected() {
    let world = start(YAML).await;
    let service = world.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = world.edge().token("frt_seven").connect().await.unwrap();
    within("an answer", edge.call("echo", "x")).await.unwrap();
    let rule = "default: allow\nrules: [{name: quiet, who: {edge: 7}, deny: {call: echo}}]";
    world.reloaded(|| world.write("rules.yaml", rule)).await;
    let result = within("an answer", edge.call("echo", "x")).await;
    assert_eq!(failure(result), denied("calling `echo` is denied by rule `quiet`"));
    world.reloaded(|| world.write("rules.yaml", "default: allow\nrules: []")).await;
    within("an answer", edge.call("echo", "x")).await.unwrap();
}

#[tokio::test]
async fn labels_that_change_in_the_token_file_change_what_rules_say() {
    let world = start(YAML).await;
    let service = world.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    world.reloaded(|| world.write("rules.yaml", "default: deny\nrules: [{who: {service: '*'}, allow: {register_methods: '*'}}, {who: {labels: {tier: gold}}, allow: {call: '*'}}]")).await;
    let edge = world.edge().token("frt_seven").connect().await.unwrap();
    within("an answer", edge.call("echo", "x")).await.unwrap_err();
    let gold = entry("frt_seven", "edge_id: 7, labels: {tier: gold}");
    world.reloaded(|| world.write("tokens.yaml", gold)).await;
    within("an answer", edge.call("echo", "x")).await.unwrap();
}

#[tokio::test]
async fn new_quotas_hold_for_those_who_are_connected() {
    let world = start(YAML).await;
    let service = world.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = world.edge().token("frt_seven").connect().await.unwrap();
    let quota = "quotas: [{for: edge, calls: {rate: 1/h, burst: 1}}]";
    world.reloaded(|| world.write("quotas.yaml", quota)).await;
    within("an answer", edge.call("echo", "x")).await.unwrap();
    let error = within("an answer", edge.call("echo", "x")).await.unwrap_err();
    assert_eq!(error.code(), Code::Overloaded);
    // What was used of a quota that stays as it is stays used.
    world.reloaded(|| world.write("tokens.yaml", seven() + &eight())).await;
    within("an answer", edge.call("echo", "x")).await.unwrap_err();
    world.reloaded(|| world.write("quotas.yaml", "quotas: []")).await;
    within("an answer", edge.call("echo", "x")).await.unwrap();
}

#[tokio::test]
async fn keys_of_jwts_are_read_again() {
    let yaml = "
edgebound:
  listen: {addr: HERE}
  auth: {methods: [{jwt: {keys: [{secret_file: DIR/secret}, {jwks_file: DIR/jwks.json}], audiences: [frontier]}}]}
servicebound: {listen: {addr: HERE}}
";
    let data = |name: &str| {
        let path = format!("{}/../crates/access/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let all = data("jwks.json");
    let mut some: serde_json::Value = serde_json::from_str(&all).unwrap();
    some["keys"].as_array_mut().unwrap().retain(|key| key["kid"] == "rs256");
    let world = World::new().with("secret", SECRET).with("jwks.json", some.to_string());
    let world = world.start(yaml).await;
    let other = "another-secret-another-secret-another-secret";
    within("it gets in", world.edge().token(jwt(&json!({}))).connect()).await.unwrap();
    edge_refused(world.edge().token(signed(&json!({}), other))).await;
    world.reloaded(|| world.write("secret", other)).await;
    within("it gets in", world.edge().token(signed(&json!({}), other)).connect()).await.unwrap();
    let refused = edge_refused(world.edge().token(jwt(&json!({})))).await;
    assert_eq!(refused, unauthenticated("the token's signature is wrong"));
    let by_jwks = data("eddsa-kid.jwt").trim().to_owned();
    let refused = edge_refused(world.edge().token(by_jwks.as_str())).await;
    assert_eq!(refused, unauthenticated("the token's algorithm is not taken here"));
    world.reloaded(|| world.write("jwks.json", all)).await;
    within("it gets in", world.edge().token(by_jwks).connect()).await.unwrap();
}

#[tokio::test]
async fn certificates_are_read_again_and_nobody_is_dropped() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let world = certificates::start(&ca, MTLS).await;
    let client = |id: u64| ca.client("sensor", &[&format!("urn:frontier:edge:{id}")], Validity::Now);
    let old = within("it gets in", world.tls_edge(0).tls(client(7).shown_by(ca.trusted())).connect()).await;
    let old = old.unwrap();
    let server = other.server(&[SERVER_NAME], Validity::Now);
    world.reloaded(|| world.write("server.key", server.key())).await;
    // A key without its certificate is a mistake, so all has stayed as it was.
    world.logs("not reloaded").await;
    within("it gets in", world.tls_edge(0).tls(client(8).shown_by(ca.trusted())).connect()).await.unwrap();
    world.reloaded(|| world.write("server.pem", server.cert())).await;
    within("it gets in", world.tls_edge(0).tls(client(9).shown_by(other.trusted())).connect()).await.unwrap();
    assert_eq!(old.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_ca_is_read_again() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let world = certificates::start(&ca, MTLS).await;
    let stranger = other.client("sensor", &["urn:frontier:edge:7"], Validity::Now).shown_by(ca.trusted());
    let edge = || world.tls_edge(0).tls(stranger.clone());
    let error = connect_error(edge).await;
    assert!(error.contains("our certificate is not signed by a CA that is trusted there"), "{error}");
    world.reloaded(|| world.write("ca.pem", ca.pem() + &other.pem())).await;
    within("it gets in", edge().connect()).await.unwrap();
}

#[tokio::test]
async fn a_revocation_list_is_read_again() {
    let ca = Authority::new("ca");
    let world = certificates::start(&ca, MTLS).await;
    let client = ca.client("sensor", &["urn:frontier:edge:7"], Validity::Now);
    let edge = || world.tls_edge(0).tls(client.shown_by(ca.trusted()));
    let old = within("it gets in", edge().connect()).await.unwrap();
    let said = world.reloaded(|| world.write("revoked.crl", ca.revoke(&[&client]))).await;
    assert!(said.contains("reloaded: 1 would be refused now, left as they are"), "{said}");
    let error = connect_error(edge).await;
    assert!(error.contains("our certificate is revoked"), "{error}");
    assert_eq!(old.status().get(), Status::Connected);
}

#[tokio::test]
async fn the_log_level_changes() {
    let yaml = "
log: {output: stderr, level: 'info,frontier_daemon::reload=debug'}
edgebound: {listen: {addr: HERE}}
servicebound: {listen: {addr: HERE}}
";
    let world = World::new().start(yaml).await;
    within("it gets in", world.edge().connect()).await.unwrap();
    world.reloaded(|| world.configure(&yaml.replace("info,", "debug,"))).await;
    within("it gets in", world.edge().id(EdgeId(99)).connect()).await.unwrap();
    let line = world.logs("edge connected").await;
    assert!(line.contains("99"), "the first of these lines is about the second edge: {line}");
}

#[tokio::test]
async fn the_configuration_itself_is_read_again() {
    let world = start(YAML).await;
    let edge = within("it gets in", world.edge().token("frt_seven").connect()).await.unwrap();
    let open = YAML.replace("{methods: [{token: {file: DIR/tokens.yaml}}]}", "{methods: []}");
    world.reloaded(|| world.configure(&open)).await;
    within("it gets in", world.edge().connect()).await.unwrap();
    let said = world.reloaded(|| world.configure(YAML)).await;
    assert!(said.contains("reloaded"), "{said}");
    edge_refused(world.edge()).await;
    assert_eq!(edge.status().get(), Status::Connected);
}

#[tokio::test]
async fn what_takes_a_restart_is_said() {
    let world = start(YAML).await;
    let changed = format!("{YAML}limits: {{heartbeat: 5s}}\ndaemon: {{threads: 3}}\n");
    let said = world.reloaded(|| world.configure(&changed)).await;
    for key in ["limits.heartbeat", "daemon.threads"] {
        let line = world.logs(&format!("key=\"{key}\"")).await;
        assert!(line.contains("takes a restart"), "{line} in {said}");
    }
    assert!(!said.contains("limits.frame_size"), "{said}");
}

#[tokio::test]
async fn bad_files_keep_the_old_state_and_every_mistake_is_told() {
    let world = start(YAML).await;
    let said = world
        .reloaded(|| {
            world.write("rules.yaml", "defualt: deny\nrules: [{who: {edge: x}}]");
            world.write("tokens.yaml", "- {hash: frt_seven, edge_id: 0}");
            world.hang_up();
        })
        .await;
    assert!(said.contains("ERROR") && said.contains("not reloaded, all stays as it was"), "{said}");
    let said = async |text: &str| world.logs(text).await;
    said("access.rules_file: ").await;
    said("rules.yaml: line 1, column 1: defualt: unknown key").await;
    said("rules.yaml: line 2, column 22: rules[0].who.edge").await;
    said("edgebound.auth.methods[0].token.file: ").await;
    said("the token itself does not belong here").await;
    within("it gets in", world.edge().token("frt_seven").connect()).await.unwrap();
    // It is noticed when they are mended.
    world.write("rules.yaml", "default: allow\nrules: []");
    world.reloaded(|| world.write("tokens.yaml", eight())).await;
    within("it gets in", world.edge().token("frt_eight").connect()).await.unwrap();
}

#[tokio::test]
async fn a_bad_configuration_keeps_the_old_state() {
    let world = start(YAML).await;
    let said = world.reloaded(|| world.configure(&YAML.replace("rules_file", "rule_file"))).await;
    assert!(
        said.contains("frontier.yaml: line 5") && said.contains("access.rule_file: unknown key"),
        "{said}"
    );
    let missing = YAML.replace("tokens.yaml", "later.yaml");
    let said = world.reloaded(|| world.configure(&missing)).await;
    assert!(
        said.contains("edgebound.auth.methods[0].token.file: ") && said.contains("there is no such file"),
        "{said}"
    );
    within("it gets in", world.edge().token("frt_seven").connect()).await.unwrap();
    // What was missing comes.
    world.reloaded(|| world.write("later.yaml", eight())).await;
    within("it gets in", world.edge().token("frt_eight").connect()).await.unwrap();
}

#[tokio::test]
async fn files_that_are_swapped_by_a_link_are_noticed() {
    let world =
        World::new().with("rules.yaml", "default: allow\nrules: []").with("quotas.yaml", "quotas: []");
    for (folder, tokens) in [("v1", seven()), ("v2", eight())] {
        std::fs::create_dir(world.path(folder)).unwrap();
        std::fs::write(world.path(folder).join("tokens.yaml"), tokens).unwrap();
    }
    let point = |to: &str| {
        std::os::unix::fs::symlink(to, world.path("next")).unwrap();
        std::fs::rename(world.path("next"), world.path("data")).unwrap();
    };
    point("v1");
    let point_again = [world.path("next"), world.path("data")];
    let world = world.start(&YAML.replace("DIR/tokens", "DIR/data/tokens")).await;
    within("it gets in", world.edge().token("frt_seven").connect()).await.unwrap();
    world
        .reloaded(|| {
            let [next, data] = &point_again;
            std::os::unix::fs::symlink("v2", next).unwrap();
            std::fs::rename(next, data).unwrap();
        })
        .await;
    within("it gets in", world.edge().token("frt_eight").connect()).await.unwrap();
}

#[tokio::test]
async fn sighup_harms_nobody_at_any_time() {
    let mut world =
        World::new().start("edgebound: {listen: {addr: HERE}}\nservicebound: {listen: {addr: HERE}}").await;
    let edge = world.edge().connect().await.unwrap();
    for _ in 0..5 {
        world.reloaded(|| world.hang_up()).await;
    }
    (0..20).for_each(|_| world.hang_up());
    assert_eq!(edge.status().get(), Status::Connected);
    // Nor while it drains.
    world.process().signal(nix::sys::signal::Signal::SIGTERM);
    world.logs("draining").await;
    world.hang_up();
    drop(edge);
    assert_eq!(within("it ends", world.process().exit()).await, Some(0));
}

/// Its handshake was under the list of before, and nothing is enforced for those who are connected.
#[tokio::test]
async fn a_client_that_is_revoked_between_its_tls_handshake_and_its_hello_is_not_let_in() {
    let ca = Authority::new("ca");
    let world = certificates::start(&ca, MTLS).await;
    let [seven, eight] =
        [7, 8].map(|id| ca.client("sensor", &[&format!("urn:frontier:edge:{id}")], Validity::Now));
    let url = format!("tls://localhost:{}", world.edge_port(0));
    let revoked = RawPeer::reach_url(&url, seven.shown_by(ca.trusted())).await;
    let other = RawPeer::reach_url(&url, eight.shown_by(ca.trusted())).await;
    world.reloaded(|| world.write("revoked.crl", ca.revoke(&[&seven]))).await;
    let refused = revoked.handshake(&RawPeer::hello(Role::Edge)).await.unwrap_err();
    assert_eq!(refused, unauthenticated("the client's certificate is revoked"));
    other.handshake(&RawPeer::hello(Role::Edge)).await.unwrap();
}
