//! Who may subscribe, to what, from which page, and how a token is shown.

use crate::events::curl;
use crate::subscriber::Subscriber;
use crate::world::{TOPIC, bridge_of, bridged, publish, url};
use data_encoding::BASE64URL_NOPAD;
use frontier_access::authn::token;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, replace};
use serde_json::{Value, json};

const TOKEN: &str = "frt_a-page";
const OTHER: &str = "frt_another-page";
const EDGE: &str = "frt_an-edge";
const PAGE: &str = "https://app.example";

/// A gateway whose bridge asks for a token; one of them may see nothing.
fn guarded() -> GatewayBuilder {
    let gateway = bridged().set("bridge.allowed_origins", json!([PAGE]));
    let [tokens, rules] = ["tokens.yaml", "rules.yaml"].map(|name| gateway.file(name));
    let entries = format!(
        "- {{hash: '{}', name: page, labels: {{team: a}}}}\n- {{hash: '{}', name: other}}\n- {{hash: '{}', edge_id: 7}}\n",
        token::hash(TOKEN),
        token::hash(OTHER),
        token::hash(EDGE)
    );
    replace(&tokens, &entries);
    replace(
        &rules,
        "default: allow\nrules: [{name: team-a, who: {subject: other}, deny: {subscribe: ['tele*']}}]\n",
    );
    gateway
        .set("bridge.auth.methods", json!([{"token": {"file": tokens.to_str().unwrap()}}]))
        .set("access.rules_file", rules.to_str().unwrap())
}

/// The subprotocol that carries a token.
fn bearer(token: &str) -> String {
    format!("bearer.{}", BASE64URL_NOPAD.encode(token.as_bytes()))
}

async fn refused(url: &str, options: &[&str]) -> String {
    Subscriber::start(url, options).line("refused").await
}

#[tokio::test]
async fn a_page_shows_its_token_as_a_subprotocol() {
    let gateway = guarded().start().await;
    let url = url(&gateway, "").await;
    let protocol = |token: &str| ["frontier.bridge.v1".to_owned(), bearer(token)];
    let options = |token: &str| {
        protocol(token).into_iter().flat_map(|it| ["--protocol".to_owned(), it]).collect::<Vec<_>>()
    };
    let with = |token: &str| options(token);
    let good = with(TOKEN);
    let good: Vec<&str> = good.iter().map(String::as_str).chain(["--origin", PAGE]).collect();
    let page = Subscriber::open(&url, &good).await;
    assert!(page.line("open").await.starts_with("open frontier.bridge.v1"));
    page.notice("welcome").await;
    for (token, status) in [("frt_wrong", "refused 401"), (EDGE, "refused 401"), (OTHER, "refused 403")] {
        let options = with(token);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        assert_eq!(refused(&url, &options).await, status, "{token}");
    }
    assert_eq!(refused(&url, &[]).await, "refused 401");
    let evil: Vec<&str> = good[..4].iter().copied().chain(["--origin", "https://evil.example"]).collect();
    assert_eq!(refused(&url, &evil).await, "refused 403");
    let log = gateway.log().line("why=\"origin\"").await;
    assert!(log.contains("turned a subscriber of the bridge away"), "{log}");
    assert!(gateway.log().lines().iter().all(|line| !line.contains(TOKEN) && !line.contains(&bearer(TOKEN))));
}

#[tokio::test]
async fn programs_and_fetch_show_it_in_a_header_and_are_told_what_is_wrong() {
    let gateway = guarded().start().await;
    let bridge = bridge_of(&gateway).await;
    let topics = format!("http://{bridge}/bridge/v1/topics");
    let bearer = |token: &str| format!("authorization: Bearer {token}");
    let listed = curl(&["-s", "-H", &bearer(TOKEN), &topics]).await;
    assert_eq!(listed, r#"{"topics":["telemetry"]}"#);
    assert_eq!(curl(&["-s", "-H", &bearer(OTHER), &topics]).await, r#"{"topics":[]}"#);
    let topic = format!("{topics}/{TOPIC}");
    for (options, status, told) in [
        (vec![], "401", "credentials are missing: a token is needed here"),
        (vec!["-H", "authorization: Bearer frt_wrong"], "401", "unknown token"),
        (vec!["-H", "authorization: Bearer frt_an-edge"], "401", "the credentials are for edges only"),
        (
            vec!["-H", "authorization: Bearer frt_another-page"],
            "403",
            "subscribing to `telemetry` is denied by rule `team-a`",
        ),
        (
            vec!["-H", "authorization: Bearer frt_a-page", "-H", "origin: https://evil.example"],
            "403",
            "bridge.allowed_origins",
        ),
    ] {
        let all: Vec<&str> =
            ["-s", "-w", " %{http_code}", topic.as_str()].into_iter().chain(options).collect();
        let answer = curl(&all).await;
        assert!(answer.ends_with(status) && answer.contains(told), "{answer}");
    }
    let missing = curl(&["-s", "-H", &bearer(TOKEN), &format!("{topics}/nothing")]).await;
    assert!(missing.contains("this topic is not bridged"), "{missing}");
    let preflight = ["-s", "-i", "-X", "OPTIONS", "-H", "origin: https://app.example", topic.as_str()];
    let preflight = curl(&preflight).await.to_lowercase();
    for header in
        ["access-control-allow-origin: https://app.example", "access-control-allow-headers: authorization"]
    {
        assert!(preflight.contains(header), "{preflight}");
    }
    let evil = curl(&["-s", "-i", "-X", "OPTIONS", "-H", "origin: https://evil.example", &topic]).await;
    assert!(evil.starts_with("HTTP/1.1 403") && !evil.to_lowercase().contains("access-control"), "{evil}");
}

#[tokio::test]
async fn a_ticket_opens_one_url_once() {
    let gateway = guarded().start().await;
    let bridge = bridge_of(&gateway).await;
    let tickets = format!("http://{bridge}/bridge/v1/tickets");
    let given = curl(&["-s", "-X", "POST", "-H", "authorization: Bearer frt_a-page", &tickets]).await;
    let given: Value = serde_json::from_str(&given).unwrap();
    assert_eq!(given["expires_in"], 30);
    let url = url(&gateway, &format!("?ticket={}", given["ticket"].as_str().unwrap())).await;
    let page = Subscriber::open(&url, &["--origin", PAGE]).await;
    page.notice("welcome").await;
    assert_eq!(refused(&url, &["--origin", PAGE]).await, "refused 401");
    let of_nobody = curl(&["-s", "-w", " %{http_code}", "-X", "POST", &tickets]).await;
    assert!(of_nobody.ends_with("401"), "{of_nobody}");
}

#[tokio::test]
async fn where_nobody_is_asked_no_name_of_another_machine_leads_to_it() {
    let gateway = bridged().start().await;
    let topics = format!("http://{}/bridge/v1/topics", bridge_of(&gateway).await);
    let rebound = curl(&["-s", "-w", " %{http_code}", "-H", "host: evil.example:30013", &topics]).await;
    assert!(rebound.ends_with("403") && rebound.contains("localhost"), "{rebound}");
    assert_eq!(curl(&["-s", "-H", "host: localhost:1", &topics]).await, r#"{"topics":["telemetry"]}"#);
}

#[tokio::test]
async fn a_reload_that_is_enforced_has_subscribers_come_again_and_be_judged() {
    let gateway = guarded().set("reload.enforce", true).start().await;
    let url = url(&gateway, "").await;
    let options = ["--protocol".to_owned(), bearer(TOKEN)];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let page = Subscriber::open(&url, &options).await;
    page.notice("welcome").await;
    replace(
        &gateway.dir().join("rules.yaml"),
        "default: allow\nrules: [{name: shut, deny: {subscribe: ['*']}}]\n",
    );
    gateway.hang_up();
    assert_eq!(page.notice("goodbye").await["reason"], "access changed");
    assert_eq!(page.line("closed").await, "closed 1013 access changed");
    assert_eq!(refused(&url, &options).await, "refused 403");
}

#[tokio::test]
async fn over_tls_it_is_the_same() {
    let gateway = Gateway::over(frontier_tests::Network::Tls);
    let certs = json!([{"cert": gateway.file("server.pem"), "key": gateway.file("server.key")}]);
    let gateway = gateway
        .set("bridge.enable", true)
        .set("bridge.listen.addr", "127.0.0.1:0")
        .set("bridge.listen.tls", json!({"enable": true, "certs": certs}))
        .set("bridge.topics", json!([{"name": TOPIC}]))
        .start()
        .await;
    let url = format!("wss://{}/bridge/v1/topics/{TOPIC}", bridge_of(&gateway).await);
    let ca = gateway.dir().join("ca.pem");
    let subscriber = Subscriber::open(&url, &["--ca", ca.to_str().unwrap(), "--compression"]).await;
    let edge = gateway.edge().connect().await.unwrap();
    publish(&edge, 1..=10).await;
    assert_eq!(subscriber.messages_to(10).await.len(), 10);
    let told = async || gateway.log().find("tls=true");
    eventually(DEADLINE, "it says so", told).await;
}
