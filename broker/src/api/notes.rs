//! What is noted of a session for its clients alone.

use crate::session::Session;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How its clients say that they talk, and what they want to find again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notes {
    pub(crate) transport_scheme: u8,
    pub(crate) properties: BTreeMap<String, String>,
}

impl Notes {
    /// Those of a session.
    pub(crate) fn of(session: &Session) -> Self {
        // They were written here.
        serde_json::from_slice(&session.record.notes).unwrap_or_default()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Only maps with keys that are no text fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
