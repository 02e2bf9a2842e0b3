//! Every workload of Frontier runs from end to end.

use serde_json::Value;

use crate::tool::{check, result};

const SHORT: &str = "--warmup 0.1 --seconds 2 --json";
/// Unless a test is about threads.
const ONE_THREAD: &str = "--threads 1";

fn figures(arguments: &str) -> Value {
    let threads = if arguments.contains("threads") { "" } else { ONE_THREAD };
    let result = result(format!("{arguments} {SHORT} {threads}").trim_end());
    let medians = result["medians"].as_array().unwrap();
    medians.iter().for_each(check);
    assert_eq!(medians[0]["system"], "frontier");
    result
}

#[test]
fn edges_call_services_and_are_compared() {
    let result = figures("rpc --callers 7 --edges 3 --client-processes 2 --vs proxy,relay");
    assert_eq!(result["ratios"].as_array().unwrap().len(), 2);
}

#[test]
fn services_call_edges() {
    figures("rpc --reverse --callers 7 --edges 3 --client-processes 2");
}

#[test]
fn idle_edges_and_more_services_can_be_there() {
    let result =
        figures("rpc --callers 4 --edges 2 --idle-edges 50 --services 5 --idle-services 3 --vs alone");
    assert_eq!(result["work"]["scene"]["idle_edges"], 50);
    assert_eq!(result["work"]["scene"]["idle_services"], 3);
    assert_eq!(result["ratios"][0]["to"], "alone");
}

#[test]
fn calls_go_across_gateways() {
    let result = figures("rpc --reverse --across --callers 4 --edges 2 --vs alone");
    assert_eq!(result["work"]["scene"]["across"], true);
}

#[test]
fn edges_are_spread_over_gateways() {
    for line in ["rpc", "rpc --reverse", "publish", "open"] {
        let result = figures(&format!("{line} --gateways 3 --callers 8 --edges 6 --idle-edges 9 --vs alone"));
        assert_eq!(result["work"]["scene"]["gateways"], 3);
        assert_eq!(result["ratios"][0]["to"], "alone");
    }
}

#[test]
fn calls_can_have_a_rate() {
    let result = figures("rpc --callers 10 --edges 2 --rate 100");
    let rate = result["medians"][0]["operations_per_second"].as_f64().unwrap();
    assert!((50.0..=105.0).contains(&rate), "{rate}");
}

#[test]
fn messages_are_acked_in_both_directions() {
    figures("publish --callers 7 --edges 3");
    figures("publish --callers 7 --edges 3 --reverse");
}

#[test]
fn streams_carry_bytes() {
    let result = figures("stream --writes 64KiB --vs proxy");
    assert!(result["medians"][0]["bytes_per_second"].as_f64().unwrap() > 1e6, "{result}");
}

#[test]
fn streams_open_and_close_in_both_directions() {
    figures("open --callers 4 --edges 2");
    figures("open --callers 4 --edges 2 --reverse");
}

#[test]
fn large_payloads_get_through() {
    figures("rpc --callers 2 --edges 1 --size 1MiB");
}

#[test]
fn several_threads_work_too() {
    figures("rpc --callers 8 --edges 4 --threads 2 --gateway-threads 2");
}

#[test]
fn a_disturbed_connection_is_compared_with_a_quiet_one() {
    let result = result("mixed --warmup 0.2 --seconds 1 --threads 1 --json");
    let medians = result["medians"].as_array().unwrap();
    medians.iter().for_each(check);
    assert!(medians[0]["large_messages_per_second"].as_f64().unwrap() > 0.0, "{result}");
    assert!(medians[1].get("large_messages_per_second").is_none(), "{result}");
    assert!(result["ratios"][0]["p99"].as_f64().unwrap() > 0.0, "{result}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_load_is_kept_to_some_cores() {
    let list = result("scale --cores 1 --callers 4 --edges 2 --warmup 0.1 --seconds 0.5 --json");
    assert_eq!(list[0]["processes"]["cores"], 1);
    assert_eq!(list[0]["processes"]["gateway_threads"], 1);
    check(&list[0]["medians"][0]);
    assert!(list[1].is_null(), "{list}");
}

#[test]
fn all_edges_of_a_storm_get_in() {
    let result = result("storm --edges 100 --client-processes 2 --rounds 2 --json");
    let rounds = result["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for storm in rounds {
        assert_eq!(storm["connected"], 100);
        assert!(storm["connects_per_second"].as_f64().unwrap() > 0.0, "{storm}");
        assert!(storm["latency_us"]["p99"].as_f64().unwrap() > 0.0, "{storm}");
    }
}

#[test]
fn who_is_connected_is_served_during_a_storm() {
    let result = result("storm --edges 30 --network tls --key rsa4096 --callers 2 --json");
    let storm = &result["rounds"][0];
    assert_eq!((&storm["connected"], &storm["calls"]["errors"]), (&30.into(), &0.into()), "{storm}");
    assert!(storm["calls"]["per_second"].as_f64().unwrap() > 0.0, "{storm}");
}

#[test]
#[cfg(target_os = "linux")]
fn idle_connections_are_weighed() {
    let result = result("connections --edges 200 --warmup 0.2 --seconds 0.5 --json");
    let memory = &result["gateway_memory"];
    assert!(memory["with_edges"].as_f64().unwrap() > memory["at_start"].as_f64().unwrap(), "{result}");
    assert!(result["gateway_cpu_percent"].as_f64().unwrap() < 100.0, "{result}");
    assert!(result["connects_per_second"].as_f64().unwrap() > 0.0, "{result}");
}
