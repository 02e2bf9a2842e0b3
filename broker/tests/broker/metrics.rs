//! What is measured, and the page about it.

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn the_page_has_every_metric_and_they_count() {
    let world = World::new().await;
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
    ] {
        assert!(has(&text, line), "{line}: {text}");
    }
    let told: BTreeSet<&str> = text
        .as_str()
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("broker_"))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let page = include_str!("../../../docs/metrics.md");
    let part = page.split("\n## ").find(|part| part.starts_with("Of a broker")).unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(told, documented);
}
