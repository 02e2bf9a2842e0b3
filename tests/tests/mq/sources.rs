//! Messages that come from brokers: who gets them, and that none is lost.

mod amqp;
mod inbox;
mod kafka;
mod mqtt;
mod nats;
mod nsq;
mod redis;
mod redis_faults;
mod soak;
mod targets;

pub(crate) use inbox::Inbox;

use frontier_tests::{Gateway, GatewayBuilder};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A consumer for the edge that a header names, with everything quick; dead letters go to a file of the gateway's.
pub(crate) fn to_edges(gateway: &GatewayBuilder, header: &str) -> Value {
    json!({
        "name": "orders",
        "to": {"edge": format!("{{header:{header}}}"), "topic": "orders"},
        "backoff": "50ms",
        "max_retry_backoff": "200ms",
        "dead_letter": {"file": dead_letters(gateway)},
    })
}

/// Edge 9 of these is away, and waited for without end; more wait for it than may be on their way.
pub(crate) fn few_places() -> Value {
    json!({"max_inflight": 8, "wait": "0s"})
}

/// Sets keys of a consumer.
pub(crate) fn with(mut consumer: Value, others: &Value) -> Value {
    for (key, value) in others.as_object().unwrap() {
        consumer[key] = value.clone();
    }
    consumer
}

/// Where a gateway keeps its dead letters.
pub(crate) fn dead_letters(gateway: &GatewayBuilder) -> PathBuf {
    gateway.file("dead.jsonl")
}

/// The dead letters of a gateway.
pub(crate) fn buried(gateway: &Gateway) -> Vec<Value> {
    let text = std::fs::read_to_string(gateway.dir().join("dead.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
