//! A call as its handler gets it, and its answer.

use bytes::Bytes;
use frontier_protocol::EdgeId;
use std::sync::Arc;
use std::time::Instant;

/// A call from the other side, as a handler gets it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method that was called.
    pub method: Arc<str>,
    /// The argument. A slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The caller's header.
    pub custom: Bytes,
    /// The edge that calls, if an edge does.
    pub edge_id: Option<EdgeId>,
    /// When the caller stops waiting. The handler is dropped then.
    pub deadline: Instant,
}

/// The good answer to a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The result.
    pub data: Bytes,
    /// A header beside it.
    pub custom: Bytes,
}

impl Response {
    /// An answer with `data` and no header.
    #[must_use]
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), custom: Bytes::new() }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn custom(mut self, custom: impl Into<Bytes>) -> Self {
        self.custom = custom.into();
        self
    }
}
