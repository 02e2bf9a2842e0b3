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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(custom: Custom<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        custom.put(&mut out);
        assert_eq!(custom.wire_len().map(usize::from), Ok(out.len()));
        out
    }

    #[test]
    fn a_tail_is_8_bytes_big_endian_behind_the_body() {
        assert_eq!(bytes(Custom::plain(b"ab")), b"ab");
        assert_eq!(
            bytes(Custom::tailed(b"ab", EdgeId(0x0102_0304_0506_0708))),
            b"ab\x01\x02\x03\x04\x05\x06\x07\x08"
        );
        assert_eq!(Custom::tailed(b"ab", EdgeId(1)).body(), b"ab");
    }

    #[test]
    fn what_is_shorter_than_a_tail_has_none() {
        for len in 0..TAIL_LEN {
            assert_eq!(Custom::split_tail(&[0; TAIL_LEN][..len]), None);
        }
        assert_eq!(Custom::split_tail(&[0xff; TAIL_LEN]), Some((&b""[..], EdgeId(u64::MAX))));
        assert_eq!(Custom::split_tail(b"a\0\0\0\0\0\0\0\x07"), Some((&b"a"[..], EdgeId(7))));
    }

    #[test]
    fn the_tail_counts_towards_the_longest() {
        let longest = vec![0; MAX_CUSTOM];
        assert_eq!(Custom::plain(&longest).wire_len(), Ok(u16::MAX));
        let tailed = Custom::tailed(&longest[TAIL_LEN - 1..], EdgeId(0));
        assert_eq!(tailed.wire_len(), Err(EncodeError::CustomTooLong(MAX_CUSTOM + 1)));
        assert_eq!(Custom::tailed(&longest[TAIL_LEN..], EdgeId(0)).wire_len(), Ok(u16::MAX));
    }
}
