//! Front ends that subscribe to nothing: each tab gets the payloads alone, and has its heartbeat answered.

use crate::subscriber::Subscriber;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a tab sends now and then.
#[derive(Deserialize)]
struct Heartbeat<'t> {
    #[serde(rename = "type")]
    kind: &'t str,
    #[serde(borrow)]
    timestamp: Option<&'t RawValue>,
}

/// What is answered. Every number is one that was counted.
#[derive(Serialize)]
struct HeartbeatResponse<'t> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The tab's own.
    timestamp: Option<&'t RawValue>,
    /// In milliseconds since 1970.
    server_time: u64,
    /// How many messages wait for the tab.
    queue_size: u64,
    stats: Stats,
}

#[derive(Serialize)]
struct Stats {
    /// Messages that have come for this path.
    messages: u64,
    /// Those that the tab was given, and that it was too slow for.
    sent: u64,
    lost: u64,
}

/// What is answered to a text of a tab, if anything.
pub(crate) fn answer(text: &[u8], subscriber: &Subscriber) -> Option<String> {
    let Heartbeat { kind, timestamp } = serde_json::from_slice(text).ok()?;
    if kind != "heartbeat" {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let answer = HeartbeatResponse {
        kind: "heartbeat_response",
        timestamp,
        server_time: u64::try_from(now).unwrap_or(u64::MAX),
        queue_size: subscriber.behind(),
        stats: Stats {
            messages: subscriber.channel.counters.counts().messages,
            sent: subscriber.sent,
            lost: subscriber.lost,
        },
    };
    serde_json::to_string(&answer).ok()
}
