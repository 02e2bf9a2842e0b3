//! A host that is slow: its calls are made at another one as well.

use frontier_sdk::{Session, SessionStartInfo};
use frontier_tests::{Broker, DEADLINE, Gateway, Process, eventually, within};
use futures_util::StreamExt;
use std::collections::BTreeSet;

/// What the broker says of calls that were made twice: how often the second one was first.
async fn won(broker: &Broker) -> u64 {
    let (status, metrics) = crate::curl(&[&broker.url("/metrics")]).await;
    assert_eq!(status, 200, "{metrics}");
    let line = metrics.as_str().unwrap().lines();
    let line = line.filter_map(|line| line.strip_prefix("broker_hedged_calls_total{result=\"won\"} ")).next();
    line.expect("it is measured").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_host_has_is_answered_by_another_one_once() {
    let gateway = Gateway::builder().quick().start().await;
    let broker = Broker::of(&gateway).set("hosts.hedge.after", "100ms").set("hosts.hedge.share", 0.5);
    let broker = broker.start().await;
    let slow = Process::stalling_host(&gateway, "calc").await;
    let _quick = Process::host(&gateway, "calc").await;
    let info = SessionStartInfo::new(broker.url(""), "calc").no_proxy();
    let session = Session::create(info).await.unwrap();
    let both = async || (session.status().await.unwrap().hosts == 2).then_some(());
    eventually(DEADLINE, "the broker knows both hosts", both).await;
    let client = session.client("main").unwrap();
    let mut responses = client.get_responses::<u32>();
    let mut seen = BTreeSet::new();
    // It is known what is usual.
    for (action, numbers) in [("echo", 0..100), ("stall", 100..140)] {
        for number in numbers.clone() {
            client.send_request(action, &number, "").await.unwrap();
        }
        for _ in numbers {
            let response = within("a response", responses.next()).await.unwrap().unwrap();
            assert!(seen.insert(response.result.unwrap()), "each is answered once");
        }
    }
    client.end_requests().await.unwrap();
    assert!(within("they end", responses.next()).await.is_none());
    assert_eq!(seen, (0..140).collect());
    let status = session.status().await.unwrap();
    assert_eq!((status.processed, status.failed, status.pending), (140, 0, 0));
    let won = won(&broker).await;
    assert!((1..=70).contains(&won), "half of 140 calls may be made twice: {won}");
    let count = |what: &str| slow.log().lines().iter().filter(|line| line.contains(what)).count();
    // Those that it had not begun when they were answered elsewhere never stall.
    let all_given_up = async || (count("stalled") > 0 && count("stalled") == count("given up")).then_some(());
    eventually(DEADLINE, "the slow host is told that nobody waits any more", all_given_up).await;
}
