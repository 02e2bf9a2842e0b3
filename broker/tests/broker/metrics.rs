//! What is measured, and the page about it.

use crate::world::World;
use frontier_test_redis::Server;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_every_metric_and_they_count() {
    let server = Server::start();
    let world =
        World::with(&format!("store: {{redis: {{standalone: {{addr: '{}'}}}}}}", server.addr())).await;
    world.until("/readyz", |body| body["status"] == "ready").await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2"]).await.ok();
    world.responses(&session, 2).await;
    let has = |text: &Value, line: &str| text.as_str().is_some_and(|text| text.lines().any(|it| it == line));
    // How hosts stand is told a moment later.
    let text = world.until("/metrics", |text| has(text, "broker_hosts{state=\"ready\"} 1")).await;
    for line in [
        "broker_ready 1",
        "broker_sessions 1",
        "broker_requests_total 2",
        "broker_responses_total{result=\"answered\"} 2",
        "broker_responses_total{result=\"failed\"} 0",
        "broker_responses_unfetched 0",
        "broker_capacity 4",
        "broker_leads 1",
        "broker_redis_connected 1",
    ] {
        assert!(has(&text, line), "{line}: {text}");
    }
    let told: BTreeSet<&str> = text
        .as_str()
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("broker_"))
        .filter_map(|line| line.split(['{', ' ']).next())
        .map(|name| {
            let of_histogram =
                ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            of_histogram.filter(|name| name.ends_with("_seconds")).unwrap_or(name)
        })
        .collect();
    let page = include_str!("../../../docs/metrics.md");
    let part = page.split("\n## ").find(|part| part.starts_with("Of a broker")).unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(told, documented);
}
