//! Calls that came on a stream, and what answers them.

use bytes::Bytes;

/// A call that came on a stream, as its handler gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamRequest {
    /// The method that was called.
    pub method: String,
    /// The argument. A slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The caller's header.
    pub custom: Bytes,
}

impl StreamRequest {
    /// A call as a handler would get it, to try the handler without a stream.
    #[must_use]
    pub fn new(method: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { method: method.into(), data: data.into(), custom: Bytes::new() }
    }
}

/// The good answer to a call on a stream. Bytes and texts convert into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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

macro_rules! from_data {
    ($($data:ty),*) => {$(
        impl From<$data> for StreamResponse {
            fn from(data: $data) -> Self {
                Self::new(data)
            }
        }
    )*};
}

from_data!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);
