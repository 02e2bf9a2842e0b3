//! A durable session of the SDK whose leading broker is killed in the middle of flushes.

use super::broker;
use crate::durable::{answered, info, send};
use frontier_sdk::{DurableSession, ResponseStart};
use frontier_test_redis::Server;
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, within};
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::time::sleep;

/// Which of them has the sessions: one that was killed and started again may have them once more.
async fn leader(brokers: &[Broker]) -> usize {
    let leads = |broker: &Broker| broker.log().find("connected to the gateway").is_some();
    eventually(DEADLINE, "one has the sessions", async || brokers.iter().position(leads)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_flush_counts_once_though_the_leading_broker_is_killed_in_the_middle_of_it() {
    let redis = Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let gateway = Gateway::builder().quick().start().await;
    let mut brokers = vec![broker(&gateway, &redis).await, broker(&gateway, &redis).await];
    let _hosts = [Process::host(&gateway, "calc").await, Process::host(&gateway, "calc").await];
    // It is asked at the same one all the time, which now leads and now stands by, and is killed as well.
    let standing_by = 1 - leader(&brokers).await;
    let session = DurableSession::create(info(&brokers[standing_by].url(""))).await.unwrap();
    let client = session.client("main").unwrap();
    let reading = tokio::spawn({
        let client = client.clone();
        async move { answered(&client, ResponseStart::Current).await }
    });
    for round in 0..4 {
        let from = round * 100;
        send(&client, from..from + 100).await;
        // With Redis frozen the commit is not answered yet when its broker is killed, and may be done when that is gone.
        let is_frozen = round > 0;
        if is_frozen {
            redis.signal("-STOP");
        }
        let flushing = tokio::spawn({
            let client = client.clone();
            async move { client.flush().await }
        });
        // Before it has come to the broker, on its way to Redis, or later: each is right.
        sleep(Duration::from_millis(30 * u64::from(round))).await;
        assert!(!is_frozen || !flushing.is_finished(), "nothing is confirmed that Redis does not have");
        let killed = leader(&brokers).await;
        brokers[killed].signal(Signal::SIGKILL);
        if is_frozen {
            redis.signal("-CONT");
        }
        let again = brokers.remove(killed).restart().await;
        brokers.insert(killed, again);
        let committed = within("it is flushed", flushing).await.unwrap().unwrap();
        assert_eq!(committed, u64::from(from + 100), "round {round}");
    }
    within("the requests end", client.end_requests()).await.unwrap();
    assert_eq!(within("all are read", reading).await.unwrap(), (0..400).collect());
    assert_eq!(answered(&client, ResponseStart::Begin).await.len(), 400, "they can be had again");
    let status = session.status().await.unwrap();
    assert_eq!((status.processed, status.failed, status.pending), (400, 0, 0));
}
