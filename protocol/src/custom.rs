use crate::{EdgeId, EncodeError};
use bytes::BufMut;

/// Length of the EdgeID tail, in bytes.
pub const TAIL_LEN: usize = 8;

/// The longest custom header that the layout can carry, tail included, in bytes.
pub const MAX_CUSTOM: usize = u16::MAX as usize;

/// The custom header of a message or a call: opaque bytes, and the EdgeID that the exchange carries
/// as their last 8 bytes, big endian.
///
/// Body and tail are kept apart, so that adding the tail copies nothing but the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custom<'a> {
    body: &'a [u8],
    tail: Option<EdgeId>,
}

impl<'a> Custom<'a> {
    /// `body` alone.
    #[must_use]
    pub fn plain(body: &'a [u8]) -> Self {
        Self { body, tail: None }
    }

    /// `body` and then `edge`.
    #[must_use]
    pub fn tailed(body: &'a [u8], edge: EdgeId) -> Self {
        Self { body, tail: Some(edge) }
    }

    /// Takes the last 8 bytes of a received header as the EdgeID. `None` if it is shorter than that.
    #[must_use]
    pub fn split_tail(received: &'a [u8]) -> Option<(&'a [u8], EdgeId)> {
        let (body, tail) = received.split_last_chunk::<TAIL_LEN>()?;
        Some((body, EdgeId(u64::from_be_bytes(*tail))))
    }

    /// The bytes without a tail that was added here.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    pub(crate) fn wire_len(&self) -> Result<u16, EncodeError> {
        let len = self.body.len() + if self.tail.is_some() { TAIL_LEN } else { 0 };
        u16::try_from(len).map_err(|_| EncodeError::CustomTooLong(len))
    }

    pub(crate) fn put(&self, out: &mut impl BufMut) {
        out.put_slice(self.body);
        if let Some(edge) = self.tail {
            out.put_u64(edge.0);
        }
    }
}
