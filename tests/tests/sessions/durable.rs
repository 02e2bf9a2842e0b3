//! Durable sessions of the SDK: what is flushed is answered once, whether the broker is killed or its client.

use frontier_sdk::{BrokerClient, DurableSession, ResponseStart, Session, SessionError, SessionStartInfo};
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, within};
use futures_util::StreamExt;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::time::Duration;
use tempfile::TempDir;

/// A broker with a file, and a host.
struct World {
    gateway: Gateway,
    broker: Broker,
    _host: Process,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let gateway = Gateway::builder().quick().start().await;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("sessions.redb");
        let broker = Broker::of(&gateway).set("store.path", path.to_str().unwrap()).start().await;
        let host = Process::host(&gateway, "calc").await;
        Self { gateway, broker, _host: host, _folder: folder }
    }

    fn info(&self) -> SessionStartInfo {
        info(&self.broker.url(""))
    }

    /// Kills the broker, and starts it again.
    async fn cut(mut self) -> Self {
        self.broker.signal(Signal::SIGKILL);
        self.broker = self.broker.restart().await;
        self
    }
}

pub(crate) fn info(url: &str) -> SessionStartInfo {
    SessionStartInfo::new(url, "calc").no_proxy()
}

pub(crate) async fn send(client: &BrokerClient, numbers: std::ops::Range<u32>) {
    for number in numbers {
        client.send_request("echo", &number, &number.to_string()).await.unwrap();
    }
}

/// The numbers that are answered from there on, each once.
pub(crate) async fn answered(client: &BrokerClient, start: ResponseStart) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let mut responses = client.get_responses_from::<u32>(start);
    while let Some(response) = within("a response", responses.next()).await {
        let response = response.unwrap();
        let number = response.result.unwrap();
        assert_eq!(response.user_data, number.to_string());
        assert!(seen.insert(number), "{number} is answered once");
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn each_flush_counts_once_though_the_broker_is_killed_before_it_and_meanwhile() {
    let mut world = World::new().await;
    let session = DurableSession::create(world.info()).await.unwrap();
    let client = session.client("main").unwrap();
    let reading = tokio::spawn({
        let client = client.clone();
        async move { answered(&client, ResponseStart::Current).await }
    });
    for round in 0..4 {
        let from = round * 100;
        send(&client, from..from + 50).await;
        // They have come, and are lost with it; the rest comes to the next one.
        let received = async || {
            let (_, sessions) = crate::curl(&[&world.broker.url("/api/v1/sessions")]).await;
            (sessions[0]["requestCount"] == from + 50).then_some(())
        };
        eventually(DEADLINE, "they have come", received).await;
        world = world.cut().await;
        send(&client, from + 50..from + 100).await;
        let flushed = tokio::spawn({
            let client = client.clone();
            async move { client.flush().await }
        });
        if round % 2 == 1 {
            world = world.cut().await;
        }
        let committed = within("it is flushed", flushed).await.unwrap().unwrap();
        assert_eq!(committed, u64::from(from + 100));
    }
    world = world.cut().await;
    within("the requests end", client.end_requests()).await.unwrap();
    assert_eq!(within("all are read", reading).await.unwrap(), (0..400).collect());
    let status = session.status().await.unwrap();
    assert_eq!((status.processed, status.failed, status.pending), (400, 0, 0));
    drop(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_killed_comes_back_and_goes_on_with_what_it_had_flushed() {
    let world = World::new().await;
    let url = world.broker.url("");
    let (mut process, id) = Process::durable_client(&world.gateway, &url).await;
    assert!(process.log().find("flushed 40").is_some(), "{:?}", process.log().lines());
    process.signal(Signal::SIGKILL);
    process.exit().await;
    // The broker is another one, too.
    let world = world.cut().await;

    let session = DurableSession::attach(world.info(), &id).await.unwrap();
    assert_eq!((session.id(), session.service()), (&*id, "calc"));
    let client = session.client("main").unwrap();
    let mut first = client.get_responses::<u32>();
    assert!(within("it is computed", first.next()).await.unwrap().is_ok(), "though nobody was there");
    drop(first);
    assert_eq!(client.flush().await.unwrap(), 40, "what was not flushed is gone");
    send(&client, 40..50).await;
    assert_eq!(client.flush().await.unwrap(), 50);
    // Somebody else takes the name up: it is that one's now.
    let other = DurableSession::attach(world.info(), &id).await.unwrap().client("main").unwrap();
    send(&client, 50..60).await;
    assert_eq!(other.flush().await.unwrap(), 50);
    // What is on its way still may be refused before this one is sent.
    let stale = match client.send_request("echo", &60, "60").await {
        Ok(_) => client.flush().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(stale.code(), "Broker_StaleBatch", "{stale}");
    send(&other, 50..60).await;
    other.end_requests().await.unwrap();
    assert_eq!(answered(&other, ResponseStart::Begin).await, (0..60).collect());
    assert_eq!(answered(&other, ResponseStart::Current).await, BTreeSet::new(), "all were fetched");
    let again = other.end_requests().await.unwrap_err();
    assert_eq!(again.code(), "Broker_EOMReject_GetResponse", "{again}");
    session.close().await.unwrap();
    let gone = DurableSession::attach(world.info(), &id).await.unwrap_err();
    assert_eq!(gone.code(), "Session_ValidateJobFailed_AlreadyFinished", "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_makes_void_what_was_not_flushed_and_kinds_are_not_mixed_up() {
    let world = World::new().await;
    let session = DurableSession::create(world.info()).await.unwrap();
    let client = session.client("main").unwrap();
    assert_eq!(client.flush().await.unwrap(), 0, "it is new");
    send(&client, 0..10).await;
    assert_eq!(client.flush().await.unwrap(), 10);
    send(&client, 10..20).await;
    client.send_request("echo", &20, &"x".repeat(1025)).await.unwrap();
    let refused = loop {
        // Sooner or later one is told; those before it go nowhere.
        if let Err(error) = client.send_request("echo", &99, "99").await {
            break error;
        }
    };
    assert_eq!(refused.code(), "UserDataTooLong", "{refused}");
    assert_eq!(client.flush().await.unwrap(), 10);
    send(&client, 10..20).await;
    client.send_request("echo", &20, &"x".repeat(1025)).await.unwrap();
    let refused = client.end_requests().await.unwrap_err();
    assert_eq!(refused.code(), "UserDataTooLong", "{refused}");
    send(&client, 10..30).await;
    client.end_requests().await.unwrap();
    assert_eq!(answered(&client, ResponseStart::Current).await, (0..30).collect());

    let interactive = Session::create(world.info()).await.unwrap();
    let wrong = DurableSession::attach(world.info(), interactive.id()).await.unwrap_err();
    assert_eq!(wrong.code(), "InvalidAttachInteractiveSession", "{wrong}");
    let wrong = Session::attach(world.info(), session.id()).await.unwrap_err();
    assert_eq!(wrong.code(), "InvalidAttachDurableSession", "{wrong}");

    // Where nothing outlives the broker a durable session is refused, with the reason.
    let gateway = Gateway::builder().quick().start().await;
    let forgetful = Broker::of(&gateway).start().await;
    let patient = info(&forgetful.url("")).patience(Duration::from_secs(600));
    let refused = within("it is told at once", DurableSession::create(patient)).await.unwrap_err();
    let SessionError::Fault { code, text, is_retryable } = &refused else { panic!("{refused:?}") };
    assert_eq!((&**code, *is_retryable), ("Broker_UnsupportedOperation", false));
    assert!(text.contains("store.path"), "{text}");
}
