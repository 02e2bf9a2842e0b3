//! Whatever a client can make the broker hold has a limit, which is told by its name.

use crate::http::ask;
use crate::world::{DEADLINE, World, requests, texts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::json;

#[tokio::test]
async fn one_bad_item_in_the_middle_refuses_all_and_is_named() {
    let world = World::with("sessions: {message_size: 1KiB, batch_requests: 3}").await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let path = format!("{session}/requests");
    let cases = [
        (json!({"payload": "not base64!"}), 400, "InvalidRequest"),
        (json!({"payload": STANDARD.encode([0; 1025])}), 413, "MessageTooLarge"),
        (json!({"userData": "ä".repeat(1025)}), 400, "UserDataTooLong"),
        (json!({"messageId": "x"}), 400, "InvalidMessageId"),
        (json!({"action": "a".repeat(257)}), 400, "InvalidRequest"),
    ];
    let good = json!({"action": "a", "payload": "MQ==", "userData": "ä".repeat(1024)});
    for (bad, status, name) in cases {
        let body = json!({"requests": [good, bad, good]}).to_string();
        let refused = world.post(&path, body).await;
        assert_eq!(refused.fault(), (status, name));
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.contains("request 1"), "{message}");
        assert_eq!(refused.body["retryable"], false);
    }
    for broken in ["", "{", "[]", r#"{"requests": 1}"#, r#"{"requests": [{"payload": 1}]}"#] {
        assert_eq!(world.post(&path, broken).await.fault(), (400, "InvalidRequest"), "{broken}");
    }
    assert_eq!(world.send(&session, &["1", "2", "3", "4"]).await.fault(), (413, "TooManyRequestsInBatch"));
    let named = world.post(&format!("{path}?clientId=a%2Fb"), requests(&["1"])).await;
    assert_eq!(named.fault(), (400, "InvalidClientId"));
    let status = world.get(&format!("{session}/status")).await.ok();
    assert_eq!((&status["pendingRequests"], &status["processedRequests"]), (&json!(0), &json!(0)));
    world.post(&path, json!({"requests": [good, good, good]}).to_string()).await.ok();
    assert_eq!(world.responses(&session, 3).await.len(), 3);
}

#[tokio::test]
async fn large_bodies_go_through_and_those_over_the_limit_do_not() {
    let world = World::with("sessions: {message_size: 12MiB}").await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let large = "x".repeat(10 << 20);
    world.send(&session, &[]).await.ok();
    let one = |body: &str| json!({"requests": [{"payload": STANDARD.encode(body)}]}).to_string();
    world.post(&format!("{session}/requests"), one(&large)).await.ok();
    assert_eq!(texts(&world.responses(&session, 1).await), [large]);
    let refused = world.post(&format!("{session}/requests"), one(&"x".repeat((12 << 20) + 1))).await;
    assert_eq!(refused.fault(), (413, "MessageTooLarge"));
}

#[tokio::test]
async fn a_post_over_the_limit_is_not_read() {
    let world = World::with("sessions: {batch_size: 1KiB}").await;
    let session = world.session().await;
    let refused = world.post(&format!("{session}/requests"), "x".repeat(1025)).await;
    assert_eq!(refused.fault(), (413, "MessageTooLarge"));
    let text = "the body has more than 1024 bytes, the most that a batch may have (batch_size)";
    assert_eq!(refused.body["message"], text);
    assert_eq!((&refused.body["category"], &refused.body["retryable"]), (&json!(6), &json!(false)));
    let flush = world.post(&format!("{session}/requests/flush"), "x".repeat(4097)).await;
    assert_eq!(flush.fault(), (413, "MessageTooLarge"));
    assert!(flush.body["message"].as_str().unwrap().ends_with("a flush may have"), "{}", flush.body);
    let long = world.post("/api/v1/sessions", " ".repeat(65 * 1024)).await;
    assert_eq!(long.fault(), (413, "MessageTooLarge"));
}

#[tokio::test]
async fn a_misspelt_member_is_refused_where_only_its_letters_differ_and_others_are_passed_over() {
    let world = World::new().await;
    let session = world.session_with(json!({"maximumUnit": 3, "later": {"a": 1}})).await;
    let (send, flush) = (format!("{session}/requests"), format!("{session}/requests/flush"));
    world
        .post(&send, json!({"requests": [{"payload": "MQ==", "later": 1}], "more": []}).to_string())
        .await
        .ok();
    world.post(&flush, json!({"ends": true}).to_string()).await.ok();
    for (path, body, written, meant) in [
        (
            "/api/v1/sessions",
            json!({"serviceName": "calc", "MaximumUnits": 3}),
            "MaximumUnits",
            "maximumUnits",
        ),
        (&*send, json!({"requests": [{"userdata": "a"}]}), "userdata", "userData"),
        (&*send, json!({"requests": [], "batchID": 1}), "batchID", "batchId"),
        (&*flush, json!({"End": true}), "End", "end"),
    ] {
        let refused = world.post(path, body.to_string()).await;
        assert_eq!(refused.fault(), (400, "InvalidRequest"), "{body}");
        let start = format!("there is no member `{written}`; `{meant}` is meant");
        assert!(refused.body["message"].as_str().unwrap().starts_with(&start), "{}", refused.body);
    }
    let status = world.get(&format!("{session}/status")).await.ok();
    assert_eq!(status["pendingRequests"], 1);
}

#[tokio::test]
async fn what_stands_in_a_body_of_attach_is_not_passed_over() {
    let world = World::new().await;
    let attach = format!("{}/attach", world.session().await);
    for nothing in ["", " \n", "null", "{}"] {
        world.post(&format!("{attach}?clientId=a"), nothing).await.ok();
    }
    for body in [r#"{"sessionType": 1}"#, r#"{"clientId": null}"#, "[]", "1", "{", "\"\""] {
        let refused = world.post(&attach, body).await;
        assert_eq!(refused.fault(), (400, "InvalidRequest"), "{body}");
        let text = "attach has no body: clientId and sessionType stand in its query";
        assert_eq!(refused.body["message"], text, "{body}");
    }
    assert_eq!(world.post(&attach, " ".repeat(4097)).await.fault(), (413, "MessageTooLarge"));
}

#[tokio::test]
async fn parameters_are_named_as_they_are_written() {
    let world = World::new().await;
    let session = world.session().await;
    let responses = format!("{session}/responses");
    for (path, text) in [
        (format!("{responses}?maxCount=x"), "maxCount must be a whole number, not \"x\""),
        (format!("{responses}?waitMs=1&waitMs=2"), "waitMs is there more than once"),
        (format!("{responses}?max_count=-1"), "max_count must be a whole number, not \"-1\""),
        (format!("{responses}?stream=yes"), "stream must be true or false"),
        (format!("{session}?maxCount=1"), "unknown parameter \"maxCount\""),
        (
            "/api/v1/services/calc/scaling?shrinkRounds=x".to_owned(),
            "shrinkRounds must be a whole number, not \"x\"",
        ),
    ] {
        let refused = world.get(&path).await;
        assert_eq!(refused.fault(), (400, "InvalidRequest"), "{path}");
        assert_eq!(refused.body["message"], text, "{path}");
        assert_eq!((&refused.body["category"], &refused.body["retryable"]), (&json!(6), &json!(false)));
    }
}

#[tokio::test]
async fn more_is_taken_once_something_was_fetched() {
    let world = World::with("sessions: {throttle_start: 3, throttle_stop: 2}").await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2", "3", "4"]).await.ok();
    let refused = world.send(&session, &["5"]).await;
    assert_eq!(refused.fault(), (429, "Broker_Throttled"));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(world.responses(&session, 4).await.len(), 4);
    world.send(&session, &["5"]).await.ok();
}

#[tokio::test]
async fn a_full_store_takes_no_more_and_answers_what_it_has() {
    let world = World::with("sessions: {storage_size: 1MiB, message_size: 1MiB, retained_size: 1KiB}").await;
    let session = world.session().await;
    let large = json!({"requests": [{"payload": STANDARD.encode(vec![0; 300 << 10])}]}).to_string();
    let send = async || world.post(&format!("{session}/requests"), large.clone()).await;
    for _ in 0..3 {
        send().await.ok();
    }
    let refused = send().await;
    assert_eq!(refused.fault(), (507, "Broker_InsufficientStorage"));
    assert_eq!(refused.body["retryable"], true);
    let _host = world.host().connect().await.unwrap();
    assert_eq!(world.responses(&session, 3).await.len(), 3);
    send().await.ok();
}

#[tokio::test]
async fn what_was_fetched_takes_no_room_from_what_comes() {
    let world = World::with("sessions: {storage_size: 1MiB, message_size: 1MiB}").await;
    let _host = world.host().connect().await.unwrap();
    let sessions = [world.session().await, world.session().await];
    let large = json!({"requests": [{"payload": STANDARD.encode(vec![0; 300 << 10])}]}).to_string();
    // Three of them are all that there is room for, also where another session has fetched them.
    for round in 0..9 {
        let session = &sessions[round % 2];
        world.post(&format!("{session}/requests"), large.clone()).await.ok();
        assert_eq!(world.responses(session, 1).await.len(), 1);
    }
}

#[tokio::test]
async fn there_are_no_more_sessions_and_clients_than_there_may_be() {
    let world = World::with("sessions: {sessions: 1, clients: 1}").await;
    let session = world.session().await;
    let second = world.post("/api/v1/sessions", r#"{"serviceName": "calc"}"#).await;
    assert_eq!(second.fault(), (429, "Broker_TooManyBrokerRunning"));
    world.send(&session, &["1"]).await.ok();
    let other = world.post(&format!("{session}/requests?clientId=b"), requests(&["1"])).await;
    assert_eq!(other.fault(), (429, "Broker_TooManyClients"));
    assert_eq!(world.delete(&session).await.status, 204);
    let another = async {
        while world.post("/api/v1/sessions", r#"{"serviceName": "calc"}"#).await.status != 201 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, another).await.expect("there is room again");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let create = async |body: &str| world.post("/api/v1/sessions", body.to_owned()).await;
    for (body, name) in [
        (r#"{"serviceName": ""}"#, "InvalidSessionStartInfo"),
        (r#"{"serviceName": "a", "priority": 4001}"#, "InvalidSessionStartInfo"),
        (r#"{"serviceName": "a", "sessionType": 2}"#, "InvalidRequest"),
        (r#"{"serviceName": "a", "sessionIdleTimeout": "5m"}"#, "InvalidRequest"),
        (r#"{"sessionType": 0}"#, "InvalidRequest"),
        ("", "InvalidRequest"),
    ] {
        assert_eq!(create(body).await.fault(), (400, name), "{body}");
    }
    let page = ask(world.addr, Method::POST, "/api/v1/sessions", &[("origin", "http://evil")], "{}").await;
    assert_eq!(page.status, 415, "a page of another site makes no session");
}
