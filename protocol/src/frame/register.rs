//! `Register` (0x30), `Unregister` (0x32) and their answers (0x31, 0x33).
//!
//! ```text
//! service ── Register ────▶ gateway
//! service ◀─ RegisterAck ── gateway      (routing knows the names before the answer is sent)
//!
//! edge ── Register ────▶ gateway         (if `Welcome` has FEATURE_EDGE_METHODS; methods only)
//! edge ◀─ RegisterAck ── gateway         (the control plane knows them; routing does not look at them)
//! ```
//!
//! The body of the requests is a row of names, each a length (u16) and the name, UTF-8: methods, or
//! topics with [`Flags::TOPICS`]. Either all of a frame's names take effect or none. The answers
//! carry the code in the header and an error's text as their body.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What kind of names a registration is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// Methods, for calls.
    Methods,
    /// Topics, for messages.
    Topics,
}

/// Whether names are added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Registration {
    /// From now on.
    Add,
    /// No longer.
    Remove,
}

/// A change of the names that a service, or an edge, takes, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register<'a> {
    /// Added or taken away.
    pub change: Registration,
    /// Methods or topics.
    pub of: Names,
    /// The exact names.
    pub names: Vec<&'a str>,
}

impl<'a> Register<'a> {
    /// Reads a `Register` or `Unregister` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a name is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        let change = match frame.kind {
            Kind::Unregister => Registration::Remove,
            _ => expect(frame, Kind::Register).map(|()| Registration::Add)?,
        };
        let of = if frame.flags.has(Flags::TOPICS) { Names::Topics } else { Names::Methods };
        let mut names = Vec::new();
        let mut reader = Reader::new(frame);
        while !reader.is_empty() {
            let len = reader.u16("name length")?;
            names.push(reader.text(usize::from(len), "name")?);
        }
        Ok(Self { change, of, names })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a name does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = 0;
        for name in &self.names {
            body_len += 2 + usize::from(name_len(name)?);
        }
        let kind = match self.change {
            Registration::Add => Kind::Register,
            Registration::Remove => Kind::Unregister,
        };
        let flags = match self.of {
            Names::Methods => Flags::default(),
            Names::Topics => Flags::TOPICS,
        };
        put_header(out, kind, flags, Code::Ok, id, body_len)?;
        for name in &self.names {
            out.put_u16(name_len(name)?);
            out.put_slice(name.as_bytes());
        }
        Ok(())
    }
}

/// The answer to a [`Register`], borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterAck<'a> {
    /// Which request it answers.
    pub change: Registration,
    /// How it went.
    pub code: Code,
    /// An error's text.
    pub text: &'a str,
}

impl<'a> RegisterAck<'a> {
    /// Reads a `RegisterAck` or `UnregisterAck` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came or the text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        let change = match frame.kind {
            Kind::UnregisterAck => Registration::Remove,
            _ => expect(frame, Kind::RegisterAck).map(|()| Registration::Add)?,
        };
        let text = std::str::from_utf8(&frame.body)
            .map_err(|_| ParseError::Invalid { kind: frame.kind, field: "text" })?;
        Ok(Self { change, code: frame.code, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let kind = match self.change {
            Registration::Add => Kind::RegisterAck,
            Registration::Remove => Kind::UnregisterAck,
        };
        put_header(out, kind, Flags::default(), self.code, id, self.text.len())?;
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
