//! `Request` (0x20) and `Cancel` (0x22).
//!
//! ```text
//! caller ── Request ──▶ gateway ── Request ──▶ callee
//! caller ◀─ Response ── gateway ◀─ Response ── callee
//! caller ── Cancel ───▶ gateway ── Cancel ───▶ callee      (the caller no longer waits)
//! ```
//!
//! Body of `Request`:
//!
//! ```text
//!  timeout_ms (u32) | method length (u16) | custom length (u16) | method | custom | payload
//! ```
//!
//! `timeout_ms` is what is left of the caller's deadline, in milliseconds; 0 asks for the gateway's
//! default. From a service to the gateway `custom` ends with the EdgeID of the callee; from the
//! gateway to a service it ends with the EdgeID of the caller. With [`Flags::TRACED`] a trace context stands behind the
//! users' own part of it ([`Custom`]). With [`Flags::DETACHED`] the payload
//! is replaced by its length (u32) and follows on the same mux stream.
//!
//! `Cancel` has no body: its id is that of the request.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, Custom};
use bytes::BufMut;

const FIXED: usize = 8;

/// A call, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is left of the deadline, in milliseconds; 0 for the receiver's default.
    pub timeout_ms: u32,
    /// The method's exact name.
    pub method: &'a str,
    /// The custom header.
    pub custom: Custom<'a>,
    /// The payload, or its length (4 bytes) if it is detached.
    pub payload: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads the body of a `Request` frame.
    ///
    /// # Errors
    /// [`ParseError`] if the body is cut short or the method is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Request)?;
        let (timeout_ms, method, custom, payload) = parse_addressed(frame)?;
        Ok(Self { timeout_ms, method, custom, payload })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(id, Flags::default(), out)
    }

    /// Appends the frame with `flags` to `out`.
    ///
    /// # Errors
    /// As for [`Request::encode`].
    pub fn encode_with(&self, id: u64, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_addressed(out, Kind::Request, flags, id, self.timeout_ms, self.method, self.custom, self.payload)
    }
}

/// The `Cancel` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel;

impl Cancel {
    /// Appends the cancellation of the request `id` to `out`.
    ///
    /// # Errors
    /// None in practice: an empty body always fits.
    pub fn encode(id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Cancel, Flags::default(), Code::Ok, id, 0)
    }
}

/// The layout that `Request` and `Publish` share.
pub(super) fn parse_addressed(frame: &Frame) -> Result<(u32, &str, Custom<'_>, &[u8]), ParseError> {
    let mut reader = Reader::new(frame);
    let timeout_ms = reader.u32("timeout")?;
    let name_len = reader.u16("name length")?;
    let custom_len = reader.u16("custom length")?;
    let name = reader.text(usize::from(name_len), "name")?;
    let custom = Custom::plain(reader.bytes(usize::from(custom_len), "custom")?);
    let payload = reader.rest();
    if frame.flags.has(Flags::DETACHED) && payload.len() != 4 {
        return Err(ParseError::Invalid { kind: frame.kind, field: "detached payload length" });
    }
    Ok((timeout_ms, name, custom, payload))
}

#[expect(clippy::too_many_arguments, reason = "one argument for each part of the layout, in its order")]
pub(super) fn put_addressed(
    out: &mut impl BufMut,
    kind: Kind,
    flags: Flags,
    id: u64,
    timeout_ms: u32,
    name: &str,
    custom: Custom<'_>,
    payload: &[u8],
) -> Result<(), EncodeError> {
    let name_len = name_len(name)?;
    let custom_len = custom.wire_len()?;
    let flags = if custom.is_traced() { flags.with(Flags::TRACED) } else { flags };
    let body_len = FIXED + usize::from(name_len) + usize::from(custom_len) + payload.len();
    put_header(out, kind, flags, Code::Ok, id, body_len)?;
    out.put_u32(timeout_ms);
    out.put_u16(name_len);
    out.put_u16(custom_len);
    out.put_slice(name.as_bytes());
    custom.put(out);
    out.put_slice(payload);
    Ok(())
}

#[cfg(test)]
mod tests;
