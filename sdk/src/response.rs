use bytes::Bytes;

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
