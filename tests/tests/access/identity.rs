//! What the service that gives out ids sees of an edge.

use crate::tokens::{SECRET, jwt};
use crate::world::{World, denied, edge_refused};
use frontier_sdk::{Code, EdgeId, EdgeIdRequest, HandlerError};
use frontier_tests::within;
use serde_json::json;
use tokio::sync::mpsc;

const YAML: &str = "
edgebound:
  listen: {addr: HERE}
  auth:
    methods:
      - jwt: {keys: [{secret_file: DIR/secret}], audiences: [frontier], label_claims: [region, tier]}
      - token: {file: DIR/tokens.yaml}
    meta_labels: [region, model]
servicebound: {listen: {addr: HERE}}
";

/// What an edge says of itself, and its token does not.
const META: &str = r#"{"region": "us", "model": "x2"}"#;

async fn start() -> World {
    let fixed = crate::tokens::entry("frt_seven", "name: sensor 7, edge_id: 7");
    World::new().with("secret", SECRET).with("tokens.yaml", fixed).start(YAML).await
}

#[tokio::test]
async fn it_sees_the_verified_identity_beside_the_meta() {
    let world = start().await;
    let (tell, mut asked) = mpsc::unbounded_channel();
    let service = world.service("ids").on_edge_id_request(move |request: EdgeIdRequest| {
        let _ = tell.send(request);
        async { Ok(EdgeId(42)) }
    });
    let _service = service.connect().await.unwrap();
    let token = jwt(&json!({"region": "eu", "tier": 2}));
    let edge = within("it gets in", world.edge().token(token).meta(META).connect()).await.unwrap();
    assert_eq!(edge.id(), EdgeId(42));
    let labels = vec![("region".into(), "eu".into()), ("tier".into(), "2".into())];
    let mut expected = EdgeIdRequest::new(META);
    (expected.subject, expected.labels) = ("sensor".into(), labels);
    assert_eq!(within("the request", asked.recv()).await, Some(expected));
}

#[tokio::test]
async fn it_may_confirm_a_fixed_id_or_refuse_the_edge_but_give_no_other() {
    let world = start().await;
    let service = world.service("ids").on_edge_id_request(|request: EdgeIdRequest| async move {
        match &request.meta[..] {
            b"confirm" => Ok(request.fixed_id.unwrap_or(EdgeId(1))),
            b"other" => Ok(EdgeId(8)),
            _ => Err(HandlerError::new(1, "not this one")),
        }
    });
    let _service = service.connect().await.unwrap();
    let edge = |meta: &'static str| world.edge().token("frt_seven").meta(meta);
    assert_eq!(within("it gets in", edge("confirm").connect()).await.unwrap().id(), EdgeId(7));
    let text = "the service that gives out EdgeIDs names another one than the credentials";
    assert_eq!(edge_refused(edge("other")).await, denied(text));
    assert_eq!(edge_refused(edge("no")).await, denied("not this one"));
}

#[tokio::test]
async fn it_is_not_asked_about_those_who_do_not_pass() {
    let world = start().await;
    let (tell, mut asked) = mpsc::unbounded_channel();
    let service = world.service("ids").on_edge_id(move |meta| {
        let _ = tell.send(meta);
        async { Ok(EdgeId(42)) }
    });
    let _service = service.connect().await.unwrap();
    edge_refused(world.edge().token("frt_nobody").meta("bad")).await;
    within("it gets in", world.edge().token(jwt(&json!({}))).meta("good").connect()).await.unwrap();
    assert_eq!(within("the request", asked.recv()).await.unwrap(), "good");
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn what_it_says_stays_on_one_line_of_the_log_and_does_not_fill_it() {
    let world = start().await;
    let text = format!("no\n2026-01-01 WARN forged\x1b[2J{}", "x".repeat(100_000));
    let refusal = text.clone();
    let service = world.service("ids").on_edge_id(move |_| {
        let text = refusal.clone();
        async move { Err(HandlerError::new(1, text)) }
    });
    let _service = service.connect().await.unwrap();
    let (code, told) = edge_refused(world.edge().token("frt_seven")).await;
    assert!(code == Code::Denied && text.starts_with(&told), "{code}");
    let line = world.logs(r"no\n2026-01-01 WARN forged\u{1b}[2Jxxx").await;
    assert!(line.contains("edge refused") && line.len() < 600, "{line}");
    assert!(line.contains("subject=sensor 7"), "whose credentials they are: {line}");
    assert!(!world.log().lines().iter().any(|line| line.starts_with("2026-01-01 WARN")));
}
