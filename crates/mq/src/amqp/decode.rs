//! Frames of AMQP 0-9-1 that a publisher or a consumer gets, out of bytes. What they never get is refused, and tables are
//! passed over unread, but for the headers of messages: nothing of what a server sends makes this go deeper.
//!
//! ```text
//!   type u8 │ channel u16 │ size u32 │ payload │ 0xCE
//! ```

use super::content::Content;
use super::fields::Fields;
use bytes::{Buf, Bytes, BytesMut};

/// Bytes around the payload of a frame.
pub(super) const OVERHEAD: usize = 8;

/// What ends each frame.
pub(super) const FRAME_END: u8 = 0xCE;

const HEAD: usize = OVERHEAD - 1;

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// These ways of login it takes, with a space between.
    Start(String),
    /// What it would have: bytes of a frame and seconds of a heartbeat, 0 for no limit and for none.
    Tune { frame_max: u32, heartbeat: u16 },
    /// What was asked for is done: something was opened, selected, declared or bound.
    Done,
    /// The connection ends.
    ConnectionClose(Close),
    /// The channel ends.
    ChannelClose(Close),
    /// What we have closed is closed.
    Closed,
    /// An alarm: it reads nothing more, because of that.
    Blocked(String),
    /// The alarm is over.
    Unblocked,
    /// It has taken the message of this tag, or all up to it.
    Ack(Confirm),
    /// It has not.
    Nack(Confirm),
    /// It takes a message for which there is no queue, whose header follows.
    Return(String),
    /// A message for a consumer, whose header follows.
    Deliver {
        /// By which it is acked.
        tag: u64,
        /// Whether it was given out before.
        is_redelivered: bool,
        /// Its routing key.
        key: String,
    },
    /// A consumer gets nothing more: its queue is gone, or elsewhere.
    Cancelled,
    /// The header of a message that comes, or comes back.
    Header(Content),
    /// A part of such a message.
    Body(Bytes),
    /// It is alive.
    Heartbeat,
}

/// Why something ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) text: String,
}

/// Which messages are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Confirm {
    pub(super) tag: u64,
    /// All up to that one as well; all that there are, if it is 0.
    pub(super) multiple: bool,
}

/// Takes the next frame out of `input`, once all of it is there: no more than `frame_max` bytes.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn decode(input: &mut BytesMut, frame_max: usize) -> Result<Option<Frame>, String> {
    if input.starts_with(b"AMQP") {
        return Err("the broker speaks another version of AMQP".to_owned());
    }
    if input.len() < HEAD {
        return Ok(None);
    }
    let (kind, mut rest) = (input[0], &input[3..]);
    let size = rest.get_u32() as usize;
    if size.saturating_add(OVERHEAD) > frame_max {
        return Err(format!("the broker sends a frame of {size} bytes: is it a broker?"));
    }
    if input.len() < size + OVERHEAD {
        return Ok(None);
    }
    let whole = input.split_to(size + OVERHEAD).freeze();
    let payload = &whole[HEAD..HEAD + size];
    if whole[HEAD + size] != FRAME_END {
        return Err("the broker sends a frame without its end".to_owned());
    }
    let frame = match kind {
        1 => method(payload),
        2 => Content::read(payload).map(Frame::Header),
        3 => Some(Frame::Body(whole.slice(HEAD..HEAD + size))),
        8 => Some(Frame::Heartbeat),
        _ => None,
    };
    frame.map(Some).ok_or_else(|| format!("the broker sends a frame that no client gets (type {kind})"))
}

fn method(payload: &[u8]) -> Option<Frame> {
    let mut fields = Fields(payload);
    let (class, method) = (fields.u16()?, fields.u16()?);
    Some(match (class, method) {
        (10, 10) => {
            fields.bytes(2)?;
            fields.long()?;
            Frame::Start(fields.long_text()?)
        }
        (10, 30) => {
            fields.u16()?;
            Frame::Tune { frame_max: fields.u32()?, heartbeat: fields.u16()? }
        }
        (10, 41) | (20, 11) | (40, 11) | (50, 11 | 21) | (60, 11 | 21) | (85, 11) => Frame::Done,
        (10, 50) => Frame::ConnectionClose(close(&mut fields)?),
        (20, 40) => Frame::ChannelClose(close(&mut fields)?),
        (10, 51) | (20, 41) => Frame::Closed,
        (10, 60) => Frame::Blocked(fields.short_text()?),
        (10, 61) => Frame::Unblocked,
        (60, 50) => Frame::Return(close(&mut fields)?.text),
        (60, 60) => {
            fields.short_text()?;
            let tag = fields.u64()?;
            let is_redelivered = fields.u8()? & 1 != 0;
            fields.short_text()?;
            Frame::Deliver { tag, is_redelivered, key: fields.short_text()? }
        }
        (60, 30) => {
            fields.short_text()?;
            Frame::Cancelled
        }
        (60, 80) => Frame::Ack(confirm(&mut fields)?),
        (60, 120) => Frame::Nack(confirm(&mut fields)?),
        _ => return None,
    })
}

fn close(fields: &mut Fields<'_>) -> Option<Close> {
    Some(Close { code: fields.u16()?, text: fields.short_text()? })
}

fn confirm(fields: &mut Fields<'_>) -> Option<Confirm> {
    Some(Confirm { tag: fields.u64()?, multiple: fields.u8()? & 1 != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1], &len[..], payload, &[FRAME_END]].concat()
    }

    fn samples() -> Vec<(Vec<u8>, Frame)> {
        let start =
            [&b"\0\x0a\0\x0a\0\x09"[..], b"\0\0\0\x04\x01aV\0", b"\0\0\0\x05PLAIN", b"\0\0\0\x05en_US"];
        let returned = b"\0\x3c\0\x32\x01\x38\x08NO_ROUTE\0\x01k";
        let header = [
            &b"\0\x3c\0\0\0\0\0\0\0\0\0\x01"[..],
            // Content type, headers, delivery mode and the id.
            &[0b1011_0000, 0b1000_0000],
            b"\x01t",
            b"\0\0\0\x02xx",
            b"\x02",
            b"\x04ab-7",
        ];
        vec![
            (frame(1, &start.concat()), Frame::Start("PLAIN".to_owned())),
            (
                frame(1, b"\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c"),
                Frame::Tune { frame_max: 131_072, heartbeat: 60 },
            ),
            (frame(1, b"\0\x55\0\x0b"), Frame::Done),
            (
                frame(1, b"\0\x14\0\x28\x01\x94\x02no\0\x3c\0\x28"),
                Frame::ChannelClose(Close { code: 404, text: "no".to_owned() }),
            ),
            (frame(1, b"\0\x0a\0\x3c\x03low"), Frame::Blocked("low".to_owned())),
            (frame(1, returned), Frame::Return("NO_ROUTE".to_owned())),
            (
                frame(2, &header.concat()),
                Frame::Header(Content { size: 1, id: "ab-7".to_owned(), headers: Vec::new() }),
            ),
            (frame(3, b"bytes"), Frame::Body("bytes".into())),
            (
                frame(1, b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\x01\0\x01\x01e\x02k1"),
                Frame::Deliver { tag: 256, is_redelivered: true, key: "k1".to_owned() },
            ),
            (frame(1, b"\0\x3c\0\x1e\x01c\0"), Frame::Cancelled),
            (
                frame(1, b"\0\x3c\0\x50\0\0\0\0\0\0\x01\0\x01"),
                Frame::Ack(Confirm { tag: 256, multiple: true }),
            ),
            (
                frame(1, b"\0\x3c\0\x78\0\0\0\0\0\0\0\x02\x02"),
                Frame::Nack(Confirm { tag: 2, multiple: false }),
            ),
            (frame(8, b""), Frame::Heartbeat),
        ]
    }

    #[test]
    fn frames_are_read_and_cut_off_ones_waited_for() {
        for (bytes, expected) in samples() {
            for len in 0..bytes.len() {
                let mut input = BytesMut::from(&bytes[..len]);
                assert_eq!(decode(&mut input, 4096), Ok(None), "{expected:?} cut at {len}");
                assert_eq!(input.len(), len);
            }
            let mut input = BytesMut::from(&bytes[..]);
            assert_eq!(decode(&mut input, 4096), Ok(Some(expected)));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn a_payload_that_is_too_short_is_refused_at_every_byte() {
        for (bytes, expected) in samples() {
            // What is not looked at may be short.
            if matches!(expected, Frame::Body(_) | Frame::Heartbeat) {
                continue;
            }
            for len in 0..4 {
                let mut input = BytesMut::from(&frame(bytes[0], &bytes[HEAD..HEAD + len])[..]);
                assert!(decode(&mut input, 4096).is_err(), "{expected:?} with {len}");
            }
            for len in 4..bytes.len() - OVERHEAD {
                let mut input = BytesMut::from(&frame(bytes[0], &bytes[HEAD..HEAD + len])[..]);
                // No panic; what is passed over at the end may be missing.
                let _ = decode(&mut input, 4096);
            }
        }
    }

    #[test]
    fn what_is_no_frame_of_a_publisher_is_refused() {
        let mut without_end = frame(8, b"");
        *without_end.last_mut().unwrap() = 0;
        for (bytes, why) in [
            (b"AMQP\0\0\x09\x01".to_vec(), "another version"),
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "is it a broker"),
            (without_end, "without its end"),
            (frame(4, b""), "no client gets"),
            (frame(1, b"\0\x3c\0\x14"), "no client gets"),
        ] {
            let mut input = BytesMut::from(&bytes[..]);
            let error = decode(&mut input, 4096).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
