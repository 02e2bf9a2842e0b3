//! Bytes to frames.

use crate::Code;
use crate::frame::{Flags, Frame, HEADER_LEN, Kind};
use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Bytes that are no frame. The peer is at fault, the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// `length` is below the 12 bytes that every header has behind it.
    #[error("frame length {0} is shorter than a header")]
    TooShort(u32),
    /// The frame is longer than what was agreed on.
    #[error("frame of {len} bytes is over the limit of {max}")]
    TooLong {
        /// Its length, `length` field included, in bytes.
        len: u64,
        /// The limit, in bytes.
        max: usize,
    },
    /// A kind that this version does not know, and that may not be skipped.
    #[error("unknown frame kind {0:#04x}")]
    UnknownKind(u8),
}

/// Cuts a byte stream into frames, however the bytes are chunked.
///
/// Chunks go in through [`push`](Self::push), frames come out of [`next`](Self::next) until it
/// returns `None`. A frame that lies within one chunk is a slice of it and copies nothing; only what
/// spans chunks is gathered, and never more is set aside than has arrived. After an error the decoder
/// is of no further use.
#[derive(Debug)]
pub struct Decoder {
    max_frame: usize,
    /// The chunk being cut.
    chunk: Bytes,
    /// The start of a frame that began in an earlier chunk.
    partial: BytesMut,
}

impl Decoder {
    /// A decoder that refuses frames of more than `max_frame` bytes, header included.
    #[must_use]
    pub fn new(max_frame: usize) -> Self {
        Self { max_frame, chunk: Bytes::new(), partial: BytesMut::new() }
    }

    /// Changes the limit, from the next frame on.
    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
    }

    /// Adds the next bytes of the stream. Frames of an earlier chunk must have been taken first;
    /// if some were not, the rest of that chunk is kept and joined with this one, which copies both.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let kept = std::mem::take(&mut self.chunk);
            let mut joined = kept.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
            joined.extend_from_slice(&chunk);
            self.chunk = joined.freeze();
        }
    }

    /// Whether the stream stands between two frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunk.is_empty() && self.partial.is_empty()
    }

    /// Whatever has been pushed but belongs to no frame that was returned.
    #[must_use]
    pub fn into_rest(mut self) -> Bytes {
        if self.partial.is_empty() {
            return self.chunk;
        }
        self.partial.extend_from_slice(&self.chunk);
        self.partial.freeze()
    }

    /// The next whole frame, or `None` until more bytes come.
    ///
    /// # Errors
    /// [`DecodeError`] as soon as the header shows that what follows can't be a frame.
    #[expect(clippy::should_implement_trait, reason = "fallible, and None does not mean the end")]
    pub fn next(&mut self) -> Result<Option<Frame>, DecodeError> {
        while let Some((head, body)) = self.cut()? {
            if let Some(kind) = Kind::from_wire(head[4]) {
                return Ok(Some(Frame {
                    kind,
                    flags: Flags(head[5]),
                    code: Code::from_wire(u16::from_be_bytes([head[6], head[7]])),
                    id: u64::from_be_bytes([
                        head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15],
                    ]),
                    body,
                }));
            }
        }
        Ok(None)
    }

    /// Takes the next whole frame off the stream, whatever its kind: its header, and what is behind it.
    fn cut(&mut self) -> Result<Option<([u8; HEADER_LEN], Bytes)>, DecodeError> {
        if self.partial.is_empty()
            && let Some(&head) = self.chunk.first_chunk()
        {
            let len = self.frame_len(&head)?;
            if self.chunk.len() >= len {
                let mut frame = self.chunk.split_to(len);
                frame.advance(HEADER_LEN);
                return Ok(Some((head, frame)));
            }
        }
        self.gather(HEADER_LEN);
        let Some(&head) = self.partial.first_chunk() else { return Ok(None) };
        let len = self.frame_len(&head)?;
        self.gather(len);
        if self.partial.len() < len {
            return Ok(None);
        }
        let mut frame = std::mem::take(&mut self.partial).freeze();
        frame.advance(HEADER_LEN);
        Ok(Some((head, frame)))
    }

    /// Brings `partial` up to `len` bytes, or as far as the chunk goes. Only what belongs to the frame
    /// is copied, and a chunk that is used up is let go, so that its memory is not held for a few bytes.
    fn gather(&mut self, len: usize) {
        let missing = len.saturating_sub(self.partial.len()).min(self.chunk.len());
        let next = self.chunk.split_to(missing);
        self.partial.extend_from_slice(&next);
    }

    fn frame_len(&self, head: &[u8; HEADER_LEN]) -> Result<usize, DecodeError> {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        if (length as usize) < HEADER_LEN - 4 {
            return Err(DecodeError::TooShort(length));
        }
        let len = u64::from(length) + 4;
        let max = self.max_frame;
        let fits = usize::try_from(len).ok().filter(|len| *len <= max);
        let len = fits.ok_or(DecodeError::TooLong { len, max })?;
        if Kind::from_wire(head[4]).is_none() && !Flags(head[5]).has(Flags::SKIPPABLE) {
            return Err(DecodeError::UnknownKind(head[4]));
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests;
