//! The gateway itself: its state, what it logs, what holds, and its end.

use crate::world::{Rest, entry, guarded, says};
use frontier_sdk::EdgeId;
use frontier_tests::{Gateway, replace};
use serde_json::json;

#[tokio::test]
async fn it_says_what_it_is() {
    let gateway = Gateway::start().await;
    let _edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    let status = Rest::of(&gateway).await.get("/v1/status").await;
    assert_eq!(
        (&status["edges"], &status["services"], &status["draining"]),
        (&json!("1"), &json!("0"), &json!(false))
    );
    assert_eq!(status["edgebound"], json!([gateway.edge_url()]));
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["role"], "admin", "nobody is asked who they are");
    assert!(status["start_time"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn what_is_logged_is_changed_while_it_runs() {
    let gateway = Gateway::builder().set("log.level", "info").start().await;
    let rest = Rest::of(&gateway).await;
    assert_eq!(rest.get("/v1/log_level").await, json!({"level": "info"}));
    for wrong in ["loud", "", &"x".repeat(5000)] {
        let body = json!({"level": wrong}).to_string();
        assert_eq!(rest.send("PUT", "/v1/log_level", &body).await.0, 400, "{wrong}");
    }
    let body = json!({"level": "info,frontier=debug"});
    let (status, answer) = rest.send("PUT", "/v1/log_level", &body.to_string()).await;
    assert_eq!((status, answer), (200, body.to_string()));
    assert_eq!(rest.get("/v1/log_level").await, body);
    let _edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    says(gateway.log(), &["DEBUG", "edge connected"]).await;
    says(gateway.log(), &["frontier::audit", "action=\"log level\"", "info,frontier=debug"]).await;
}

#[tokio::test]
async fn the_rules_quotas_and_limits_in_force_are_shown() {
    let builder = Gateway::builder();
    let rules = builder.file("rules.yaml");
    replace(
        &rules,
        "default: deny\nrules: [{name: sensors, who: {edge: 1-99, labels: {region: eu}}, allow: {call: ['files.*'], \
         reach_edges: {ids: 7}}}]",
    );
    let gateway = builder
        .set("access.rules_file", json!(rules))
        .set("quotas", json!([{"for": "edge", "calls": {"rate": "30/m", "burst": 5}}]))
        .set("limits.meta_size", "2KiB")
        .start()
        .await;
    let rest = Rest::of(&gateway).await;
    let policy = rest.get("/v1/policy").await;
    assert_eq!(policy["default"], "deny");
    let rule = json!({
        "name": "sensors",
        "who": [{"key": "edge", "values": ["1-99"]}, {"key": "labels.region", "values": ["eu"]}],
        "allow": [{"key": "call", "values": ["files.*"]}, {"key": "reach_edges.ids", "values": ["7"]}],
        "deny": [],
    });
    assert_eq!(policy["rules"], json!([rule]));
    let quota =
        json!({"scope": "edge", "who": [], "limits": [{"counts": "calls", "per_second": 0.5, "burst": "5"}]});
    assert_eq!(policy["quotas"], json!([quota]));
    assert_eq!(
        (&policy["limits"]["limits.meta_size"], &policy["limits"]["limits.heartbeat"]),
        (&json!("2KiB"), &json!("20s"))
    );
    let edges = rest.get("/v1/edges").await;
    assert_eq!(edges["count"], 0);
}

#[tokio::test]
async fn what_the_credentials_of_an_edge_say_is_shown() {
    let builder = Gateway::builder();
    let file = builder.file("tokens.yaml");
    replace(
        &file,
        entry("frt_7", "name: sensor 7, edge_id: 7, labels: {region: eu}, not_after: 2099-01-01T00:00:00Z"),
    );
    let gateway = builder.set("edgebound.auth.methods", json!([{"token": {"file": file}}])).start().await;
    let _edge = gateway.edge().id(EdgeId(7)).token("frt_7").connect().await.unwrap();
    let edge = Rest::of(&gateway).await.get("/v1/edges/7").await;
    assert_eq!((&edge["subject"], &edge["labels"]), (&json!("sensor 7"), &json!({"region": "eu"})), "{edge}");
    assert_eq!(edge["expires"], "4070908800");
    let limits = json!({"calls": 16384, "streams": 1024, "outbox_bytes": "8388608", "names": 1000});
    assert_eq!(edge["limits"], limits);
}

#[tokio::test]
async fn an_admin_has_it_drain_and_nobody_else() {
    let mut gateway = guarded().start().await;
    let rest = Rest::of(&gateway).await;
    assert_eq!(rest.with("operator").ask("POST", "/v1/drain").await.0, 403);
    assert_eq!(rest.with("admin").ask("POST", "/v1/drain").await, (200, json!({})));
    says(gateway.log(), &["frontier::audit", "outcome=\"done\"", "action=\"drain\"", "Anna"]).await;
    assert_eq!(gateway.process().exit().await, Some(0));
}
