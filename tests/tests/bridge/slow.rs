//! A subscriber that does not read: it loses old values and hears how many, and nobody else notices.

use crate::subscriber::{Subscriber, each};
use crate::world::{TOPIC, bridged, publish, url};
use frontier_tests::within;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn one_that_stalls_costs_the_others_and_the_edge_nothing() {
    let gateway = bridged().set("bridge.lag", 50).start().await;
    let url = url(&gateway, "").await;
    let stalled = Subscriber::open(&url, &["--buffer", "4096"]).await;
    let other = Subscriber::open(&url, &[]).await;
    stalled.notice("welcome").await;
    stalled.0.freeze();
    let (hot, quiet) = (gateway.edge().connect().await.unwrap(), gateway.edge().connect().await.unwrap());
    publish(&hot, [json!("before")]).await;
    publish(&quiet, [json!("quiet")]).await;
    let padding = "x".repeat(16_000);
    let (before, mut slowest) = (gateway.rss(), Duration::ZERO);
    // Twenty times what the system and the bridge hold for it.
    for number in 0..1000 {
        let payload = json!({"number": number, "padding": padding}).to_string();
        let start = Instant::now();
        within("an ack", hot.publish(TOPIC, payload).into_future()).await.unwrap();
        slowest = slowest.max(start.elapsed());
        // The other reads on: beside a busy machine it may be slow, too, but never by `bridge.lag`.
        if number % 25 == 0 {
            other.line(&format!(r#"{{"type":"message","seq":{},"#, number + 3)).await;
        }
    }
    assert_eq!(each(&other.messages_to(1002).await, "seq").len(), 1002, "nothing is lost to the other");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(gateway.rss() < before + 100 * 1024 * 1024, "{} {before}", gateway.rss());
    stalled.0.thaw();
    let messages = stalled.messages_to(1002).await;
    assert!(messages.len() < 600, "{}", messages.len());
    let lost: u64 = stalled
        .told()
        .iter()
        .filter(|told| told["type"] == "lost")
        .map(|it| it["count"].as_u64().unwrap())
        .sum();
    assert_eq!(messages.len() as u64 + lost, 1002, "what it did not get it was told");
    let seqs: Vec<u64> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b));
    // The edge that said one thing has lost nothing by the other's noise.
    assert!(messages.iter().any(|message| message["data"] == "quiet"));
    // From here on it follows again.
    publish(&quiet, [json!("after")]).await;
    assert_eq!(stalled.messages_to(1003).await.last().unwrap()["data"], "after");
}

#[tokio::test]
async fn one_that_never_reads_is_let_go() {
    let gateway =
        bridged().set("bridge.slow_peer_timeout", "500ms").set("bridge.heartbeat", "100ms").start().await;
    let stalled = Subscriber::open(&url(&gateway, "").await, &["--buffer", "4096"]).await;
    stalled.0.freeze();
    let edge = gateway.edge().connect().await.unwrap();
    let left = async || gateway.log().find("a subscriber has left");
    let padding = "x".repeat(60_000);
    let full = async {
        loop {
            publish(&edge, [&padding]).await;
        }
    };
    tokio::select! {
        () = full => {}
        _ = frontier_tests::eventually(frontier_tests::DEADLINE, "it is let go", left) => {}
    }
    stalled.0.thaw();
}
