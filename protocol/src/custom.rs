//! The custom header, and what the exchange adds to its end.

use crate::{EdgeId, EncodeError, trace};
use bytes::BufMut;

/// Length of the EdgeID tail, in bytes.
pub const TAIL_LEN: usize = 8;

/// The longest custom header that the layout can carry, tail included, in bytes.
pub const MAX_CUSTOM: usize = u16::MAX as usize;

/// Length of the length of a caller, in bytes.
const CALLER_LEN: usize = 2;

/// The custom header of a message or a call: opaque bytes, and the EdgeID that the exchange carries
/// as their last 8 bytes, big endian.
///
/// From a frontier to another one, the service that asks stands in front of the tail:
///
/// ```text
///  body | caller | length of the caller (u16) | EdgeID (u64)
/// ```
///
/// A trace context stands behind the body, with its length (u16) behind it: see [`Flags::TRACED`](crate::Flags::TRACED).
///
/// Body and tail are kept apart, so that adding the tail copies nothing but the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custom<'a> {
    body: &'a [u8],
    /// A trace context; empty without one.
    trace: &'a [u8],
    /// As [`RemoteCaller`](crate::RemoteCaller) encodes it.
    caller: Option<&'a [u8]>,
    tail: Option<EdgeId>,
}

impl<'a> Custom<'a> {
    /// `body` alone.
    #[must_use]
    pub fn plain(body: &'a [u8]) -> Self {
        Self { body, trace: b"", caller: None, tail: None }
    }

    /// `body` and then `edge`.
    #[must_use]
    pub fn tailed(body: &'a [u8], edge: EdgeId) -> Self {
        Self { body, trace: b"", caller: None, tail: Some(edge) }
    }

    /// `body`, then the remote caller, as [`RemoteCaller`](crate::RemoteCaller) encodes it, and then `edge`.
    #[must_use]
    pub fn forwarded(body: &'a [u8], caller: &'a [u8], edge: EdgeId) -> Self {
        Self { body, trace: b"", caller: Some(caller), tail: Some(edge) }
    }

    /// The same with a trace context behind the body, unless it is empty or there is no room for it: what the users sent
    /// goes in any case. Whoever sends it as [`TraceContext`](crate::TraceContext) encodes it knows that the receiver
    /// takes it.
    #[must_use]
    pub fn traced(self, trace: &'a [u8]) -> Self {
        let added = trace.len() + trace::LENGTH_LEN;
        if trace.is_empty() || self.body.len() + self.added() + added > MAX_CUSTOM {
            self
        } else {
            Self { trace, ..self }
        }
    }

    /// Whether it has a trace context.
    #[must_use]
    pub fn is_traced(&self) -> bool {
        !self.trace.is_empty()
    }

    /// Takes the last 8 bytes of a received header as the EdgeID. `None` if it is shorter than that, or they are 0, which is
    /// the id of no edge.
    #[must_use]
    pub fn split_tail(received: &'a [u8]) -> Option<(&'a [u8], EdgeId)> {
        let (body, tail) = received.split_last_chunk::<TAIL_LEN>()?;
        let edge = EdgeId(u64::from_be_bytes(*tail));
        (edge != EdgeId(0)).then_some((body, edge))
    }

    /// The bytes without a tail that was added here.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// How many bytes stand behind the body.
    #[must_use]
    pub fn added(&self) -> usize {
        let trace = if self.is_traced() { self.trace.len() + trace::LENGTH_LEN } else { 0 };
        trace
            + self.caller.map_or(0, |caller| caller.len() + CALLER_LEN)
            + if self.tail.is_some() { TAIL_LEN } else { 0 }
    }

    pub(crate) fn wire_len(&self) -> Result<u16, EncodeError> {
        let len = self.body.len() + self.added();
        if self.caller.is_some_and(|caller| caller.len() > MAX_CUSTOM) {
            return Err(EncodeError::CustomTooLong(len));
        }
        u16::try_from(len).map_err(|_| EncodeError::CustomTooLong(len))
    }

    pub(crate) fn put(&self, out: &mut impl BufMut) {
        out.put_slice(self.body);
        if self.is_traced() {
            trace::put(self.trace, out);
        }
        if let Some(caller) = self.caller {
            put_caller(caller, out);
        }
        if let Some(edge) = self.tail {
            out.put_u64(edge.0);
        }
    }
}

/// Appends a service that asks, and its length, to the meta of a stream.
///
/// # Errors
/// [`EncodeError`] if it is too long; nothing was written then.
pub fn push_remote_caller(caller: &[u8], meta: &mut Vec<u8>) -> Result<(), EncodeError> {
    u16::try_from(caller.len()).map_err(|_| EncodeError::FieldTooLong(caller.len()))?;
    put_caller(caller, meta);
    Ok(())
}

/// Appends a caller, which has no more than [`MAX_CUSTOM`] bytes, and its length.
fn put_caller(caller: &[u8], out: &mut impl BufMut) {
    out.put_slice(caller);
    #[expect(clippy::cast_possible_truncation, reason = "what is longer was refused before")]
    out.put_u16(caller.len() as u16);
}

/// Takes the service that asks, with its length behind it, off the end of a custom header without its tail, or
/// of the meta of a stream. `None` if it is shorter than that.
#[must_use]
pub fn split_remote_caller(received: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, len) = received.split_last_chunk::<CALLER_LEN>()?;
    rest.split_at_checked(rest.len().checked_sub(usize::from(u16::from_be_bytes(*len)))?)
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
    fn a_trace_context_stands_behind_the_body_if_there_is_room() {
        let trace = [b't'; 55];
        let framed = [&b"ab"[..], &trace, b"\0\x37"].concat();
        assert_eq!(bytes(Custom::plain(b"ab").traced(&trace)), framed);
        let forwarded = Custom::forwarded(b"ab", b"caller", EdgeId(7)).traced(&trace);
        let behind = b"caller\0\x06\0\0\0\0\0\0\0\x07";
        assert_eq!(bytes(forwarded), [&framed[..], behind].concat());
        assert!(forwarded.is_traced() && !Custom::plain(b"ab").traced(b"").is_traced());
        let body = vec![0; MAX_CUSTOM - TAIL_LEN - 57];
        assert!(Custom::tailed(&body, EdgeId(7)).traced(&trace).is_traced());
        assert_eq!(Custom::plain(&[0; MAX_CUSTOM - 56]).traced(&trace), Custom::plain(&[0; MAX_CUSTOM - 56]));
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
    fn a_caller_and_its_length_stand_in_front_of_the_tail() {
        let forwarded = Custom::forwarded(b"ab", b"who", EdgeId(7));
        let wire = bytes(forwarded);
        assert_eq!(wire, b"abwho\0\x03\0\0\0\0\0\0\0\x07");
        let (rest, edge) = Custom::split_tail(&wire).unwrap();
        assert_eq!((split_remote_caller(rest), edge), (Some((&b"ab"[..], &b"who"[..])), EdgeId(7)));
    }

    #[test]
    fn what_is_shorter_than_a_caller_has_none() {
        for short in [&b""[..], b"\0", b"\0\x01", b"wh\0\x03", b"\xff\xff"] {
            assert_eq!(split_remote_caller(short), None, "{short:?}");
        }
        assert_eq!(split_remote_caller(b"\0\0"), Some((&b""[..], &b""[..])));
        let mut meta = b"meta".to_vec();
        assert_eq!(push_remote_caller(&vec![0; 1 << 16], &mut meta), Err(EncodeError::FieldTooLong(1 << 16)));
        push_remote_caller(b"who", &mut meta).unwrap();
        assert_eq!(split_remote_caller(&meta), Some((&b"meta"[..], &b"who"[..])));
    }

    #[test]
    fn a_caller_that_does_not_fit_is_refused() {
        let longest = vec![0; MAX_CUSTOM];
        let fits = Custom::forwarded(b"", &longest[10..], EdgeId(7));
        assert_eq!(fits.wire_len(), Ok(u16::MAX));
        for (body, caller) in [(&b"a"[..], &longest[10..]), (b"", &longest), (b"", &vec![0; 1 << 20])] {
            assert!(Custom::forwarded(body, caller, EdgeId(7)).wire_len().is_err());
        }
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
