//! Sessions from their beginning to their end.

use crate::http::{ask, open};
use crate::world::{DEADLINE, World, requests, texts};
use frontier_sdk::{HostError, HostRequest, Response};
use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

#[tokio::test]
async fn what_is_sent_is_computed_and_fetched() {
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let sent = world.send(&session, &["1", "2", "3"]).await;
    assert_eq!(sent.status, 202);
    let ids: HashSet<_> = sent.body["messageIds"].as_array().unwrap().iter().cloned().collect();
    assert_eq!((sent.body["enqueued"].as_u64(), ids.len()), (Some(3), 3));
    let responses = world.responses(&session, 3).await;
    assert_eq!(texts(&responses), ["1", "2", "3"]);
    for one in &responses {
        assert!(ids.contains(&one["requestMessageId"]));
        assert_eq!((&one["isFault"], &one["faultMessage"]), (&Value::Bool(false), &Value::Null));
    }
    let data: HashSet<_> = responses.iter().map(|one| one["userData"].as_str().unwrap()).collect();
    assert_eq!(data, HashSet::from(["1", "2", "3"]));
    let status = world.get(&format!("{session}/status")).await.ok();
    assert_eq!(
        (&status["pendingRequests"], &status["processedRequests"], &status["failedRequests"]),
        (&json!(0), &json!(3), &json!(0))
    );
}

#[tokio::test]
async fn what_is_fetched_is_not_given_out_again_unless_it_is_asked_for() {
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2"]).await.ok();
    world.post(&format!("{session}/requests/flush"), r#"{"end": true, "sent": 2}"#).await.ok();
    assert_eq!(world.responses(&session, 2).await.len(), 2);
    let page = |query: &str| format!("{session}/responses?{query}");
    let current = world.get(&page("")).await.ok();
    assert_eq!((current["count"].as_u64(), current["remaining"].as_u64()), (Some(0), Some(0)));
    assert_eq!(current["endOfResponses"], json!({"count": 2, "reason": "Success"}));
    let again = world.get(&page("position=begin&maxCount=1")).await.ok();
    assert_eq!((again["count"].as_u64(), again["remaining"].as_u64()), (Some(1), Some(1)));
    assert!(again["endOfResponses"].is_null());
    assert_eq!(world.get(&page("position=1")).await.ok()["count"], 1);
    assert_eq!(world.get(&page("position=x")).await.fault(), (400, "InvalidRequest"));
}

#[tokio::test]
async fn responses_come_as_lines_until_the_end() {
    let world = World::new().await;
    let host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let path = format!("{session}/responses");
    let headers = [("accept", "application/x-ndjson")];
    let stream = open(world.addr, Method::GET, &path, &headers, "").await;
    assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
    let reading = tokio::spawn(stream.into_body().collect());
    world.send(&session, &["1", "2"]).await.ok();
    world.until(&format!("{session}/status"), |it| it["processedRequests"] == 2).await;
    world.send(&session, &["3"]).await.ok();
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    let text = reading.await.unwrap().unwrap().to_bytes();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let (last, responses) = lines.split_last().unwrap();
    assert_eq!(texts(responses), ["1", "2", "3"]);
    assert_eq!(*last, json!({"endOfResponses": {"count": 3, "reason": "Success"}}));
    assert_eq!(world.get(&path).await.ok()["count"], 0, "they were fetched");
    drop(host);
}

#[tokio::test]
async fn a_batch_that_is_repeated_is_one_batch() {
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let path = format!("{session}/requests");
    let send = async |key: &str, bodies: &[&str]| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        ask(world.addr, Method::POST, &path, &headers, requests(bodies)).await.ok()
    };
    let first = send("one", &["1", "1"]).await;
    assert_eq!(first["enqueued"], 2);
    assert_eq!(send("one", &["1", "1"]).await, first);
    assert_ne!(send("two", &["1", "1"]).await, first);
    world.post(&format!("{session}/requests/flush"), r#"{"end": true}"#).await.ok();
    assert_eq!(world.responses(&session, usize::MAX).await.len(), 4);
    let long = "x".repeat(257);
    let headers = [("idempotency-key", &*long)];
    let refused = ask(world.addr, Method::POST, &path, &headers, requests(&["1"])).await;
    assert_eq!(refused.fault(), (400, "InvalidRequest"));
}

#[tokio::test]
async fn clients_of_a_session_have_queues_of_their_own() {
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    for name in ["a", "b"] {
        world.post(&format!("{session}/requests?clientId={name}"), requests(&[name])).await.ok();
        world.post(&format!("{session}/requests/flush?clientId={name}&end=true"), "").await.ok();
    }
    for name in ["a", "B"] {
        let path = format!("{session}/responses?clientId={name}&waitMs=8000");
        let page = world.until(&path, |page| page["count"] == 1).await;
        assert_eq!(texts(page["responses"].as_array().unwrap()), [name.to_lowercase()]);
    }
    assert_eq!(world.delete(&format!("{session}/clients/a")).await.status, 204);
    let gone = world.get(&format!("{session}/responses?clientId=a")).await.ok();
    assert_eq!(gone["endOfResponses"]["reason"], "ClientPurged");
}

#[tokio::test]
async fn every_wrong_step_is_told_by_its_name() {
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let flush = async |body: &str| world.post(&format!("{session}/requests/flush"), body.to_owned()).await;
    assert_eq!(flush(r#"{"end": true}"#).await.fault(), (409, "InvalidOperation_NoRequests"));
    world.send(&session, &["1"]).await.ok();
    assert_eq!(flush(r#"{"sent": 2}"#).await.fault(), (409, "Broker_FlushIncomplete"));
    flush(r#"{"sent": 1}"#).await.ok();
    flush(r#"{"sent": 1, "end": true}"#).await.ok();
    assert_eq!(flush("").await.fault(), (409, "Broker_FlushRejected"));
    assert_eq!(world.send(&session, &["2"]).await.fault(), (409, "Broker_SendRejected"));
    assert_eq!(world.responses(&session, 1).await.len(), 1);
    assert_eq!(flush(r#"{"end": true}"#).await.fault(), (409, "Broker_EOMReject_GetResponse"));
    let attach = async |query: &str| world.post(&format!("{session}/attach{query}"), "").await;
    assert_eq!(attach("?clientId=me").await.ok()["clientId"], "me");
    attach("?sessionType=0").await.ok();
    assert_eq!(attach("?sessionType=Durable").await.fault(), (409, "InvalidAttachInteractiveSession"));
    assert_eq!(attach("?clientId=a/b").await.fault(), (400, "InvalidClientId"));
    assert_eq!(world.delete(&session).await.status, 204);
    assert_eq!(world.delete(&session).await.status, 204, "once more does no harm");
    assert_eq!(attach("").await.fault(), (409, "Session_ValidateJobFailed_AlreadyFinished"));
    assert_eq!(world.send(&session, &["2"]).await.fault().0, 409);
    assert_eq!(world.get(&session).await.ok()["state"], 3);
    let unknown = format!("/api/v1/sessions/{}", "0".repeat(32));
    assert_eq!(world.get(&unknown).await.fault(), (404, "InvalidSessionId"));
    assert_eq!(world.send("/api/v1/sessions/x", &["1"]).await.fault(), (404, "InvalidSessionId"));
    let durable = world.post("/api/v1/sessions", r#"{"serviceName": "calc", "sessionType": 1}"#).await;
    assert_eq!(durable.fault(), (501, "Broker_UnsupportedOperation"), "what it can't keep it does not take");
}

#[tokio::test]
async fn what_a_service_says_is_told_and_what_fails_is_tried_again() {
    let world = World::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let handler = move |request: HostRequest| {
        let counted = counted.clone();
        async move {
            match &request.body[..] {
                b"fault" => Err(HostError::fault(7, "no such option")),
                b"never" => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    Err(HostError::Retry("not today".into()))
                }
                b"third" if request.tries < 2 => Err(HostError::Retry("not yet".into())),
                _ => Ok(Response::new(request.body)),
            }
        }
    };
    let _host = world.host().handler(handler).connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["fault", "never", "third"]).await.ok();
    let responses = world.responses(&session, 3).await;
    let of = |data: &str| responses.iter().find(|one| one["userData"] == data).unwrap();
    let fault = of("fault");
    assert_eq!((&fault["faultCode"], &fault["faultDetail"]), (&json!("ServiceFault"), &json!(7)));
    assert_eq!(fault["faultMessage"], "no such option");
    let never = of("never");
    assert_eq!(never["faultCode"], "RetryOperationError");
    assert_eq!(never["faultMessage"], "the request has failed 4 times: not today");
    assert_eq!(tries.load(Ordering::SeqCst), 4);
    assert_eq!(texts(&[of("third").clone()]), ["third"]);
    assert_eq!(world.get(&format!("{session}/status")).await.ok()["failedRequests"], 2);
}

#[tokio::test]
async fn a_host_that_goes_gives_its_requests_to_others() {
    let world = World::new().await;
    let begun = Arc::new(Semaphore::new(0));
    let told = begun.clone();
    let stuck = move |_: HostRequest| {
        told.add_permits(1);
        std::future::pending::<Result<Response, HostError>>()
    };
    let lost = world.host().capacity(2).handler(stuck.clone()).connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2", "3", "4", "5"]).await.ok();
    begun.acquire_many(2).await.unwrap().forget();
    // It is gone without a word.
    drop(lost);
    let draining = world.host().capacity(2).handler(stuck).connect().await.unwrap();
    begun.acquire_many(2).await.unwrap().forget();
    let _good = world.host().connect().await.unwrap();
    // What it has begun is cut after the grace; what it has not is given back at once.
    assert!(!draining.drain(Duration::from_millis(100)).await);
    assert_eq!(texts(&world.responses(&session, 5).await), ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_host_that_is_to_stop_says_so_to_what_runs_and_what_that_gives_back_counts_as_no_try() {
    let world = World::with("hosts: {resend_limit: 0}").await;
    let begun = Arc::new(Semaphore::new(0));
    let told = begun.clone();
    let handler = move |mut request: HostRequest| {
        told.add_permits(1);
        async move {
            assert_eq!(request.exiting().await, Duration::from_secs(30));
            Err::<Response, _>(HostError::GiveBack)
        }
    };
    let hook = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = hook.clone();
    let stopping = world.host().capacity(2).handler(handler);
    let stopping = stopping.on_exiting(move |grace| heard.lock().unwrap().push(grace));
    let stopping = stopping.connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2", "3"]).await.ok();
    begun.acquire_many(2).await.unwrap().forget();
    assert!(stopping.drain(Duration::from_secs(30)).await, "all of it was given back");
    assert_eq!(*hook.lock().unwrap(), [Duration::from_secs(30)], "it is called once");
    let tries =
        |request: HostRequest| async move { Ok::<_, HostError>(Response::new(request.tries.to_string())) };
    let _good = world.host().handler(tries).connect().await.unwrap();
    assert_eq!(texts(&world.responses(&session, 3).await), ["0", "0", "0"]);
}

#[tokio::test]
async fn a_host_that_cant_offer_the_service_is_done_without_and_so_is_its_node() {
    let world = World::new().await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let refuse = move |_: HostRequest| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Err::<Response, _>(HostError::NotInitialized("no licence".into())))
    };
    let _bad = world.host().node("a").capacity(1).handler(refuse.clone()).connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2", "3", "4"]).await.ok();
    let path = "/api/v1/services/calc/scaling";
    world.until(path, |it| it["hosts"].as_array().is_some_and(|hosts| hosts.len() == 1)).await;
    let _worse = world.host().node("a").capacity(1).handler(refuse).connect().await.unwrap();
    let _good = world.host().node("b").connect().await.unwrap();
    assert_eq!(texts(&world.responses(&session, 4).await), ["1", "2", "3", "4"]);
    assert!((1..=4).contains(&asked.load(Ordering::SeqCst)), "no more than was there already");
}

#[tokio::test]
async fn a_host_that_hangs_is_given_up() {
    let world = World::with("hosts: {hang_timeout: 200ms, resend_limit: 1}").await;
    let handler = |_: HostRequest| std::future::pending::<Result<Response, HostError>>();
    let _host = world.host().handler(handler).connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1"]).await.ok();
    let responses = world.responses(&session, 1).await;
    assert_eq!(responses[0]["faultMessage"], "the request has failed 2 times: no answer within 200ms");
}

#[tokio::test]
async fn a_pool_is_computed_by_hosts_with_its_labels() {
    let world = World::new().await;
    let host = |zone: &'static str| {
        let answer = move |_: HostRequest| async move { Ok::<_, HostError>(Response::new(zone)) };
        world.host().label("zone", zone).handler(answer)
    };
    let (_a, _b) = (host("a").connect().await.unwrap(), host("b").connect().await.unwrap());
    let session = world.session_with(json!({"pool": {"zone": "b"}})).await;
    world.send(&session, &["1", "2", "3"]).await.ok();
    assert_eq!(texts(&world.responses(&session, 3).await), ["b", "b", "b"]);
}

#[tokio::test]
async fn hosts_that_are_preferred_compute_it_as_long_as_they_are_there() {
    let world = World::new().await;
    let host = |node: &'static str| {
        let answer = move |_: HostRequest| async move { Ok::<_, HostError>(Response::new(node)) };
        world.host().node(node).label("disk", node).handler(answer)
    };
    let (_a, b) = (host("a").connect().await.unwrap(), host("b").connect().await.unwrap());
    let wishes = [
        json!({"preferredNodes": ["nowhere", "b"], "preferredPool": {}}),
        json!({"preferredNodes": [], "preferredPool": {"disk": "b"}}),
        json!({"preferredNodes": ["b"], "preferredPool": {"disk": "b"}, "sticky": true}),
    ];
    let mut sessions = Vec::new();
    for wish in wishes {
        let session = world.session_with(wish.clone()).await;
        let info = world.get(&session).await.ok();
        let told = ["preferredNodes", "preferredPool"].map(|name| (&info[name], &wish[name]));
        assert!(told.iter().all(|(told, said)| told == said), "{told:?}");
        world.send(&session, &["1", "2", "3"]).await.ok();
        assert_eq!(texts(&world.responses(&session, 3).await), ["b", "b", "b"]);
        sessions.push(session);
    }
    b.drain(DEADLINE).await;
    for session in sessions {
        world.send(&session, &["4", "5", "6"]).await.ok();
        assert_eq!(texts(&world.responses(&session, 3).await), ["a", "a", "a"]);
    }
}

#[tokio::test]
async fn what_cant_be_preferred_is_refused() {
    let world = World::new().await;
    let many: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    for (wrong, part) in [
        (json!({"preferredNodes": many}), "16 nodes"),
        (json!({"preferredNodes": [""]}), "1 to 255 bytes"),
        (json!({"preferredPool": {"zone": "b".repeat(256)}}), "a preferred pool"),
        (json!({"preferredPool": {"zone": "b"}, "pool": {"zone": "a"}}), "no host is in both"),
    ] {
        let mut create = wrong;
        create["serviceName"] = "calc".into();
        let refused = world.post("/api/v1/sessions", create.to_string()).await;
        assert_eq!(refused.fault(), (400, "InvalidSessionStartInfo"));
        assert!(refused.body["message"].as_str().unwrap().contains(part), "{}", refused.body);
    }
}

#[tokio::test]
async fn what_nobody_uses_ends() {
    let world = World::with("sessions: {client_connection_timeout: 100ms}").await;
    let session = world.session().await;
    let info = world.until(&session, |info| info["state"] == 5).await;
    assert_eq!(info["brokerState"], "Finished");
    let attached = world.post(&format!("{session}/attach"), "").await;
    assert_eq!(attached.fault(), (409, "Session_ValidateJobFailed_AlreadyFinished"));
    assert!(attached.body["message"].as_str().unwrap().contains("not used for too long"));
}

#[tokio::test]
async fn sessions_are_listed_and_described() {
    let world = World::new().await;
    let more = json!({"priority": 3000, "properties": {"a": "b"}, "sessionIdleTimeout": "00:10:00"});
    let session = world.session_with(more).await;
    let info = world.get(&session).await.ok();
    assert_eq!(
        (&info["serviceName"], &info["state"], &info["sessionType"]),
        (&json!("calc"), &json!(1), &json!(0))
    );
    assert_eq!((&info["sessionIdleTimeout"], &info["properties"]), (&json!("00:10:00"), &json!({"a": "b"})));
    assert_eq!((&info["priority"], &info["brokerEndpoint"]), (&json!(3000), &Value::Null));
    let list = world.get("/api/v1/sessions").await.ok();
    let listed = &list.as_array().unwrap()[0];
    assert_eq!((&listed["id"], &listed["status"]), (&info["sessionId"], &json!("Active")));
}
