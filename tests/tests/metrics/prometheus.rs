//! A Prometheus that is not ours scrapes a gateway, and loads the alert rules.

use crate::http::{get, metrics_of, observed};
use frontier_tests::{DEADLINE, Process, echo, eventually, tool};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// Where Prometheus listens, as it logs it: once what was configured, and then what became of it.
fn bound(log: &[String]) -> Option<SocketAddr> {
    let addresses = log.iter().filter_map(|line| line.split_once("address=")?.1.split_whitespace().next());
    addresses
        .filter_map(|addr| addr.trim_matches('"').parse().ok())
        .find(|addr: &SocketAddr| addr.port() != 0)
}

/// The samples that a query finds.
async fn query(prometheus: SocketAddr, query: &str) -> Vec<Value> {
    let (status, _, body) = get(prometheus, &format!("/api/v1/query?query={query}"), "*/*").await;
    if status != 200 {
        // It reads what it has stored first.
        return Vec::new();
    }
    let answer: Value = serde_json::from_str(body_of(&body)).unwrap();
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

/// The JSON in a body that may have come in chunks.
fn body_of(body: &str) -> &str {
    let (start, end) = (body.find('{').unwrap_or(0), body.rfind('}').map_or(body.len(), |end| end + 1));
    &body[start..end]
}

#[tokio::test]
async fn a_real_prometheus_scrapes_a_gateway_and_takes_the_rules() {
    let gateway = observed().start().await;
    let addr = metrics_of(&gateway).await;
    let service = gateway.service("s").connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    edge.call("echo", "").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/prometheus/frontier.rules.yml");
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ['{}']
scrape_configs: [{{job_name: frontier, static_configs: [{{targets: ['{addr}']}}]}}]
",
        rules.canonicalize().unwrap().display()
    );
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let mut command = Command::new(tool("prometheus", "prometheus"));
    command.current_dir(dir.path()).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.listen-address=127.0.0.1:0",
    ]);
    let process = Process::spawn("prometheus", command);
    let listens = async || bound(&process.log().lines());
    let prometheus = eventually(DEADLINE, "Prometheus listens", listens).await;
    let value = async |of: &str| {
        let found =
            query(prometheus, &format!("max({of})")).await.first()?["value"][1].as_str()?.parse::<f64>().ok();
        found.filter(|value| *value > 0.0)
    };
    assert_eq!(eventually(DEADLINE, "it scrapes", async || value("up").await).await, 1.0);
    for of in [
        "frontier_requests_total",
        "frontier_request_duration_seconds_count",
        "frontier_edges",
        "process_cpu_seconds_total",
    ] {
        eventually(DEADLINE, of, async || value(of).await).await;
    }
    let (_, _, rules) = get(prometheus, "/api/v1/rules", "*/*").await;
    assert!(rules.contains("FrontierNotAnswering"), "{rules}");
}
