//! The broker's port over TLS and with credentials, what of it changes while it runs, and hosts of a whole cluster.

use frontier_credentials::token::hash;
use frontier_sdk::{ClientTls, Session, SessionError, SessionStartInfo};
use frontier_tests::{
    Authority, Broker, DEADLINE, Frontlas, Gateway, Process, Validity, eventually, replace, within,
};
use futures_util::StreamExt;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// A token file with one that may use sessions.
pub(crate) fn tokens(token: &str) -> String {
    let hash = hash(token.as_bytes()).expect("a token has a hash").replacen("hash: ", "hash: '", 1);
    format!("- {{{hash}', name: ann, role: operate}}\n")
}

/// Sends `count` requests, and waits for all answers.
pub(crate) async fn computes(session: &Session, client: &str, count: u32) {
    let client = session.client(client).unwrap();
    for number in 0..count {
        client.send_request("echo", &number, "").await.unwrap();
    }
    client.end_requests().await.unwrap();
    let answers = client.get_responses::<u32>().map(|response| response.unwrap().result.unwrap());
    let answers: BTreeSet<u32> = within("all are answered", answers.collect()).await;
    assert_eq!(answers, (0..count).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_tokens_are_renewed_while_it_runs() {
    let gateway = Gateway::builder().quick();
    let (tokens_file, dir) = (gateway.file("clients.yaml"), gateway.dir().to_owned());
    let gateway = gateway.start().await;
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = first.server(&["localhost"], Validity::Now).write(&dir, "broker");
    replace(&tokens_file, tokens("the-first-long-token"));
    let broker = Broker::of(&gateway)
        .set("sessions.listen.tls.enable", true)
        .set("sessions.listen.tls.certs", json!([{"cert": files.cert, "key": files.key}]))
        .set("sessions.auth.methods", json!([{"token": {"file": tokens_file}}]))
        .start()
        .await;
    let _host = Process::host(&gateway, "calc").await;
    let url = format!("https://{}", broker.addr());
    let create = async |tls: ClientTls, token: &str| {
        let info = SessionStartInfo::new(&url, "calc").no_proxy().tls(tls.server_name("localhost"));
        Session::create(info.token(token).patience(Duration::ZERO)).await
    };
    let session = create(first.trusted(), "the-first-long-token").await.unwrap();
    computes(&session, "main", 10).await;
    let wrong = create(first.trusted(), "the-second-long-token").await.unwrap_err();
    assert!(matches!(&wrong, SessionError::Fault { text, .. } if !text.contains("token-")), "{wrong}");
    let untrusted = create(second.trusted(), "the-first-long-token").await.unwrap_err();
    assert!(matches!(untrusted, SessionError::Unreachable(_)), "{untrusted}");

    // What is of no use changes nothing.
    replace(&tokens_file, "- {name: nobody}");
    eventually(DEADLINE, "it says why", async || broker.log().find("not reloaded")).await;
    create(first.trusted(), "the-first-long-token").await.unwrap();
    replace(&tokens_file, tokens("the-second-long-token"));
    second.server(&["localhost"], Validity::Now).write(&dir, "broker");
    let renewed = async || create(second.trusted(), "the-second-long-token").await.ok();
    let other = eventually(DEADLINE, "both are renewed", renewed).await;
    computes(&other, "main", 10).await;
    let gone = create(second.trusted(), "the-first-long-token").await.unwrap_err();
    assert!(matches!(gone, SessionError::Fault { .. }), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_a_whole_cluster_compute_and_one_gateway_may_go() {
    // Requests that wait for a host of a gateway that is lost do so until its lease is over.
    let frontlas = Frontlas::builder().set("frontier_plane.expiration.alive", "2s").start().await;
    let gateway = |id: &str| {
        Gateway::builder()
            .quick()
            .set("daemon.frontier_id", id)
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
    };
    let (mut first, second) = (gateway("g1").start().await, gateway("g2").start().await);
    let broker = Broker::of(&first)
        .set("gateway.frontlas", vec![format!("http://{}", frontlas.control())])
        .start()
        .await;
    let _hosts = [Process::host(&first, "calc").await, Process::host(&second, "calc").await];
    let session = Session::create(SessionStartInfo::new(broker.url(""), "calc").no_proxy()).await.unwrap();
    let hosts = async |count: u64| {
        let all = async || (session.status().await.unwrap().hosts == count).then_some(());
        eventually(DEADLINE, "the broker knows its hosts", all).await;
    };
    hosts(2).await;
    computes(&session, "both", 500).await;
    first.kill().await;
    computes(&session, "one", 500).await;
}
