//! A message of an edge, as the bridge takes it.

use bytes::Bytes;
use std::time::{SystemTime, UNIX_EPOCH};

/// A message of an edge.
#[derive(Clone, Debug)]
pub struct Message {
    /// The edge that it is from.
    pub edge: u64,
    /// The users' own header.
    pub custom: Bytes,
    /// The payload.
    pub payload: Bytes,
    /// When it came, in milliseconds since 1970.
    pub time: u64,
}

impl Message {
    /// One that comes now.
    #[must_use]
    pub fn now(edge: u64, custom: Bytes, payload: Bytes) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { edge, custom, payload, time: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The memory that it takes, as it is counted against bounds.
    pub(crate) fn size(&self) -> usize {
        self.custom.len() + self.payload.len() + size_of::<Self>()
    }
}
