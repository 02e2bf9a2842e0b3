//! Calls and messages of operators, the log level, and what is answered.

use crate::binary;
use serde::{Deserialize, Serialize};

/// What a peer is called with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The payload, as base64.
    #[serde(default, with = "binary")]
    pub payload: Vec<u8>,
    /// How long it may take, in milliseconds; 0 for as long as a request may.
    #[serde(default)]
    pub timeout_ms: u32,
}

/// A message for a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The topic.
    pub topic: String,
    /// The payload, as base64.
    #[serde(default, with = "binary")]
    pub payload: Vec<u8>,
    /// How long its ack may take, in milliseconds; 0 for as long as a request may.
    #[serde(default)]
    pub timeout_ms: u32,
}

/// What was answered to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The payload, as base64.
    #[serde(with = "binary")]
    pub payload: Vec<u8>,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    /// The level, as `log.level` has it.
    pub level: String,
}
