//! What hosts say of themselves.

mod lost;
mod memory;

pub(crate) use lost::watch as watch_lost;
pub(crate) use memory::{Memory, restore};

use crate::dispatch::{DispatchHandle, Event};
use crate::gateway::Announced;
use frontier_sdk::host::wire::{Announcement, Welcome};
use frontier_sdk::{HandlerError, Request, Response};
use frontier_sessions::{Host, HostKey, Settings};
use std::sync::Arc;
use std::time::Duration;

/// How many labels a host may have, how long each may be, in bytes, and the name of its node.
const MAX_LABELS: usize = 64;
const MAX_LABEL: usize = 256;

/// The most calls that a host may want at once.
const MAX_CAPACITY: u32 = 1 << 20;

/// Answers them. A host is its edge: what it says of itself is heard in the name that the gateway gives it.
pub(crate) fn announced(dispatch: DispatchHandle, ttl: Duration, memory: Option<Memory>) -> Announced {
    let again_after_ms = u64::try_from(ttl.as_millis() / 3).unwrap_or(u64::MAX);
    Arc::new(move |request| {
        let event = read(&request)?;
        if !dispatch.try_tell(event) {
            return Err(HandlerError::retry_later("the broker is busy", Duration::from_secs(1)));
        }
        if let Some(memory) = &memory {
            memory.said(&request);
        }
        // Only maps with keys that are no text fail.
        Ok(Response::new(serde_json::to_vec(&Welcome { again_after_ms }).unwrap_or_default()))
    })
}

fn read(request: &Request) -> Result<Event, HandlerError> {
    let refused = |text: String| HandlerError::new(1, text);
    let edge = request.edge_id.ok_or_else(|| refused("only edges are hosts".to_owned()))?;
    let said: Announcement = serde_json::from_slice(&request.data)
        .map_err(|error| refused(format!("this is no announcement of a host: {error}")))?;
    let Announcement { service, version, node, generation, capacity, mut labels, depth, draining } = said;
    if service.is_empty() || service.len() > Settings::MAX_NAME {
        return Err(refused(format!("the name of a service has 1 to {} bytes", Settings::MAX_NAME)));
    }
    if !(1..=MAX_CAPACITY).contains(&capacity) {
        return Err(refused(format!("the capacity lies between 1 and {MAX_CAPACITY}, is {capacity}")));
    }
    // So that sessions can ask for one.
    if !version.is_empty() {
        labels.insert("version".to_owned(), version);
    }
    let is_long = |(name, value): (&String, &String)| name.len() + value.len() > MAX_LABEL;
    if labels.len() > MAX_LABELS || labels.iter().any(is_long) || node.len() > MAX_LABEL {
        return Err(refused(format!("a host has at most {MAX_LABELS} labels of at most {MAX_LABEL} bytes")));
    }
    let key = HostKey { edge: edge.0, generation };
    // Without a name the node is the host alone.
    let node = if node.is_empty() { format!("edge {edge}") } else { node };
    let host = Host { key, node, capacity, labels, depth };
    Ok(Event::Announced { service: service.into(), host, draining })
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_sdk::EdgeId;
    use serde_json::json;

    #[test]
    fn a_host_that_says_nonsense_is_told_so() {
        let said = |value: serde_json::Value| {
            let mut request = Request::new("sessions.host", value.to_string());
            request.edge_id = Some(EdgeId(7));
            read(&request).map(|_| ()).map_err(|error| error.text)
        };
        assert_eq!(said(json!({"service": "a", "generation": 1, "capacity": 2})), Ok(()));
        let long = "x".repeat(300);
        for (wrong, part) in [
            (json!([]), "no announcement"),
            (json!({"service": "", "generation": 1, "capacity": 2}), "name of a service"),
            (json!({"service": "a", "generation": 1, "capacity": 0}), "capacity"),
            (json!({"service": "a", "generation": 1, "capacity": 1, "labels": {"a": long}}), "labels"),
            (json!({"service": "a", "generation": 1, "capacity": 1, "node": long}), "labels"),
        ] {
            let error = said(wrong).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(read(&Request::new("sessions.host", "{}")).is_err(), "no edge");
    }
}
