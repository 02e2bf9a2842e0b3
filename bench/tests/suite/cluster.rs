//! The directory of a cluster, from end to end, with a real Redis.

use std::process::Output;

use crate::tool::{bench, result};

#[test]
fn edges_are_told_kept_alive_and_found_and_all_counts_are_exact() {
    let result =
        result("cluster --frontiers 3 --edges 100 --seconds 4.5 --warmup 0.1 --rate 500 --callers 2 --json");
    assert_eq!(result["exact"], true);
    let phases = result["phases"].as_array().unwrap();
    let count = |what: &str| phases.iter().filter(|phase| !phase[what].is_null()).count();
    assert_eq!((count("online"), count("lookups")), (5, 4), "{result}");
    assert_eq!(phases[0]["online"]["count"], 100, "{result}");
    for lookups in phases.iter().map(|phase| &phase["lookups"]).filter(|lookups| !lookups.is_null()) {
        assert_eq!(lookups["errors"], 0, "{lookups}");
        assert!(lookups["latency_us"]["p50"].as_f64().unwrap() > 0.0, "{lookups}");
    }
    if cfg!(target_os = "linux") {
        assert!(result["redis_memory"]["resident"].as_f64().unwrap() > 0.0, "{result}");
    }
}

#[test]
fn without_redis_it_says_what_to_install() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = bench("cluster --edges 100 --seconds 0.1");
    let Output { status, stderr, .. } = command.env("PATH", directory.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!status.success());
    assert!(stderr.contains("there is no redis-server on the PATH: install redis-server"), "{stderr}");
}
