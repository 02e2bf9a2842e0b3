//! A session's record as JSON, so that later versions can add to it.

use crate::{Affinity, Preference, SessionId, SessionKind, SessionRecord, Settings, StoreError, Timeouts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Kept {
    service: String,
    durable: bool,
    priority: u16,
    #[serde(default)]
    pool: BTreeMap<String, String>,
    #[serde(default)]
    preferred_nodes: Vec<String>,
    #[serde(default)]
    preferred_pool: BTreeMap<String, String>,
    #[serde(default)]
    sticky: bool,
    #[serde(default)]
    minimum_units: u32,
    #[serde(default)]
    maximum_units: u32,
    #[serde(default)]
    shared: bool,
    client_connection_ms: u64,
    session_idle_ms: u64,
    client_idle_ms: u64,
    operation_ms: u64,
    #[serde(default)]
    creator: Option<String>,
    created_at: u64,
    #[serde(default)]
    notes: Vec<u8>,
}

/// The record as bytes, without its id.
#[must_use]
pub fn write_record(record: &SessionRecord) -> Vec<u8> {
    let SessionRecord { id: _, settings, creator, created_at, notes } = record;
    let Timeouts { client_connection, session_idle, client_idle, operation } = settings.timeouts;
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let kept = Kept {
        service: settings.service.clone(),
        durable: settings.kind == SessionKind::Durable,
        priority: settings.priority,
        pool: settings.pool.clone(),
        preferred_nodes: settings.preferred.nodes.clone(),
        preferred_pool: settings.preferred.labels.clone(),
        sticky: settings.affinity == Affinity::Sticky,
        minimum_units: settings.minimum_units,
        maximum_units: settings.maximum_units,
        shared: settings.shared,
        client_connection_ms: ms(client_connection),
        session_idle_ms: ms(session_idle),
        client_idle_ms: ms(client_idle),
        operation_ms: ms(operation),
        creator: creator.as_deref().map(str::to_owned),
        created_at: *created_at,
        notes: notes.clone(),
    };
    // Only maps with keys that are no text fail.
    serde_json::to_vec(&kept).unwrap_or_default()
}

/// The record of these bytes.
///
/// # Errors
/// [`StoreError::Damaged`] if they are none.
pub fn read_record(id: SessionId, bytes: &[u8]) -> Result<SessionRecord, StoreError> {
    let kept: Kept = serde_json::from_slice(bytes)
        .map_err(|error| StoreError::Damaged(format!("the record of the session {id}: {error}")))?;
    let ms = Duration::from_millis;
    let settings = Settings {
        service: kept.service,
        kind: if kept.durable { SessionKind::Durable } else { SessionKind::Interactive },
        priority: kept.priority,
        pool: kept.pool,
        preferred: Preference { nodes: kept.preferred_nodes, labels: kept.preferred_pool },
        affinity: if kept.sticky { Affinity::Sticky } else { Affinity::Spread },
        minimum_units: kept.minimum_units,
        maximum_units: kept.maximum_units,
        shared: kept.shared,
        timeouts: Timeouts {
            client_connection: ms(kept.client_connection_ms),
            session_idle: ms(kept.session_idle_ms),
            client_idle: ms(kept.client_idle_ms),
            operation: ms(kept.operation_ms),
        },
    };
    let creator = kept.creator.map(Into::into);
    Ok(SessionRecord { id, settings, creator, created_at: kept.created_at, notes: kept.notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_earlier_versions_are_read() {
        let kept = br#"{"service":"a","durable":true,"priority":2000,"client_connection_ms":300000,
            "session_idle_ms":300000,"client_idle_ms":300000,"operation_ms":86400000,"created_at":7}"#;
        let record = read_record(SessionId(1), kept).unwrap();
        let settings = Settings { kind: SessionKind::Durable, ..Settings::interactive("a") };
        assert_eq!((record.settings, record.created_at, record.creator), (settings, 7, None));
        assert!(matches!(read_record(SessionId(1), b"{}"), Err(StoreError::Damaged(_))));
    }
}
