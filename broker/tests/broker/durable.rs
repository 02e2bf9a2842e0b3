//! Durable sessions: what a broker that ends, or forgets them for a while, leaves of them.

use crate::world::{World, requests, texts};
use frontier_sdk::{HostError, HostRequest, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// A broker that keeps durable sessions in this folder.
async fn world(folder: &TempDir, more: &str) -> World {
    let path = folder.path().join("sessions.redb");
    World::with(&format!("store: {{path: '{}'}}\n{more}", path.display())).await
}

async fn durable(world: &World) -> String {
    world.session_with(json!({"sessionType": 1})).await
}

#[tokio::test]
async fn without_a_store_they_are_refused_and_it_is_said_why() {
    let world = World::new().await;
    let made = world.post("/api/v1/sessions", r#"{"serviceName": "calc", "sessionType": "Durable"}"#).await;
    assert_eq!(made.fault(), (501, "Broker_UnsupportedOperation"));
    assert!(made.body["message"].as_str().unwrap().contains("store.path"), "{made:?}");
}

#[tokio::test]
async fn what_is_committed_is_computed_and_what_is_not_is_not() {
    let folder = TempDir::new().unwrap();
    let world = world(&folder, "").await;
    let _host = world.host().connect().await.unwrap();
    let session = durable(&world).await;
    world.send(&session, &["1", "2"]).await.ok();
    world.post(&format!("{session}/requests/flush"), r#"{"sent": 2}"#).await.ok();
    world.send(&session, &["3"]).await.ok();
    assert_eq!(texts(&world.responses(&session, 2).await), ["1", "2"]);
    let status = world.get(&format!("{session}/status")).await.ok();
    assert_eq!((&status["processedRequests"], &status["pendingRequests"]), (&json!(2), &json!(0)));
    // A higher batch id says that what was not committed is gone.
    let body = requests(&["4"]).replacen('{', r#"{"batchId": 7, "#, 1);
    world.post(&format!("{session}/requests"), body).await.ok();
    world.post(&format!("{session}/requests/flush"), r#"{"batchId": 7, "sent": 1, "end": true}"#).await.ok();
    let path = format!("{session}/responses?position=begin&waitMs=5000");
    let all = world.until(&path, |page| page["endOfResponses"]["count"] == 3).await;
    assert_eq!(texts(all["responses"].as_array().unwrap()), ["1", "2", "4"]);
}

#[tokio::test]
async fn a_broker_that_is_started_again_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let first = world(&folder, "daemon: {grace: 1h}").await;
    let preferred = json!({"sessionType": 1, "preferredNodes": ["n"], "preferredPool": {"disk": "b"}});
    let session = first.session_with(preferred.clone()).await;
    let go_on = Arc::new(Semaphore::new(2));
    let gate = go_on.clone();
    let slow = move |request: HostRequest| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, HostError>(Response::new(request.body))
        }
    };
    let host = first.host().capacity(1).handler(slow).connect().await.unwrap();
    first.send(&session, &["1", "2", "3", "4", "5"]).await.ok();
    first.post(&format!("{session}/requests/flush"), "").await.ok();
    let status = format!("{session}/status");
    first.until(&status, |it| it["processedRequests"] == 2 && it["runningRequests"] == 2).await;
    first.send(&session, &["never committed"]).await.ok();
    // It waits for those that are at hosts, and for nothing else.
    first.stop.cancel();
    first.until("/readyz", |body| body["status"] != "ready").await;
    go_on.add_permits(2);
    first.end().await;
    drop(host);

    let second = world(&folder, "").await;
    // It goes on without anybody who asks for it.
    second.until("/api/v1/sessions", |list| list[0]["status"] == "Active").await;
    let info = second.get(&session).await.ok();
    for name in ["sessionType", "preferredNodes", "preferredPool"] {
        assert_eq!(info[name], preferred[name], "it is as it was made");
    }
    let _host = second.host().connect().await.unwrap();
    second.until("/api/v1/sessions", |list| list[0]["responseCount"] == 5).await;
    let attached = second.post(&format!("{session}/attach?sessionType=1"), "").await.ok();
    assert_eq!(attached["sessionType"], 1);
    second.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    let texts = texts(&second.responses(&session, usize::MAX).await);
    assert_eq!(texts, ["1", "2", "3", "4", "5"]);
    assert_eq!(second.delete(&session).await.status, 204);
    second.end().await;

    let third = world(&folder, "").await;
    assert_eq!(third.get("/api/v1/sessions").await.ok(), json!([]));
    assert_eq!(third.get(&session).await.fault(), (404, "InvalidSessionId"));
}

#[tokio::test]
async fn one_that_nobody_uses_is_suspended_and_attached_to_again() {
    let folder = TempDir::new().unwrap();
    let short = "sessions: {session_idle_timeout: 100ms, client_idle_timeout: 100ms, sessions: 1}";
    let world = world(&folder, short).await;
    let _host = world.host().connect().await.unwrap();
    let session = durable(&world).await;
    world.send(&session, &["1"]).await.ok();
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    let suspended = |info: &Value| info["brokerState"] == "Suspend";
    world.until(&session, suspended).await;
    // Another one has its place.
    let other =
        world.session_with(json!({"sessionIdleTimeout": "01:00:00", "clientIdleTimeout": "01:00:00"})).await;
    let full = world.post(&format!("{session}/attach"), "").await;
    assert_eq!(full.fault(), (429, "Broker_TooManyBrokerRunning"));
    world.delete(&other).await;
    let attached = world.post(&format!("{session}/attach"), "").await.ok();
    assert_eq!(attached["state"], 1, "{attached}");
    assert_eq!(texts(&world.responses(&session, 1).await), ["1"]);
    world.until(&session, suspended).await;
    let wrong = world.post(&format!("{session}/attach?sessionType=0"), "").await;
    assert_eq!(wrong.fault(), (409, "InvalidAttachDurableSession"));
    assert_eq!(world.delete(&session).await.status, 204);
    assert_eq!(world.get(&session).await.ok()["state"], 3);
}

#[tokio::test]
async fn a_store_that_is_full_refuses_requests_by_name_and_takes_them_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sessions.redb");
    let world = World::with(&format!("store: {{path: '{}', size: 1MiB}}", path.display())).await;
    let _host = world.host().connect().await.unwrap();
    let session = durable(&world).await;
    let large = "x".repeat(300 << 10);
    let body = |id: &str| requests(&[&large]).replacen(r#""userData":"#, &format!(r#""x{id}":"#), 1);
    for id in ["1", "2", "3"] {
        world.post(&format!("{session}/requests"), body(id)).await.ok();
    }
    let full = world.post(&format!("{session}/requests"), body("4")).await;
    assert_eq!(full.fault(), (507, "Broker_InsufficientStorage"));
    assert_eq!(full.headers["retry-after"], "1");
    // What was taken is computed and answered all the same, though the answers have no more room than the requests.
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    assert_eq!(world.responses(&session, 3).await.len(), 3);
    world.delete(&format!("{session}/clients/default")).await;
    let taken = async { while world.post(&format!("{session}/requests"), body("5")).await.status != 202 {} };
    tokio::time::timeout(crate::world::DEADLINE, taken).await.expect("there is room again");
}
