//! What nsqd sends, read from bytes.
//!
//! ```text
//!   length of the rest: 4 bytes │ kind: 4 bytes │ a response, an error, or a message:
//!                                                 time: 8 bytes │ attempts: 2 bytes │ id: 16 bytes │ body
//! ```

use crate::text::one_line;
use bytes::{Buf, Bytes, BytesMut};

/// What is no NSQ.
const MALFORMED: &str = "the broker sends what is no NSQ";

/// Bytes of the length.
const LENGTH: usize = 4;

/// Bytes of a message before its body, the kind included.
const HEAD: usize = 4 + 8 + 2 + 16;

/// With this response a sign of life is asked for.
const HEARTBEAT: &[u8] = b"_heartbeat_";

/// The id of a message, as nsqd writes it.
pub(super) type MessageId = [u8; 16];

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Answers the command before it.
    Response(Bytes),
    Heartbeat,
    Error(Failure),
    Message(Message),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Such as `E_BAD_TOPIC`.
    pub(super) code: String,
    /// All of it, in one line.
    pub(super) text: String,
}

/// A message of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: MessageId,
    /// How often it was given out, this time included.
    pub(super) attempts: u16,
    pub(super) body: Bytes,
}

/// Takes the next frame of what has come, if it is there whole. One with more than `max` bytes is an error before it has come.
pub(super) fn decode(input: &mut BytesMut, max: usize) -> Result<Option<Frame>, String> {
    let Some(length) = input.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length < 4 {
        return Err(MALFORMED.to_owned());
    }
    if length > max {
        return Err(format!("the broker sends {length} bytes at once, and {max} may be held"));
    }
    if input.len() < LENGTH + length {
        input.reserve(LENGTH + length - input.len());
        return Ok(None);
    }
    input.advance(LENGTH);
    let mut rest = input.split_to(length).freeze();
    let frame = match rest.get_u32() {
        0 if &rest[..] == HEARTBEAT => Frame::Heartbeat,
        0 => Frame::Response(rest),
        1 => {
            let text = one_line(&String::from_utf8_lossy(&rest));
            let code = text.split(' ').next().unwrap_or_default().to_owned();
            Frame::Error(Failure { code, text })
        }
        2 if length >= HEAD => {
            rest.advance(8);
            let attempts = rest.get_u16();
            let mut id = [0; 16];
            rest.copy_to_slice(&mut id);
            // It is written into lines, as it is.
            if !id.iter().all(u8::is_ascii_alphanumeric) {
                return Err(MALFORMED.to_owned());
            }
            // Held for long, a small one would keep all that came with it.
            Frame::Message(Message { id, attempts, body: Bytes::copy_from_slice(&rest) })
        }
        _ => return Err(MALFORMED.to_owned()),
    };
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(kind: u8, rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(4 + rest.len()).unwrap().to_be_bytes();
        [&length[..], &[0, 0, 0, kind], rest].concat()
    }

    fn read(bytes: &[u8]) -> Result<Option<Frame>, String> {
        decode(&mut BytesMut::from(bytes), 1000)
    }

    fn message(id: &[u8; 16]) -> Vec<u8> {
        framed(2, &[&[0; 8], &[0, 3][..], id, b"body"].concat())
    }

    #[test]
    fn each_kind_is_read_and_waited_for_until_it_is_whole() {
        let id = *b"0a1b2c3d4e5f6789";
        let failure = Failure { code: "E_BAD_TOPIC".to_owned(), text: "E_BAD_TOPIC PUB x".to_owned() };
        for (bytes, frame) in [
            (framed(0, b"OK"), Frame::Response(Bytes::from_static(b"OK"))),
            (framed(0, HEARTBEAT), Frame::Heartbeat),
            (framed(1, b"E_BAD_TOPIC PUB\nx"), Frame::Error(failure)),
            (message(&id), Frame::Message(Message { id, attempts: 3, body: Bytes::from_static(b"body") })),
        ] {
            assert_eq!(read(&bytes), Ok(Some(frame)), "{bytes:?}");
            for len in 0..bytes.len() {
                assert_eq!(read(&bytes[..len]), Ok(None), "{bytes:?} up to {len}");
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bytes in [
            &[0, 0, 0, 3, 0, 0, 0][..],
            &framed(3, b""),
            &framed(2, &[0; 25]),
            &message(b"0a1b2c3d4e5f\n789"),
        ] {
            assert_eq!(read(bytes), Err(MALFORMED.to_owned()), "{bytes:?}");
        }
        let cause = read(&[0x7f, 0, 0, 0]).unwrap_err();
        assert!(cause.contains("and 1000 may be held"), "{cause}");
    }
}
