//! The SDK's client, over gRPC.

use frontier_sdk::{
    BrokerResponse, HostError, Response, ResponseFault, ResponseStart, ServiceHost, Session, SessionError,
    SessionStartInfo,
};
use frontier_tests::{Broker, Gateway, Process, StallProxy, eventually, within};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes to a host, which answers with the same.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Job {
    number: u32,
}

fn info(url: &str) -> SessionStartInfo {
    SessionStartInfo::new(url, "calc").no_proxy()
}

type Responses = dyn Stream<Item = Result<BrokerResponse<Job>, SessionError>> + Send + Unpin;

/// The numbers that are answered up to the end: each once, with its user data.
async fn numbers(responses: &mut Responses, seen: &mut BTreeSet<u32>) {
    while let Some(response) = within("a response", responses.next()).await {
        let response = response.unwrap();
        let job = response.result.unwrap();
        assert_eq!(response.user_data, job.number.to_string());
        assert!(seen.insert(job.number), "{} is answered once", job.number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_once_though_connections_break() {
    const COUNT: u32 = 3000;
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let proxy = StallProxy::to(broker.addr()).await;
    let session = Session::create(info(&format!("http://{}", proxy.addr()))).await.unwrap();
    assert_eq!((session.service(), session.id().len()), ("calc", 32));
    let client = session.client("main").unwrap();
    let mut seen = BTreeSet::new();
    let mut responses = client.get_responses::<Job>();
    for number in 0..COUNT {
        client.send_request("echo", &Job { number }, &number.to_string()).await.unwrap();
        if number % 500 == 250 {
            proxy.cut();
            let next = within("responses go on", responses.next()).await.unwrap().unwrap();
            seen.insert(next.result.unwrap().number);
        }
    }
    proxy.cut();
    within("the requests end", client.end_requests()).await.unwrap();
    proxy.cut();
    numbers(&mut responses, &mut seen).await;
    assert_eq!(seen, (0..COUNT).collect());
    let status = session.status().await.unwrap();
    assert_eq!((status.processed, status.pending, status.is_active), (u64::from(COUNT), 0, true));
    session.close().await.unwrap();
    assert!(!session.status().await.unwrap().is_active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_computed_where_it_prefers() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let host = |node: &'static str| {
        let host = ServiceHost::builder(gateway.edge_url(), "calc").node(node).label("disk", node);
        host.handler(move |_| async move { Ok::<_, HostError>(Response::new(node)) }).connect()
    };
    let _hosts = [host("a").await.unwrap(), host("b").await.unwrap(), host("c").await.unwrap()];
    let wishes = [
        ("b", info(&broker.url("")).preferred_node("b")),
        ("c", info(&broker.url("")).preferred_pool("disk", "c")),
    ];
    for (node, info) in wishes {
        let session = Session::create(info).await.unwrap();
        let all = async || (session.status().await.unwrap().hosts == 3).then_some(());
        eventually(frontier_tests::DEADLINE, "the broker knows all hosts", all).await;
        let client = session.client("main").unwrap();
        let mut responses = client.get_bytes_from(ResponseStart::Current);
        for _ in 0..5 {
            client.send_bytes("", "", "").await.unwrap();
            let response = within("a response", responses.next()).await.unwrap().unwrap();
            assert_eq!(response.result.unwrap(), node);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_nobody_polls_hold_up_nothing_else() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let session = Session::create(info(&broker.url(""))).await.unwrap();
    let client = session.client("main").unwrap();
    for _ in 0..8 {
        client.send_bytes("echo", vec![7; 1 << 20], "").await.unwrap();
    }
    client.end_requests().await.unwrap();
    let mut streams: Vec<_> = (0..8).map(|_| client.get_bytes_from(ResponseStart::Begin)).collect();
    for stream in &mut streams {
        within("a response", stream.next()).await.unwrap().unwrap();
    }
    // Each has more to read than a connection takes by itself.
    let all = async || {
        let status = within("the status", session.status()).await.unwrap();
        (status.processed == 8).then_some(())
    };
    eventually(frontier_tests::DEADLINE, "all are computed", all).await;
    within("the status", session.status()).await.unwrap();
    for stream in streams {
        assert_eq!(within("the rest", stream.count()).await, 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_held_up_hold_up_no_responses() {
    const COUNT: usize = 100;
    let gateway = Gateway::builder().quick().start().await;
    let limits = Broker::of(&gateway).set("sessions.throttle_start", 4).set("sessions.throttle_stop", 2);
    let broker = limits.start().await;
    let _host = Process::host(&gateway, "calc").await;
    let session = Session::create(info(&broker.url(""))).await.unwrap();
    let client = session.client("main").unwrap();
    for _ in 0..COUNT {
        client.send_bytes("echo", vec![7; 64 << 10], "").await.unwrap();
    }
    // Some are computed, and as long as nobody fetches them the rest stands on the way.
    let held_up = async || (session.status().await.unwrap().processed >= 4).then_some(());
    eventually(frontier_tests::DEADLINE, "there are enough", held_up).await;
    let ended = tokio::spawn({
        let client = client.clone();
        async move { client.end_requests().await }
    });
    let fetched = within("all are fetched", client.get_bytes_from(ResponseStart::Current).count()).await;
    assert_eq!(fetched, COUNT);
    within("the requests end", ended).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn others_attach_a_handler_is_called_and_what_is_wrong_is_told() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).start().await;
    let _host = Process::host(&gateway, "calc").await;
    let url = broker.url("");
    let session = Session::create(info(&url).priority(3000).property("a", "b")).await.unwrap();
    let client = session.client("main").unwrap();
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let handling = client.set_response_handler({
        let heard = heard.clone();
        move |response: BrokerResponse<Job>| {
            heard.lock().unwrap().insert(response.result.unwrap().number);
            std::future::ready(())
        }
    });
    let mut ids = BTreeSet::new();
    for number in 0..10 {
        ids.insert(client.send_request("echo", &Job { number }, &number.to_string()).await.unwrap());
    }
    client.flush().await.unwrap();
    // They are computed though more may follow.
    let all = async || (heard.lock().unwrap().len() == 10).then_some(());
    eventually(frontier_tests::DEADLINE, "the handler is called", all).await;
    client.end_requests().await.unwrap();
    within("the handler is done", handling.finished()).await.unwrap();

    let attached = Session::attach(info(&url), session.id()).await.unwrap();
    let again = attached.client("main").unwrap();
    let mut seen = BTreeSet::new();
    numbers(&mut again.get_responses_from::<Job>(ResponseStart::Begin), &mut seen).await;
    assert_eq!(seen, (0..10).collect());
    let mut of_other_type = again.get_responses_from::<String>(ResponseStart::At(9));
    let last = within("the last one", of_other_type.next()).await.unwrap().unwrap();
    assert!(matches!(last.result, Err(ResponseFault::Body(_))) && ids.contains(&last.request_id), "{last:?}");
    let bytes: Vec<_> = again.get_bytes_from(ResponseStart::Begin).collect().await;
    assert!(bytes.iter().all(|it| it.as_ref().unwrap().result.as_ref().unwrap().starts_with(b"{")));
    let error = client.end_requests().await.unwrap_err();
    assert_eq!(error.code(), "Broker_EOMReject_GetResponse", "{error}");
    again.close(true).await.unwrap();
    let purged = within("it ends", client.get_responses::<Job>().next()).await.unwrap();
    assert!(matches!(&purged, Err(SessionError::Ended(why)) if why == "ClientPurged"), "{purged:?}");

    // One that is too long is told by the next call, and those after it are sent.
    let other = session.client("other").unwrap();
    other.send_request("echo", &Job { number: 1 }, &"x".repeat(1025)).await.unwrap();
    let error = other.flush().await.unwrap_err();
    assert_eq!(error.code(), "UserDataTooLong", "{error}");
    other.send_request("echo", &Job { number: 2 }, "2").await.unwrap();
    other.end_requests().await.unwrap();
    let mut seen = BTreeSet::new();
    numbers(&mut other.get_responses::<Job>(), &mut seen).await;
    assert_eq!(seen, [2].into());

    assert!(matches!(session.client("a/b"), Err(SessionError::ClientId)));
    let unknown = Session::attach(info(&url), &"0".repeat(32)).await.unwrap_err();
    assert_eq!(unknown.code(), "InvalidSessionId", "{unknown}");
    let wrong = Session::create(info("tcp://127.0.0.1:1")).await.unwrap_err();
    assert!(matches!(wrong, SessionError::Url(_)), "{wrong}");
    let nobody = info("http://127.0.0.1:1").patience(Duration::from_millis(100));
    let nobody = Session::create(nobody).await.unwrap_err();
    assert!(matches!(nobody, SessionError::Unreachable(_)), "{nobody}");
    session.close().await.unwrap();
    let closed = within("it ends", other.get_responses::<Job>().next()).await.unwrap().unwrap_err();
    assert_eq!(closed.code(), "Session_ValidateJobFailed_AlreadyFinished", "{closed}");
}
