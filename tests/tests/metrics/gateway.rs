//! The metrics of a gateway under some traffic.

use crate::http::{get, metrics_of, observed};
use crate::scrape::Scrape;
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{DEADLINE, echo, eventually, tool};
use std::io::Write;
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What promtool says of metrics; nothing if they are as they should be.
pub(crate) fn check(text: &str) -> String {
    let mut command = Command::new(tool("promtool", "prometheus"));
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert_eq!(output.status.success(), output.stderr.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn what_goes_through_is_counted_by_kind_direction_and_result() {
    let gateway = observed().start().await;
    let addr = metrics_of(&gateway).await;
    let service = gateway.service("files").connect().await.unwrap();
    let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    for _ in 0..3 {
        edge.call("echo", "four").await.unwrap();
    }
    assert_eq!(edge.call("nowhere", "").await.unwrap_err().code(), Code::MethodNotFound);
    assert_eq!(edge.call(&"n".repeat(256), "").await.unwrap_err().code(), Code::TooLarge);
    let (opened, accepted) = tokio::join!(edge.open_stream("files"), service.accept_stream());
    let (mut near, mut far) = (opened.unwrap(), accepted.unwrap());
    near.write_all(b"seven!!").await.unwrap();
    far.read_exact(&mut [0; 7]).await.unwrap();
    let scrape = Scrape::of(addr).await;
    let calls = |result: &str| {
        format!("frontier_requests_total{{kind=\"call\",direction=\"to_service\",result=\"{result}\"}}")
    };
    let way = |kind: &str| format!("{{kind=\"{kind}\",direction=\"to_service\"");
    for (sample, expected) in [
        (calls("ok"), 3.0),
        (calls("method_not_found"), 1.0),
        (format!("frontier_requests_started_total{}}}", way("call")), 5.0),
        (format!("frontier_requests_in_flight{}}}", way("call")), 0.0),
        (format!("frontier_request_duration_seconds_count{}}}", way("call")), 3.0),
        (format!("frontier_request_duration_seconds_count{}}}", way("stream")), 1.0),
        (format!("frontier_payload_bytes_total{},part=\"reply\"}}", way("call")), 12.0),
        ("frontier_streams_open{direction=\"to_service\"}".to_owned(), 1.0),
        ("frontier_connections{side=\"edge\",network=\"tcp\"}".to_owned(), 1.0),
        ("frontier_connections{side=\"service\",network=\"tcp\"}".to_owned(), 1.0),
        ("frontier_handshakes_total{side=\"edge\",result=\"ok\"}".to_owned(), 1.0),
        ("frontier_limit_refusals_total{limit=\"limits.name_size\"}".to_owned(), 1.0),
        ("frontier_edges".to_owned(), 1.0),
        ("frontier_services".to_owned(), 1.0),
        ("frontier_names{kind=\"method\"}".to_owned(), 1.0),
        ("frontier_names{kind=\"service\"}".to_owned(), 1.0),
        ("frontier_self_probe_success".to_owned(), 1.0),
        ("frontier_draining".to_owned(), 0.0),
        ("frontier_frontlas_connected".to_owned(), 0.0),
    ] {
        assert_eq!(scrape.value(&sample), expected, "{sample}");
    }
    // With the frames in which a stream carries them.
    let written = scrape.value(&format!("frontier_payload_bytes_total{},part=\"request\"}}", way("stream")));
    assert!((7.0..100.0).contains(&written), "{written}");
    assert!(scrape.value("process_resident_memory_bytes") > 1e6);
    assert!(scrape.value("tokio_alive_tasks") > 1.0);
    assert_eq!(check(&scrape.text), "");
    let (status, head, open) = get(addr, "/metrics", "application/openmetrics-text").await;
    assert!(status == 200 && head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(open.ends_with("# EOF\n"));
    drop((near, far));
    let is_over = async || {
        (Scrape::of(addr).await.value("frontier_streams_open{direction=\"to_service\"}") == 0.0).then_some(())
    };
    eventually(DEADLINE, "the stream has ended", is_over).await;
}

/// For Prometheus a counter that appears with 5 has increased by nothing.
#[tokio::test]
async fn every_counter_is_there_before_it_counts() {
    let gateway = observed().start().await;
    let addr = metrics_of(&gateway).await;
    let first = Scrape::of(addr).await;
    let service = gateway.service("files").connect().await.unwrap();
    let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    assert_eq!(edge.call("nowhere", "").await.unwrap_err().code(), Code::MethodNotFound);
    assert_eq!(service.call(EdgeId(8), "echo", "").await.unwrap_err().code(), Code::EdgeNotOnline);
    assert_eq!(edge.publish("nowhere", "").await.unwrap_err().code(), Code::TopicNotOnline);
    assert_eq!(edge.open_stream("nowhere").await.unwrap_err().code(), Code::ServiceNotOnline);
    let wrong_side = frontier_sdk::Edge::builder(gateway.service_url()).reconnect(false).connect().await;
    assert_eq!(wrong_side.unwrap_err().code(), Code::Denied);
    let requests = |kind: &str, direction: &str, result: &str| {
        format!("frontier_requests_total{{kind=\"{kind}\",direction=\"{direction}\",result=\"{result}\"}}")
    };
    let denied = "frontier_handshakes_total{side=\"service\",result=\"denied\"}";
    let is_counted = async || Some(Scrape::of(addr).await).filter(|scrape| scrape.value(denied) == 1.0);
    let later = eventually(DEADLINE, "the handshake is counted", is_counted).await;
    for sample in [
        requests("call", "to_service", "method_not_found"),
        requests("call", "to_edge", "edge_not_online"),
        requests("message", "to_service", "topic_not_online"),
        requests("stream", "to_service", "service_not_online"),
        denied.to_owned(),
    ] {
        assert_eq!((first.value(&sample), later.value(&sample)), (0.0, 1.0), "{sample}");
    }
    assert_eq!(first.value(&requests("call", "own", "other")), 0.0);
    assert_eq!(first.counters(), later.counters());
}

#[tokio::test]
async fn ends_take_overs_and_reconnects_of_connections_are_counted() {
    let gateway = observed().start().await;
    let addr = metrics_of(&gateway).await;
    let first = gateway.edge().id(EdgeId(7)).reconnect(false).connect().await.unwrap();
    let second = gateway.edge().id(EdgeId(7)).reconnect(false).connect().await.unwrap();
    let counted = async |sample: &str| {
        let counts = async || (Scrape::of(addr).await.value(sample) == 1.0).then_some(());
        eventually(DEADLINE, "it is counted", counts).await;
    };
    counted("frontier_take_overs_total{side=\"edge\"}").await;
    counted("frontier_disconnects_total{side=\"edge\",reason=\"superseded\"}").await;
    second.close().await.unwrap();
    counted("frontier_disconnects_total{side=\"edge\",reason=\"peer\"}").await;
    assert_eq!(Scrape::of(addr).await.value("frontier_reconnects_total{side=\"edge\"}"), 0.0);
    let wrong_side = frontier_sdk::Edge::builder(gateway.service_url()).reconnect(false).connect().await;
    assert_eq!(wrong_side.unwrap_err().code(), Code::Denied);
    counted("frontier_handshakes_total{side=\"service\",result=\"denied\"}").await;
    drop(first);
}

#[test]
fn promtool_notices_what_is_not_as_it_should_be() {
    let text = "# HELP calls Calls.\n# TYPE calls counter\ncalls 1\n";
    assert!(check(text).contains("_total"), "{}", check(text));
}

/// With the gateway as it is published: `FRONTIER_BIN=… cargo test -p frontier-tests --test metrics -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten thousand edges, and a bound in time"]
async fn a_scrape_with_ten_thousand_edges_takes_less_than_20_ms() {
    const EDGES: usize = 10_000;
    let gateway = observed().set("log.level", "info").start().await;
    let addr = metrics_of(&gateway).await;
    let mut edges = Vec::new();
    while edges.len() < EDGES {
        let some = (0..100).map(|_| gateway.edge().connect());
        edges.extend(futures_util::future::try_join_all(some).await.unwrap());
    }
    assert_eq!(Scrape::of(addr).await.value("frontier_edges"), EDGES as f64);
    let mut took = Vec::new();
    for _ in 0..21 {
        let start = std::time::Instant::now();
        let (status, _, text) = get(addr, "/metrics", "*/*").await;
        took.push(start.elapsed());
        assert_eq!(status, 200, "{text}");
    }
    took.sort_unstable();
    println!("median {:?}, slowest {:?}", took[10], took[20]);
    assert!(took[10] < std::time::Duration::from_millis(20), "{took:?}");
}
