//! Calls that came on a stream, and what answers them.

use bytes::Bytes;

/// A call that came on a stream, as its handler gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// The method that was called.
    pub method: String,
    /// The argument. A slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The caller's header.
    pub custom: Bytes,
}

/// The good answer to a call on a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamResponse {
    /// The result.
    pub data: Bytes,
    /// A header beside it.
    pub custom: Bytes,
}

impl StreamResponse {
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
