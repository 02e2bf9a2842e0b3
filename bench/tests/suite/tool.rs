//! Running the tool, and reading what it found.

use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn bench(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontier-bench"));
    command.args(arguments.split(' '));
    command
}

pub(crate) fn result(arguments: &str) -> Value {
    let Output { status, stdout, stderr } = bench(arguments).output().unwrap();
    assert!(status.success(), "{arguments}: {}", String::from_utf8_lossy(&stderr));
    assert!(stderr.is_empty(), "no progress without a terminal: {}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

/// An outcome has all figures, and no failed operations.
pub(crate) fn check(outcome: &Value) {
    assert!(outcome["operations"].as_u64().unwrap() > 0, "{outcome}");
    assert_eq!(outcome["errors"], 0, "{outcome}");
    let latency = &outcome["latency_us"];
    let figures = ["p50", "p99", "p999", "max"].map(|name| latency[name].as_f64().unwrap());
    assert!(figures.is_sorted() && figures[0] > 0.0, "{outcome}");
    if cfg!(target_os = "linux") {
        assert!(outcome["gateway_memory"]["resident"].as_f64().unwrap() > 0.0, "{outcome}");
    }
}
