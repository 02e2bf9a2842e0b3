//! Two brokers of one Redis: the one that has the sessions is lost in every way, and the other one goes on.

mod flushes;
mod stalled;

use crate::listen::{computes, tokens};
use crate::{answered, curl, post, requests, session};
use frontier_sdk::{Session, SessionError, SessionStartInfo};
use frontier_test_redis::Server;
use frontier_tests::{Authority, Broker, DEADLINE, Gateway, Process, Validity, eventually, replace};
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Instant;

/// A broker whose sessions are in this Redis.
async fn broker(gateway: &Gateway, redis: &Server) -> Broker {
    let broker = Broker::of(gateway).set("store.redis.standalone.addr", redis.addr().to_string());
    broker.set("store.redis.lease", "2s").start().await
}

/// Waits until it has the sessions.
async fn leads(broker: &Broker) {
    eventually(DEADLINE, "it has the sessions", async || broker.log().find("connected to the gateway")).await;
}

/// The same session at another broker.
fn at(broker: &Broker, session: &str) -> String {
    broker.url(&session[session.find("/api/").unwrap()..])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_one_that_was_paused_answer_nothing_any_more_and_all_is_answered_once() {
    let redis = Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let gateway = Gateway::builder().quick().start().await;
    let mut first = broker(&gateway, &redis).await;
    leads(&first).await;
    let second = broker(&gateway, &redis).await;
    let _hosts = [Process::host(&gateway, "calc").await, Process::host(&gateway, "calc").await];
    let session = session(&first).await;
    for part in 0..4 {
        let sent =
            post(&format!("{session}/requests"), &requests("echo", part * 100..(part + 1) * 100)).await;
        assert_eq!(sent.0, 202, "{}", sent.1);
    }
    // Any of them takes clients.
    let session = at(&second, &session);
    assert_eq!(curl(&[&session]).await.0, 200);
    first.signal(Signal::SIGKILL);
    let begun = Instant::now();
    let takes_over = async || match curl(&[&session]).await {
        (200, _) => Some(()),
        (503, told) if told["code"] == "Broker_NotOwner" => None,
        other => panic!("{other:?}"),
    };
    eventually(DEADLINE, "the other one has the session", takes_over).await;
    println!("taken over after {:?}", begun.elapsed());
    leads(&second).await;
    first = first.restart().await;
    // What was sent before may be sent again; ids would tell. Here nothing was unanswered.
    for part in 4..8 {
        let sent =
            post(&format!("{session}/requests"), &requests("echo", part * 100..(part + 1) * 100)).await;
        assert_eq!(sent.0, 202, "{}", sent.1);
    }
    second.signal(Signal::SIGSTOP);
    leads(&first).await;
    let session = at(&first, &session);
    second.signal(Signal::SIGCONT);
    let mut second = second;
    let ends = async || second.log().find("another broker has the sessions: this one ends");
    eventually(DEADLINE, "it finds out", ends).await;
    assert_ne!(second.exit().await, Some(0));
    assert_eq!(post(&format!("{session}/requests/flush?end=true"), "").await.0, 200);
    assert_eq!(answered(&session).await, (0..800).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stands_by_asks_over_tls_and_with_the_credentials_of_the_client() {
    let redis = Server::start();
    let gateway = Gateway::builder().quick();
    let (tokens_file, dir) = (gateway.file("clients.yaml"), gateway.dir().to_owned());
    let gateway = gateway.start().await;
    replace(&tokens_file, tokens("a-token-of-a-client"));
    let authority = Authority::new("brokers");
    let ca = dir.join("brokers.pem");
    replace(&ca, authority.pem());
    let broker = async |name: &str| {
        let broker = Broker::of(&gateway);
        let ip = broker.addr().ip().to_string();
        let files = authority.server(&["localhost", &ip], Validity::Now).write(&dir, name);
        let broker = broker
            .set("store.redis.standalone.addr", redis.addr().to_string())
            .set("store.redis.peers.ca_certs", json!([ca]))
            .set("sessions.listen.tls.enable", true)
            .set("sessions.listen.tls.certs", json!([{"cert": files.cert, "key": files.key}]))
            .set("sessions.auth.methods", json!([{"token": {"file": tokens_file}}]));
        broker.start().await
    };
    let first = broker("first").await;
    leads(&first).await;
    let second = broker("second").await;
    let _host = Process::host(&gateway, "calc").await;
    let session = async |token: &str| {
        let info = SessionStartInfo::new(format!("https://{}", second.addr()), "calc").no_proxy();
        let info = info.tls(authority.trusted().server_name("localhost")).token(token);
        Session::create(info).await
    };
    computes(&session("a-token-of-a-client").await.unwrap(), "main", 100).await;
    let wrong = session("another-token-of-a-client").await.unwrap_err();
    assert!(matches!(wrong, SessionError::Fault { .. }), "{wrong}");
}
