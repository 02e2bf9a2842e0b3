//! Frames of AMQP 0-9-1 that a publisher gets, out of bytes. What it never gets is refused, and tables are passed over
//! unread: nothing of what a server sends makes this go deeper.
//!
//! ```text
//!   type u8 │ channel u16 │ size u32 │ payload │ 0xCE
//! ```

use bytes::{Buf, BytesMut};

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
    /// The header of a message that comes back: its id.
    Header(String),
    /// A part of such a message.
    Body,
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
    let whole = input.split_to(size + OVERHEAD);
    let payload = &whole[HEAD..HEAD + size];
    if whole[HEAD + size] != FRAME_END {
        return Err("the broker sends a frame without its end".to_owned());
    }
    let frame = match kind {
        1 => method(payload),
        2 => header(payload).map(Frame::Header),
        3 => Some(Frame::Body),
        8 => Some(Frame::Heartbeat),
        _ => None,
    };
    frame.map(Some).ok_or_else(|| format!("the broker sends a frame that no publisher gets (type {kind})"))
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
        (10, 41) | (20, 11) | (40, 11) | (50, 11 | 21) | (85, 11) => Frame::Done,
        (10, 50) => Frame::ConnectionClose(fields.close()?),
        (20, 40) => Frame::ChannelClose(fields.close()?),
        (10, 51) | (20, 41) => Frame::Closed,
        (10, 60) => Frame::Blocked(fields.short_text()?),
        (10, 61) => Frame::Unblocked,
        (60, 50) => Frame::Return(fields.close()?.text),
        (60, 80) => Frame::Ack(fields.confirm()?),
        (60, 120) => Frame::Nack(fields.confirm()?),
        _ => return None,
    })
}

/// The id among the properties of a message; empty if it has none.
fn header(payload: &[u8]) -> Option<String> {
    let mut fields = Fields(payload);
    fields.bytes(2 + 2 + 8)?;
    let flags = fields.u16()?;
    let has = |bit: u32| flags & (1 << bit) != 0;
    // In the order of their flags, from the highest on.
    for bit in [15, 14] {
        if has(bit) {
            fields.short_text()?;
        }
    }
    if has(13) {
        fields.long()?;
    }
    for bit in [12, 11] {
        if has(bit) {
            fields.bytes(1)?;
        }
    }
    for bit in [10, 9, 8] {
        if has(bit) {
            fields.short_text()?;
        }
    }
    if has(7) { fields.short_text() } else { Some(String::new()) }
}

/// Fields one after the other; `None` where there is no more.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes(2).map(|mut bytes| bytes.get_u16())
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4).map(|mut bytes| bytes.get_u32())
    }

    /// What has its length in front: a text or a table.
    fn long(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()? as usize;
        self.bytes(len)
    }

    fn long_text(&mut self) -> Option<String> {
        self.long().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn short_text(&mut self) -> Option<String> {
        let len = self.bytes(1)?[0];
        self.bytes(len.into()).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn close(&mut self) -> Option<Close> {
        Some(Close { code: self.u16()?, text: self.short_text()? })
    }

    fn confirm(&mut self) -> Option<Confirm> {
        let tag = self.bytes(8)?.get_u64();
        Some(Confirm { tag, multiple: self.bytes(1)?[0] & 1 != 0 })
    }
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
            (frame(2, &header.concat()), Frame::Header("ab-7".to_owned())),
            (frame(3, b"bytes"), Frame::Body),
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
            if matches!(expected, Frame::Body | Frame::Heartbeat) {
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
            (frame(4, b""), "no publisher gets"),
            (frame(1, b"\0\x3c\0\x14"), "no publisher gets"),
        ] {
            let mut input = BytesMut::from(&bytes[..]);
            let error = decode(&mut input, 4096).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
