//! Work sessions, from end to end, with a real Redis.

use serde_json::Value;

use crate::tool::{bench, result};

/// All figures are there.
fn check(result: &Value) {
    let medians = &result["medians"];
    assert!(medians["calls"].as_u64().unwrap() > 0, "{result}");
    assert!(medians["calls_per_second"].as_f64().unwrap() > 0.0, "{result}");
    for latency in [&medians["latency_us"], &medians["first_response_us"]] {
        assert!(latency["p50"].as_f64().unwrap() > 0.0, "{result}");
    }
    if cfg!(target_os = "linux") {
        let cpu = &medians["cpu_us_per_call"];
        let parts = ["gateway", "broker", "hosts", "clients"];
        let all: f64 = parts.iter().map(|part| cpu[part].as_f64().unwrap()).sum();
        assert!(all > 0.0, "{result}");
    }
}

const SHORT: &str = "--seconds 2 --warmup 0.5 --first 2 --window 40 --threads 1 --json";

#[test]
fn clients_of_sessions_in_memory_are_answered_and_hosts_are_busy() {
    let work = "--sessions 3 --clients 2 --hosts 2 --capacity 4 --work 0.002 --body 100B";
    let result = result(&format!("sessions {work} {SHORT}"));
    check(&result);
    let busy = result["medians"]["busy"].as_f64().unwrap();
    assert!(busy > 0.0 && busy < 1.5, "{result}");
    assert_eq!((&result["kind"], &result["sessions"]), (&"interactive".into(), &3.into()), "{result}");
}

#[test]
fn durable_sessions_in_redis_are_answered() {
    let result = result(&format!("sessions --durable --batch 20 --store redis {SHORT}"));
    check(&result);
    assert_eq!((&result["kind"], &result["store"]), (&"durable".into(), &"redis".into()), "{result}");
}

#[test]
fn what_waits_in_a_file_is_there_when_the_broker_starts_again() {
    let result = result("sessions --durable --queue 3000 --batch 500 --threads 1 --json");
    assert_eq!((&result["requests"], &result["body_bytes"]), (&3000.into(), &4.into()), "{result}");
    assert!(result["restart_seconds"].as_f64().unwrap() > 0.0, "{result}");
    assert!(result["taken_per_second"].as_f64().unwrap() > 0.0, "{result}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, about) in [
        ("sessions --body 3B", "--body"),
        ("sessions --durable --batch 50 --window 40", "--batch"),
        ("sessions --queue 0", "--queue"),
        ("sessions --queue 9 --hosts 3", "--queue"),
    ] {
        let output = bench(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(about), "{arguments}: {said}");
    }
}
