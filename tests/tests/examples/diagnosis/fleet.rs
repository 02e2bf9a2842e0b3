//! Workers that come, leave and die, and what is written and shown meanwhile.

use super::resp::{Resp, field};
use super::streams::{FAULTS, all_is_acked, are_in_order, are_whole, len, results, results_come};
use super::tab::Tab;
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, Diagnosis, eventually};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn start() -> (Server, Diagnosis) {
    let server = Server::start();
    let diagnosis = Diagnosis::start(server.addr(), "http://127.0.0.1:1").await;
    (server, diagnosis)
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_come_leave_and_die_and_each_reading_has_one_result_for_each_fault() {
    let (server, diagnosis) = start().await;
    let tab = Tab::open(&diagnosis).await;
    let _frames = diagnosis.frames("frontend").await;
    let _health = diagnosis.program("health", &[]);
    // Two vehicles at a time for each fault: so there is always something under way.
    let mut dies = diagnosis.worker(&["--delay", "5"]).await;
    let mut leaves = diagnosis.worker(&["--delay", "5", "--faults", "bearing,turn_fault"]).await;
    let produce = |count: &str| {
        diagnosis.program("produce", &["--vehicles", "20", "--rate", "200", "--count", count, "--rows", "8"])
    };
    let (readings, mut first) = (440, produce("400"));
    results_come(&server, 300).await;
    dies.process.signal(Signal::SIGKILL);
    dies.process.exit().await;
    let stays = diagnosis.worker(&[]).await;
    results_come(&server, 800).await;
    leaves.process.signal(Signal::SIGTERM);
    assert_eq!(leaves.process.exit().await, Some(0), "{:?}", leaves.process.log().lines());
    assert_eq!(first.exit().await, Some(0), "{:?}", first.log().lines());
    // Nobody else is left for these.
    let mut more = produce("40");
    assert_eq!(more.exit().await, Some(0), "{:?}", more.log().lines());
    results_come(&server, FAULTS.len() * readings).await;
    all_is_acked(&server).await;
    let results = results(&server);
    are_whole(&results, readings);
    are_in_order(&results);
    assert_eq!(diagnosis.dead_letters(), [""; 0]);
    for worker in [&dies, &leaves, &stays] {
        let of = |fault: &str| format!("{}_{fault}_consumer", worker.id);
        let found: BTreeSet<&str> = results
            .iter()
            .filter(|it| it.get("consumer_id") == of(it.get("fault_type")))
            .map(|it| it.get("fault_type"))
            .collect();
        let expected = if worker.id == leaves.id { 2 } else { FAULTS.len() };
        assert_eq!(found.len(), expected, "{}: what it registered, and nothing else: {found:?}", worker.id);
    }
    let last = results.last().unwrap().get("original_message_id").to_owned();
    tab.hears("the last result", |told| told["original_message_id"] == json!(last)).await;
    assert_eq!(tab.results().len(), FAULTS.len() * readings, "a page that keeps up sees all");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_with_the_least_backlog_gets_the_next_and_who_dies_is_not_listed_for_ever() {
    let (server, diagnosis) = start().await;
    let mut client = Resp::connect(server.addr());
    let old =
        json!({"service_id": "worker_dead", "service_type": "worker", "last_heartbeat": 1.0}).to_string();
    for (field, value) in [("diagnosis:worker_dead", &*old), ("api:gone", "no json")] {
        client.ask(&["HSET", "vtox:services", field, value]);
    }
    client.ask(&["HSET", "vtox:heartbeats", "gone", "1.5"]);
    client.ask(&["HSET", "vtox:coordinator:worker_loads", "worker_dead", "{}"]);
    let quick = diagnosis.worker(&["--faults", "bearing"]).await;
    let slow = diagnosis.worker(&["--faults", "bearing", "--delay", "2000"]).await;
    let mut produce = diagnosis
        .program("produce", &["--vehicles", "400", "--rate", "400", "--count", "400", "--rows", "8"]);
    results_come(&server, 400).await;
    let results = results(&server);
    let of = |worker: &str| results.iter().filter(|it| it.get("consumer_id").starts_with(worker)).count();
    assert!(of(&quick.id) > 2 * of(&slow.id) && of(&slow.id) > 0, "{} and {}", of(&quick.id), of(&slow.id));
    assert_eq!(produce.exit().await, Some(0));
    let listed = server.cli(&["HKEYS", "vtox:services"]);
    let listed: BTreeSet<&str> = listed.lines().collect();
    assert_eq!(listed, BTreeSet::from([&*quick.id, &*slow.id]));
    let load: Value =
        serde_json::from_str(&server.cli(&["HGET", "vtox:coordinator:worker_loads", &quick.id])).unwrap();
    assert!(load["pending_messages"].is_u64() && load["memory_usage"].as_f64() > Some(0.0), "{load}");
    assert_eq!(server.cli(&["HLEN", "vtox:coordinator:worker_loads"]), "2");
    // Nobody diagnoses the other faults yet: their readings are counted as waiting, one group apart from another.
    let backlog = async || {
        let scrape = scrape(diagnosis.metrics).await;
        let of = |fault: &str| {
            scrape.lines().any(|line| {
                line == format!(
                    "frontier_mq_source_backlog{{source=\"{fault}\"}} {}",
                    if fault == "bearing" { 0 } else { 400 }
                )
            })
        };
        FAULTS.into_iter().all(of).then_some(())
    };
    eventually(DEADLINE, "the backlog of each fault is told", backlog).await;
}

async fn scrape(addr: std::net::SocketAddr) -> String {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_gateways_each_shows_all_and_one_that_is_killed_loses_nothing() {
    let (server, mut dies) = start().await;
    let stays = Diagnosis::start(server.addr(), "http://127.0.0.1:1").await;
    let (of_dies, of_stays) = (Tab::open(&dies).await, Tab::open(&stays).await);
    let _frames = (dies.frames("dies").await, stays.frames("stays").await);
    let _workers = (dies.worker(&["--delay", "20"]).await, stays.worker(&["--delay", "20"]).await);
    let readings = 200;
    let mut produce =
        dies.program("produce", &["--vehicles", "100", "--rate", "100", "--count", "200", "--rows", "8"]);
    let shown = async || (of_dies.results().len() >= 300).then_some(());
    eventually(DEADLINE, "results are shown", shown).await;
    dies.gateway.signal(Signal::SIGKILL);
    dies.gateway.exit().await;
    assert_eq!(produce.exit().await, Some(0), "{:?}", produce.log().lines());
    results_come(&server, FAULTS.len() * readings).await;
    all_is_acked(&server).await;
    are_whole(&results(&server), readings);
    let shown = async || (of_stays.results().len() == FAULTS.len() * readings).then_some(());
    eventually(DEADLINE, "the other one shows all", shown).await;
    assert_eq!([dies.dead_letters(), stays.dead_letters()].concat(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_does_not_take_is_written_when_it_does() {
    let (server, diagnosis) = start().await;
    server.cli(&["SET", "fault_diagnosis_results", "no stream"]);
    let worker = diagnosis.worker(&["--faults", "bearing"]).await;
    let mut produce = diagnosis.program("produce", &["--count", "30", "--rate", "1000", "--rows", "8"]);
    assert_eq!(produce.exit().await, Some(0), "{:?}", produce.log().lines());
    let waits = async || {
        let metrics = scrape(diagnosis.metrics).await;
        let waiting = |line: &str| {
            line.strip_prefix("frontier_mq_source_waiting{source=\"bearing\"} ")?.parse::<u32>().ok()
        };
        metrics.lines().find_map(waiting).filter(|waiting| *waiting >= 20)
    };
    eventually(DEADLINE, "the first reading of each vehicle waits", waits).await;
    server.cli(&["DEL", "fault_diagnosis_results"]);
    results_come(&server, 30).await;
    let results = results(&server);
    are_in_order(&results);
    assert_eq!((results.len(), diagnosis.dead_letters().len()), (30, 0));
    assert!(results.iter().all(|it| it.get("consumer_id").starts_with(&worker.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_producers_and_other_workers_write_what_they_always_have() {
    let (server, diagnosis) = start().await;
    let mut client = Resp::connect(server.addr());
    let tab = Tab::open(&diagnosis).await;
    let _frames = diagnosis.frames("frontend").await;
    let _health = diagnosis.program("health", &[]);
    let _worker = diagnosis.worker(&[]).await;
    // As Python writes it: NaN, another alphabet, fields that nobody knows, and none of those that need not be there.
    let sensor_data = r#"{"data": [{"时间": 0.0, "Ia": 1.0, "Ib": NaN, "Ic": 1.0, "vibration_x": 0.1, "load": 3}, {"Ia": -1.0}], "sampling_rate": 1000,
        "batch_size": 2, "frequency_spectrum": {"labels": [50], "datasets": [{"data": [NaN]}]}}"#;
    client.ask(&[
        "XADD",
        "motor_raw_data",
        "*",
        "vehicle_id",
        "粤B1",
        "timestamp",
        "2025-08-28T12:00:00",
        "sensor_data",
        sensor_data,
        "extra",
        "1",
    ]);
    client.ask(&["XADD", "motor_raw_data", "*", "vehicle_id", "broken", "sensor_data", "{"]);
    let frame = tab
        .hears("the reading", |told| told["vehicle_id"] == "粤B1" && told["fault_type"] == "turn_fault")
        .await;
    let spectrum = json!({"labels": [50], "datasets": [{"data": [null]}]});
    assert_eq!((&frame["spectrum"], &frame["frequency_spectrum"]), (&spectrum, &spectrum));
    assert!(
        frame["score"].is_f64() && frame["time_series"]["labels"].is_array() && frame.get("type").is_none()
    );
    // A worker of another make writes a result; the whole input is in it.
    let of_other = [
        "XADD",
        "fault_diagnosis_results",
        "*",
        "vehicle_id",
        "v7",
        "fault_type",
        "bearing",
        "timestamp",
        "2025-08-28T12:00:01",
        "status",
        "fault",
        "score",
        "0.9",
        "features",
        r#"{"fault_severity": 0.9}"#,
        "charts",
        "{}",
        "consumer_id",
        "bearing_consumer_001",
        "processing_time",
        "0.01",
        "original_message_id",
        "1756000000000-0",
        "sensor_data",
        r#"{"data": [], "time_series": {"labels": [1]}}"#,
    ];
    client.ask(&of_other);
    let frame = tab
        .hears("the other's result", |told| told["vehicle_id"] == "v7" && told["fault_type"] == "bearing")
        .await;
    assert_eq!(
        (&frame["score"], &frame["health_score"], &frame["time_series"]["labels"]),
        (&json!(0.9), &json!(12.0), &json!([1]))
    );
    let health = tab
        .hears("its health", |told| told["vehicle_id"] == "v7" && told["fault_type"] == "overall_health")
        .await;
    assert_eq!(
        (&health["score"], &health["health_score"], &health["status"]),
        (&json!(0.225), &json!(77.5), &json!("critical"))
    );
    let alerted = async || {
        let alerts = Resp::connect(server.addr()).entries("system_alerts");
        let of_v7: Vec<_> = alerts.iter().filter(|it| field(it, "vehicle_id") == b"v7").collect();
        (!of_v7.is_empty()).then(|| assert_eq!(of_v7.len(), 1)).inspect(|()| {
            assert_eq!(
                (field(of_v7[0], "severity"), field(of_v7[0], "critical_faults")),
                (&b"high"[..], &b"[\"bearing\"]"[..])
            );
        })
    };
    eventually(DEADLINE, "there is an alert", alerted).await;
    // What is no reading is put away with its reason, and holds nobody up.
    let buried = async || {
        let dead = diagnosis.dead_letters();
        (dead.len() == FAULTS.len() && dead.iter().all(|line| line.contains("sensor_data: EOF")))
            .then_some(())
    };
    eventually(DEADLINE, "what is no reading is put away", buried).await;
    all_is_acked(&server).await;
    assert_eq!(len(&server, "fault_diagnosis_results"), FAULTS.len() + 1);
}
