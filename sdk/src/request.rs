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
