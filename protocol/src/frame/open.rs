//! `Open` (0x40) and `OpenAck` (0x41): the first frames of a user stream, each on that stream's own
//! mux stream.
//!
//! ```text
//! opener ── Open ────▶ gateway ── Open ────▶ acceptor
//! opener ◀─ OpenAck ── gateway ◀─ OpenAck ── acceptor      (then the bytes flow, both ways)
//! ```
//!
//! Body of `Open`:
//!
//! ```text
//!  peer (u64) | timeout ms (u32) | name length (u16) | meta length (u16) | name | meta
//! ```
//!
//! | from | to | peer | name |
//! |---|---|---|---|
//! | edge | gateway | 0 | the service's name |
//! | gateway | service | the EdgeID of the opener | the service's name |
//! | service | gateway | the EdgeID of the acceptor | empty |
//! | gateway | edge | the ServiceID of the opener | the opener's name |
//! | frontier | frontier | the EdgeID of the acceptor; with [`Flags::BY_NAME`] that of the opener | empty; with it the service's name |
//!
//! `meta` is the opener's, for the acceptor; with [`Flags::TRACED`] a trace context stands behind it, and its length.
//! `OpenAck` carries the code in the header; its
//! body:
//!
//! ```text
//!  detail (u32) | an error's text, UTF-8
//! ```
//!
//! Behind a good `OpenAck` the stream carries frames of the kinds `Data`, `Publish`,
//! `Ack`, `Request`, `Response` and `Cancel` in both directions; the gateway does not look at them.
//! A half is over, in good order, with a `Data` frame that has [`Flags::END`]; a mux stream that ends
//! without it was reset.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

const FIXED: usize = 16;

/// A wish for a stream, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// The other end's id, by the table above.
    pub peer: u64,
    /// What is left of the opener's time, in milliseconds; 0 for the gateway's default.
    pub timeout_ms: u32,
    /// A service's name, by the table above.
    pub name: &'a str,
    /// The opener's meta, for the acceptor.
    pub meta: &'a [u8],
}

impl<'a> Open<'a> {
    /// Reads an `Open` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the name is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Open)?;
        let mut reader = Reader::new(frame);
        let peer = reader.u64("peer")?;
        let timeout_ms = reader.u32("timeout")?;
        let name_len = reader.u16("name length")?;
        let meta_len = reader.u16("meta length")?;
        let name = reader.text(usize::from(name_len), "name")?;
        let meta = reader.bytes(usize::from(meta_len), "meta")?;
        Ok(Self { peer, timeout_ms, name, meta })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(Flags::default(), out)
    }

    /// The same with flags: [`Flags::BY_NAME`], [`Flags::TRACED`].
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode_with(&self, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let name_len = name_len(self.name)?;
        let meta_len =
            u16::try_from(self.meta.len()).map_err(|_| EncodeError::FieldTooLong(self.meta.len()))?;
        let body_len = FIXED + self.name.len() + self.meta.len();
        put_header(out, Kind::Open, flags, Code::Ok, 0, body_len)?;
        out.put_u64(self.peer);
        out.put_u32(self.timeout_ms);
        out.put_u16(name_len);
        out.put_u16(meta_len);
        out.put_slice(self.name.as_bytes());
        out.put_slice(self.meta);
        Ok(())
    }
}

/// The answer to an [`Open`], borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAck<'a> {
    /// How it went.
    pub code: Code,
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// An error's text.
    pub text: &'a str,
}

impl<'a> OpenAck<'a> {
    /// Reads an `OpenAck` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::OpenAck)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let text = std::str::from_utf8(reader.rest())
            .map_err(|_| ParseError::Invalid { kind: Kind::OpenAck, field: "text" })?;
        Ok(Self { code: frame.code, detail, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::OpenAck, Flags::default(), self.code, 0, 4 + self.text.len())?;
        out.put_u32(self.detail);
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
