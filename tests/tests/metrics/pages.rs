//! What is written about metrics is about metrics that there are: the page, the dashboard, the alert rules.

use crate::http::{metrics_of, observed, with_bridge};
use crate::scrape::{Families, Scrape};
use frontier_tests::{Authority, SERVER_NAME, Validity, tool};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap()
}

/// The metrics of the page, each from a row of a table: its name, its type and its labels.
pub(crate) fn documented(heading: &str) -> Families {
    let page = read("docs/metrics.md");
    let part = page.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let labels = cells[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells[0].trim_end_matches('`').to_owned(), (cells[1].to_owned(), labels))
    })
    .collect()
}

/// Everything that the two daemons tell, and both alike.
fn all_documented() -> Families {
    ["Of the gateway", "Of frontlas", "Of both"].into_iter().flat_map(documented).collect()
}

/// The names of metrics in an expression, those of a histogram without their suffix.
fn names_in(expression: &str, known: &Families) -> BTreeSet<String> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = expression.split(|character| !is_of_name(character));
    let ours = words.filter(|word| {
        ["frontier_", "frontlas_", "process_", "tokio_"].iter().any(|prefix| word.starts_with(prefix))
    });
    ours.map(|word| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        of_histogram
            .filter(|name| known.get(*name).is_some_and(|it| it.0 == "histogram"))
            .unwrap_or(word)
            .to_owned()
    })
    .collect()
}

#[tokio::test]
async fn the_page_has_every_metric_of_a_gateway() {
    // With a bridge, a relay, a sink and a source, whose broker need not be there.
    let gateway = with_bridge(observed())
        .set("relay.enable", true)
        .set("relay.listen.addr", "127.0.0.1:0")
        .set("relay.kafka.topics", serde_json::json!(["t"]))
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", serde_json::json!(["127.0.0.1:1"]))
        .set("mq.nats.enable", true)
        .set("mq.nats.addrs", serde_json::json!(["127.0.0.1:1"]))
        .set("mq.nats.producer.subjects", serde_json::json!(["temp"]));
    let gateway = gateway
        .clone()
        .set("mq.spool.path", gateway.file("spool").to_str().unwrap())
        .set(
            "mq.nats.consumers",
            serde_json::json!([
                {"name": "alarms", "subjects": ["alarms"], "to": {"topic": "alarms"}, "dead_letter": {"drop": true}}
            ]),
        );
    let server = Authority::common().server(&[SERVER_NAME], Validity::Now);
    let server = server.write(gateway.dir(), "plane");
    let tls = serde_json::json!({"enable": true, "certs": [{"cert": server.cert, "key": server.key}]});
    let gateway = gateway.set("controlplane.listen.tls", tls).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let scrape = Scrape::of(metrics_of(&gateway).await).await;
    let labels = format!("{{file=\"{}\",kind=\"certificate\"}}", server.cert.display());
    let bound = |name: &str| scrape.value(&format!("frontier_tls_{name}_timestamp_seconds{labels}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(bound("not_before") < now && now < bound("not_after"), "{}", scrape.text);
    let told = scrape.families();
    let documented: BTreeMap<_, _> =
        documented("Of the gateway").into_iter().chain(documented("Of both")).collect();
    assert_eq!(format!("{told:#?}"), format!("{documented:#?}"));
    drop(edge);
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let known = all_documented();
    let dashboard: Value = serde_json::from_str(&read("etc/grafana/frontier.json")).unwrap();
    let mut shown = BTreeSet::new();
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(
            panel["type"] == "row" || panel["targets"].as_array().is_some_and(|it| !it.is_empty()),
            "{title}"
        );
        for target in panel["targets"].as_array().into_iter().flatten() {
            let names = names_in(target["expr"].as_str().unwrap(), &known);
            assert!(!names.is_empty(), "{title}");
            shown.extend(names);
        }
    }
    let unknown: Vec<_> = shown.iter().filter(|name| !known.contains_key(*name)).collect();
    assert_eq!(unknown, [] as [&String; 0]);
    assert!(shown.len() > 20, "{shown:?}");
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn the_alert_rules_are_about_metrics_that_there_are_and_promtool_takes_them() {
    let known = all_documented();
    let rules = read("etc/prometheus/frontier.rules.yml");
    let names = names_in(
        &rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<String>(),
        &known,
    );
    let unknown: Vec<_> = names.iter().filter(|name| !known.contains_key(*name)).collect();
    assert_eq!(unknown, [] as [&String; 0]);
    assert!(names.len() > 8, "{names:?}");
    let promtool = tool("promtool", "prometheus");
    for arguments in [["check", "rules", "frontier.rules.yml"], ["test", "rules", "frontier.test.yml"]] {
        let output =
            Command::new(&promtool).current_dir(file("etc/prometheus")).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
    }
}
