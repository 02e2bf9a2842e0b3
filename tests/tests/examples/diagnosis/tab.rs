//! A page that subscribes to nothing, as a program.

use frontier_tests::{DEADLINE, Diagnosis, Process, eventually};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridge/subscriber.py");

pub(super) struct Tab(Process);

impl Tab {
    /// One that is open, and has said that it lives.
    pub(super) async fn open(diagnosis: &Diagnosis) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(SCRIPT).arg(format!("ws://{}/ws/frontend", diagnosis.bridge));
        command.args(["--say", r#"{"type":"heartbeat","timestamp":"2026-01-01T00:00:00Z"}"#]);
        let tab = Self(Process::spawn("tab", command));
        tab.hears("the answer to its heartbeat", |told| told["type"] == "heartbeat_response").await;
        tab
    }

    pub(super) async fn hears(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(DEADLINE, what, async || self.frames().into_iter().find(|told| is_it(told))).await
    }

    /// The results that it has seen, by reading and fault.
    pub(super) fn results(&self) -> BTreeSet<(String, String)> {
        let results = self.frames().into_iter().filter_map(|told| {
            let reading = told["original_message_id"].as_str()?.to_owned();
            Some((reading, told["fault_type"].as_str()?.to_owned()))
        });
        results.collect()
    }

    /// What it was told so far.
    pub(super) fn frames(&self) -> Vec<Value> {
        let lines = self.0.log().lines();
        lines.iter().filter(|it| it.starts_with('{')).map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}
