//! Brokers whose sessions are in Redis: what one leaves, another takes up.

use crate::grpc;
use crate::http::ask;
use crate::world::{DEADLINE, World, requests, texts};
use frontier_api::broker::GetSessionRequest;
use frontier_sdk::{HostError, HostRequest, Response};
use frontier_test_redis::Server;
use futures_util::stream::iter;
use hyper::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A Redis that has every write on disk before it answers.
fn synced() -> Server {
    Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[])
}

pub(crate) fn yaml(server: &Server, more: &str) -> String {
    let addr = server.addr();
    format!(
        "store: {{redis: {{standalone: {{addr: '{addr}'}}, read_timeout: 1s, write_timeout: 1s, lease: 60s}}}}\n{more}"
    )
}

/// What a broker says whose Redis can't be used.
const UNUSABLE: &str = "redis, where the sessions are, can't be used";

/// A broker that has the sessions.
async fn leading(server: &Server) -> World {
    let world = World::with(&yaml(server, "daemon: {grace: 1h}")).await;
    world.until("/readyz", |body| body["status"] == "ready").await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_broker_has_of_sessions_of_both_kinds_the_next_one_takes_up_at_once() {
    let server = synced();
    let first = leading(&server).await;
    let second = World::at(first.gateway.clone(), &yaml(&server, "")).await;
    let go_on = Arc::new(Semaphore::new(2));
    let gate = go_on.clone();
    let slow = move |request: HostRequest| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, HostError>(Response::new(request.body))
        }
    };
    let _host = first.host().capacity(1).handler(slow).connect().await.unwrap();
    let interactive = first.session().await;
    let durable = first.session_with(json!({"sessionType": 1})).await;
    for session in [&interactive, &durable] {
        first.send(session, &["1", "2", "3", "4", "5"]).await.ok();
    }
    first.post(&format!("{durable}/requests/flush"), r#"{"sent": 5}"#).await.ok();
    first.send(&durable, &["never committed"]).await.ok();
    first
        .until("/api/v1/sessions", |list| {
            let sum = |key: &str| list[0][key].as_u64().unwrap() + list[1][key].as_u64().unwrap();
            sum("responseCount") == 2
        })
        .await;
    // The other one stands by, and asks the one that has them.
    assert_eq!(
        second.get(&interactive).await.ok()["sessionId"],
        first.get(&interactive).await.ok()["sessionId"]
    );
    assert!(second.get("/metrics").await.body.as_str().unwrap().contains("broker_leads 0"));
    // It waits for those that are at hosts, and for nothing else: nobody has fetched anything.
    first.stop.cancel();
    first.until("/readyz", |body| body["status"] != "ready").await;
    go_on.add_permits(1000);
    first.end().await;

    // Long before the lease would have been over, and without a host that says anew that it is there.
    second.until("/readyz", |body| body["status"] == "ready").await;
    second
        .until("/api/v1/sessions", |list| list[0]["responseCount"] == 5 && list[1]["responseCount"] == 5)
        .await;
    for session in [&interactive, &durable] {
        second.post(&format!("{session}/attach"), "").await.ok();
        second.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
        assert_eq!(texts(&second.responses(session, usize::MAX).await), ["1", "2", "3", "4", "5"]);
    }
    for session in [interactive, durable] {
        assert_eq!(second.delete(&session).await.status, 204);
    }
    second.end().await;
    let left = server.cli(&["KEYS", "*"]);
    let left: Vec<_> = left.lines().collect();
    assert!(left.iter().all(|key| ["sessions:leader", "sessions:hosts"].contains(key)), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stands_by_passes_on_whatever_it_is_asked_and_says_when_nobody_answers() {
    let server = Server::start();
    let first = leading(&server).await;
    let second = World::at(first.gateway.clone(), &yaml(&server, "")).await;
    second.until("/readyz", |body| body["status"] == "ready").await;
    let _host = first.host().connect().await.unwrap();
    // By REST, with a body, a page and a stream.
    let session = second.session().await;
    second.send(&session, &["1", "2"]).await.ok();
    assert_eq!(texts(&second.responses(&session, 2).await), ["1", "2"]);
    // By WebSocket.
    let mut reader = second.reader(&session, "position=begin").await;
    assert_eq!(texts(&reader.take(2).await), ["1", "2"]);
    second.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    assert_eq!(reader.next().await.unwrap()["endOfResponses"]["count"], 2);
    // By gRPC, both ways as streams.
    let mut client = second.grpc();
    let id = grpc::session(&mut client).await;
    let requests = iter(vec![grpc::request(&id, "a"), grpc::request(&id, "b")]);
    let (responses, end) =
        grpc::all(client.send_and_get_responses(requests).await.unwrap().into_inner()).await;
    assert_eq!((responses.len(), end.is_none()), (3, true));
    // What is wrong is told in the words of the one that has it.
    assert_eq!(second.get(&format!("{session}0")).await.fault(), (404, "InvalidSessionId"));
    let unknown = "/api/v1/sessions/00000000000000000000000000000000";
    assert_eq!(second.get(unknown).await.fault(), (404, "InvalidSessionId"));
    let status = client.get_session(GetSessionRequest { session_id: "x".into() }).await.unwrap_err();
    assert_eq!(status.metadata().get("fault-code").unwrap(), "InvalidSessionId");
    // What was passed on is not passed on again.
    let passed_on = [("x-frontier-passed-on", "1")];
    let told = ask(second.addr, Method::GET, &session, &passed_on, "").await;
    assert_eq!(told.fault(), (503, "Broker_NotOwner"));
    assert_eq!(told.headers["retry-after"], "1");
    assert!(told.body["message"].as_str().unwrap().contains(&first.addr.to_string()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_sent_again_at_the_next_broker_is_the_first_one_again() {
    let server = synced();
    let first = leading(&server).await;
    let session = first.session().await;
    let sent = first.send(&session, &["1"]).await.ok();
    let id = sent["messageIds"][0].as_str().unwrap().to_owned();
    first.end().await;
    let second = leading(&server).await;
    let body = requests(&["1"]).replacen(r#""action""#, &format!(r#""messageId": "{id}", "action""#), 1);
    second.post(&format!("{session}/requests"), body).await.ok();
    second.post(&format!("{session}/requests/flush"), r#"{"sent": 1, "end": true}"#).await.ok();
    let _host = second.host().connect().await.unwrap();
    assert_eq!(texts(&second.responses(&session, usize::MAX).await), ["1"]);
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_sessions_are_refused_where_redis_does_not_promise_them() {
    let server = Server::start();
    let world = leading(&server).await;
    let made = world.post("/api/v1/sessions", r#"{"serviceName": "calc", "sessionType": "Durable"}"#).await;
    assert_eq!(made.fault(), (501, "Broker_UnsupportedOperation"));
    assert!(made.body["message"].as_str().unwrap().contains("appendonly"), "{made:?}");
    world.session().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_full_and_one_that_is_away_are_told_of_and_lose_nothing() {
    let mut server = synced();
    // Its lease is over while Redis is away, and nobody else takes it.
    let yaml = yaml(&server, "sessions: {request_timeout: 2s}").replace("lease: 60s", "lease: 500ms");
    let world = World::with(&yaml).await;
    world.until("/readyz", |body| body["status"] == "ready").await;
    let go_on = Arc::new(Semaphore::new(2));
    let gate = go_on.clone();
    let held = move |request: HostRequest| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, HostError>(Response::new(request.body))
        }
    };
    let _host = world.host().handler(held).connect().await.unwrap();
    let session = world.session().await;
    let processed = |count: u64| move |it: &Value| it["processedRequests"] == count;
    let status = format!("{session}/status");
    world.send(&session, &["1"]).await.ok();
    world.until(&status, processed(1)).await;
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "100kb"]), "OK");
    assert_eq!(world.send(&session, &["refused"]).await.fault(), (507, "Broker_InsufficientStorage"));
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    world.send(&session, &["2"]).await.ok();
    world.until(&status, processed(2)).await;
    world.send(&session, &["3"]).await.ok();
    world.until(&status, |it| it["runningRequests"] == 1).await;
    server.kill();
    world.until("/readyz", |it| it["message"] == UNUSABLE).await;
    // Nothing but the client waits for Redis; then a response does as well.
    let away = world.send(&session, &["not accepted"]).await;
    assert_eq!(away.fault(), (503, "Broker_StoreUnavailable"));
    go_on.add_permits(1000);
    let away = world.send(&session, &["not accepted either"]).await;
    assert_eq!(away.fault(), (503, "Broker_StoreUnavailable"));
    server.restart();
    world.until("/readyz", |it| it["status"] == "ready").await;
    // However often it is said, it is said once.
    let id = r#""messageId": "00000000000000000000000000000004", "action""#;
    let four = requests(&["4"]).replacen(r#""action""#, id, 1);
    let accepted =
        async { while world.post(&format!("{session}/requests"), four.clone()).await.status != 202 {} };
    tokio::time::timeout(DEADLINE, accepted).await.expect("it goes on");
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    let answered = texts(&world.responses(&session, usize::MAX).await);
    // Those that were not accepted may have been, later: their clients say them again by the same ids.
    let accepted: Vec<_> = answered.iter().filter(|text| !text.starts_with("not accepted")).collect();
    assert_eq!(accepted, ["1", "2", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_starts_without_redis_blames_nobody_else() {
    let mut server = Server::start();
    server.kill();
    let world = World::with(&yaml(&server, "")).await;
    let told = world.until("/readyz", |it| it["message"] == UNUSABLE).await;
    assert_eq!(told["code"], "UNAVAILABLE");
    let refused = world.get("/api/v1/sessions").await;
    assert_eq!(refused.fault(), (503, "Broker_NotOwner"));
    assert_eq!(refused.body["message"], "redis can't be used, and no broker has the sessions");
    server.restart();
    world.until("/readyz", |it| it["status"] == "ready").await;
    world.end().await;
}
