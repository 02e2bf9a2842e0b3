//! A subscriber over WebSocket, in a process of its own.

use frontier_tests::{DEADLINE, Process, eventually};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The system's own, since Debian's packages are there for no other.
const PYTHON: &str = "/usr/bin/python3";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridge/subscriber.py");

pub(crate) struct Subscriber(pub(crate) Process);

impl Subscriber {
    /// One that connects with these options.
    pub(crate) fn start(url: &str, options: &[&str]) -> Self {
        let is_there = Path::new(PYTHON).exists();
        assert!(is_there, "python3 is missing: please install it, or start tests/run, which does");
        let mut command = Command::new(PYTHON);
        command.arg(SCRIPT).arg(url).args(options);
        Self(Process::spawn("subscriber", command))
    }

    /// The same, once it is connected.
    pub(crate) async fn open(url: &str, options: &[&str]) -> Self {
        let subscriber = Self::start(url, options);
        subscriber.line("open ").await;
        subscriber
    }

    /// Waits for a line that begins like this.
    pub(crate) async fn line(&self, start: &str) -> String {
        let found = async || self.0.log().lines().into_iter().find(|line| line.starts_with(start));
        eventually(DEADLINE, start, found).await
    }

    /// What it was told so far.
    pub(crate) fn told(&self) -> Vec<Value> {
        let lines = self.0.log().lines();
        lines
            .iter()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until it was told something of which this is so.
    pub(crate) async fn hears(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(DEADLINE, what, async || self.told().into_iter().find(|told| is_it(told))).await
    }

    /// Waits for a notice.
    pub(crate) async fn notice(&self, kind: &str) -> Value {
        self.hears(kind, |told| told["type"] == kind).await
    }

    /// Waits for the message of this number: all messages up to it.
    pub(crate) async fn messages_to(&self, number: u64) -> Vec<Value> {
        self.hears(&format!("message {number}"), |told| told["type"] == "message" && told["seq"] == number)
            .await;
        self.messages().into_iter().filter(|message| message["seq"].as_u64() <= Some(number)).collect()
    }

    pub(crate) fn messages(&self) -> Vec<Value> {
        self.told().into_iter().filter(|told| told["type"] == "message").collect()
    }
}

/// One field of each.
pub(crate) fn each<'v>(values: &'v [Value], field: &str) -> Vec<&'v Value> {
    values.iter().map(|value| &value[field]).collect()
}
