//! Cuts a stream's bytes into raw data and frames.

use bytes::{Buf, Bytes};
use frontier_protocol::{DecodeError, Decoder, Flags, Frame, HEADER_LEN, Kind};

/// What a stream's bytes consist of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Raw bytes: as much of a `Data` frame as has come and was asked for.
    Data(Bytes),
    /// The peer's half is over, in good order. It is all that comes from here on.
    End,
    /// A whole frame of another kind.
    Frame(Frame),
}

/// Cuts what arrives into [`Item`]s. Unlike [`Decoder`], which does the rest of the work, it does not
/// gather the body of a `Data` frame: raw bytes are slices of what came, and never wait for more.
#[derive(Debug)]
pub(super) struct Cutter {
    max_frame: usize,
    /// Not looked at yet. Empty while the decoder has it.
    chunk: Bytes,
    /// Bytes of the current `Data` frame that are still to come in `chunk`.
    data_left: usize,
    /// The body of a `Data` frame that the decoder gathered, because its header lay across chunks.
    gathered: Bytes,
    /// The current `Data` frame is the last.
    ending: bool,
    decoder: Decoder,
    decoding: bool,
}

impl Cutter {
    pub(super) fn new(max_frame: usize) -> Self {
        Self {
            max_frame,
            chunk: Bytes::new(),
            data_left: 0,
            gathered: Bytes::new(),
            ending: false,
            decoder: Decoder::new(max_frame),
            decoding: false,
        }
    }

    /// Adds the next bytes, after [`next`](Self::next) has returned `None`.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.decoding {
            self.decoder.push(chunk);
        } else {
            debug_assert!(self.chunk.is_empty(), "what came before was taken");
            self.chunk = chunk;
        }
    }

    /// The next item, with `room` raw bytes at most, or `None` until more bytes come.
    pub(super) fn next(&mut self, room: usize) -> Result<Option<Item>, DecodeError> {
        loop {
            if !self.gathered.is_empty() {
                let len = room.min(self.gathered.len());
                return Ok(Some(Item::Data(self.gathered.split_to(len))));
            }
            if self.data_left > 0 {
                if self.chunk.is_empty() {
                    return Ok(None);
                }
                let len = room.min(self.data_left).min(self.chunk.len());
                self.data_left -= len;
                return Ok(Some(Item::Data(self.chunk.split_to(len))));
            }
            if self.ending {
                return Ok(Some(Item::End));
            }
            if !self.decoding && !self.start()? {
                return Ok(None);
            }
            if self.decoding {
                let Some(frame) = self.decoder.next()? else { return Ok(None) };
                let used = std::mem::replace(&mut self.decoder, Decoder::new(self.max_frame));
                self.chunk = used.into_rest();
                self.decoding = false;
                if frame.kind != Kind::Data {
                    return Ok(Some(Item::Frame(frame)));
                }
                self.ending = frame.flags.has(Flags::END);
                self.gathered = frame.body;
            }
        }
    }

    /// Starts the next frame, if there is anything of it.
    fn start(&mut self) -> Result<bool, DecodeError> {
        match self.chunk.first_chunk::<HEADER_LEN>() {
            None if self.chunk.is_empty() => return Ok(false),
            Some(&[a, b, c, d, kind, flags, ..]) if kind == Kind::Data as u8 => {
                self.data_left = self.body_len(u32::from_be_bytes([a, b, c, d]))?;
                self.ending = Flags(flags).has(Flags::END);
                self.chunk.advance(HEADER_LEN);
            }
            _ => {
                self.decoder.push(std::mem::take(&mut self.chunk));
                self.decoding = true;
            }
        }
        Ok(true)
    }

    fn body_len(&self, length: u32) -> Result<usize, DecodeError> {
        let body = (length as usize).checked_sub(HEADER_LEN - 4).ok_or(DecodeError::TooShort(length))?;
        if body > self.max_frame.saturating_sub(HEADER_LEN) {
            return Err(DecodeError::TooLong { len: u64::from(length) + 4, max: self.max_frame });
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use frontier_protocol::{Cancel, data_end, data_header};

    const MAX: usize = 1024;

    fn wire() -> Bytes {
        let mut wire = BytesMut::new();
        wire.extend_from_slice(&data_header(5).unwrap());
        wire.extend_from_slice(b"hello");
        Cancel::encode(7, &mut wire).unwrap();
        wire.extend_from_slice(&[
            0,
            0,
            0,
            15,
            0xee,
            Flags::SKIPPABLE.0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            2,
            3,
        ]);
        wire.extend_from_slice(&data_header(3).unwrap());
        wire.extend_from_slice(b"you");
        wire.extend_from_slice(&data_end());
        wire.freeze()
    }

    /// What came, as one line: raw bytes, `<id>` for a frame, `.` for the end.
    fn told(chunks: impl Iterator<Item = Bytes>, room: usize) -> String {
        let (mut cutter, mut told) = (Cutter::new(MAX), String::new());
        for chunk in chunks {
            cutter.push(chunk);
            loop {
                match cutter.next(room).unwrap() {
                    None => break,
                    Some(Item::End) => return told + ".",
                    Some(Item::Frame(frame)) => told += &format!("<{}>", frame.id),
                    Some(Item::Data(data)) => {
                        assert!(!data.is_empty() && data.len() <= room);
                        told += std::str::from_utf8(&data).unwrap();
                    }
                }
            }
        }
        told
    }

    #[test]
    fn chunking_and_room_change_nothing() {
        let wire = wire();
        for size in 1..=wire.len() {
            for room in [1, 2, 100] {
                let chunks = wire.chunks(size).map(Bytes::copy_from_slice);
                assert_eq!(told(chunks, room), "hello<7>you.", "chunks of {size}, room for {room}");
            }
        }
    }

    #[test]
    fn raw_bytes_are_slices_of_what_came() {
        let wire = wire();
        let mut cutter = Cutter::new(MAX);
        cutter.push(wire.clone());
        let Some(Item::Data(data)) = cutter.next(100).unwrap() else { panic!("data comes first") };
        assert_eq!(data.as_ptr(), wire[HEADER_LEN..].as_ptr());
    }

    #[test]
    fn lengths_are_checked() {
        for (len, ok) in [(MAX - HEADER_LEN, true), (MAX - HEADER_LEN + 1, false)] {
            let mut cutter = Cutter::new(MAX);
            cutter.push(Bytes::copy_from_slice(&data_header(len).unwrap()));
            assert_eq!(cutter.next(1).is_ok(), ok);
        }
        let mut short = data_header(0).unwrap();
        short[3] = 11;
        let mut cutter = Cutter::new(MAX);
        cutter.push(Bytes::copy_from_slice(&short));
        assert_eq!(cutter.next(1), Err(DecodeError::TooShort(11)));
    }
}
