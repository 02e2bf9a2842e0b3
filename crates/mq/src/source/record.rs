//! A message as it came from a broker, and the names that are read from it.

use bytes::Bytes;
use std::sync::Arc;

/// What a record costs beside its own bytes: its places in the tables here.
const OVERHEAD: usize = 512;

/// A message as it came from a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The stream, the topic, the subject or the routing key that it came by.
    pub origin: Arc<str>,
    /// Which one of these it is, as the broker numbers them.
    pub place: Box<str>,
    /// Its key, where the broker has keys.
    pub key: Option<Bytes>,
    /// Its headers, or the fields of an entry, but for those that are told elsewhere.
    pub headers: Vec<(Box<str>, Bytes)>,
    /// What a sink wrote as the users' own header.
    pub custom: Bytes,
    /// The payload.
    pub payload: Bytes,
    /// Whether the broker has given it out before, so that its receiver may have had it.
    pub is_redelivered: bool,
}

impl Record {
    /// What it counts for in the bound on bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let key = self.key.as_ref().map_or(0, Bytes::len);
        OVERHEAD + self.payload.len() + self.custom.len() + key + headers
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }
}
