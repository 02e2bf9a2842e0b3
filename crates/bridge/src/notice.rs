//! What a subscriber is told beside messages, as JSON.
//!
//! | type | fields | when |
//! |---|---|---|
//! | `welcome` | `topic`, `epoch`, `seq`, `resumed` | first: messages up to `seq` are older, later ones live |
//! | `lost` | `count` | before the next message: so many are missing before or among those that follow at once |
//! | `heartbeat` | `seq` | now and then: the number of the newest message |
//! | `goodbye` | `reason`, `retry_ms` | last: connect again after that time |

use crate::channel::Channel;
use crate::reader::Start;
use serde_json::json;
use std::time::Duration;

/// Something that a subscriber is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) kind: &'static str,
    /// JSON, without a line break.
    pub(crate) text: String,
}

/// Why a subscriber is not served any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// The gateway stops.
    Draining,
    /// Who may subscribe has changed, or the credentials have expired.
    AccessChanged,
    /// It gave no sign of life.
    Silent,
}

impl Goodbye {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::AccessChanged => "access changed",
            Self::Silent => "no sign of life",
        }
    }

    /// The status of a WebSocket's close: service restart, try again later, going away.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Draining => 1012,
            Self::AccessChanged => 1013,
            Self::Silent => 1001,
        }
    }
}

impl Notice {
    fn new(kind: &'static str, mut fields: serde_json::Value) -> Self {
        fields["type"] = kind.into();
        Self { kind, text: fields.to_string() }
    }

    pub(crate) fn welcome(channel: &Channel, start: Start, newest: u64) -> Self {
        let resumed = matches!(start, Start::After(_));
        let fields = json!({
            "topic": channel.name, "epoch": channel.epoch.as_str(), "seq": newest, "resumed": resumed
        });
        Self::new("welcome", fields)
    }

    pub(crate) fn lost(count: u64) -> Self {
        Self::new("lost", json!({ "count": count }))
    }

    pub(crate) fn heartbeat(newest: u64) -> Self {
        Self::new("heartbeat", json!({ "seq": newest }))
    }

    pub(crate) fn goodbye(why: Goodbye, retry: Duration) -> Self {
        let retry = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        Self::new("goodbye", json!({ "reason": why.reason(), "retry_ms": retry }))
    }
}
