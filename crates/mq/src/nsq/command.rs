//! What a client of nsqd sends, as bytes.

use super::frame::MessageId;
use bytes::{BufMut, BytesMut};

/// What a connection begins with.
pub(super) const MAGIC: &[u8] = b"  V2";

/// A command with a body.
pub(super) fn with_body(out: &mut BytesMut, line: &str, body: &[u8]) {
    out.reserve(line.len() + 5 + body.len());
    self::line(out, line);
    out.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.put_slice(body);
}

/// A command without one.
pub(super) fn line(out: &mut BytesMut, line: &str) {
    out.put_slice(line.as_bytes());
    out.put_u8(b'\n');
}

/// A word about a message, such as `FIN`, and what stands behind its id.
pub(super) fn about(out: &mut BytesMut, word: &str, id: &MessageId, rest: &str) {
    out.put_slice(word.as_bytes());
    out.put_u8(b' ');
    out.put_slice(id);
    line(out, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lines_and_bodies_have_their_length() {
        let mut out = BytesMut::new();
        with_body(&mut out, "PUB a", b"xyz");
        line(&mut out, "NOP");
        about(&mut out, "FIN", b"0123456789abcdef", "");
        about(&mut out, "REQ", b"0123456789abcdef", " 0");
        let expected = b"PUB a\n\x00\x00\x00\x03xyzNOP\nFIN 0123456789abcdef\nREQ 0123456789abcdef 0\n";
        assert_eq!(&out[..], &expected[..]);
    }
}
