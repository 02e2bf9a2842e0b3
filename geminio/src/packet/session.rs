//! `Dismiss` (0x41), `Dismissed` (0x42): a stream ends, in both directions at once; `Raw` (0x61): its bytes.
//!
//! ```text
//!  Dismiss, Dismissed   session (u64) | {"error": text}
//!  Raw                  session (u64) | bytes
//! ```

use super::{json, number};
use crate::frame::put;
use crate::{DecodeError, EncodeError, Frame, Kind, frame};
use serde::de::IgnoredAny;

pub(super) fn parse_closed(frame: &Frame) -> Result<u64, DecodeError> {
    let (session, rest) = number(frame, &frame.body)?;
    json::<std::collections::BTreeMap<String, IgnoredAny>>(frame, rest)?;
    Ok(session)
}

fn put_closed(out: &mut Vec<u8>, kind: Kind, id: u64, session: u64) {
    put(out, kind, id, |out| {
        out.extend_from_slice(&session.to_be_bytes());
        out.extend_from_slice(b"{}");
    });
}

/// Appends the packet that ends `session`.
pub fn dismiss(id: u64, session: u64, out: &mut Vec<u8>) {
    put_closed(out, Kind::Dismiss, id, session);
}

/// Appends the answer to a [`dismiss`].
pub fn dismissed(id: u64, session: u64, out: &mut Vec<u8>) {
    put_closed(out, Kind::Dismissed, id, session);
}

/// Appends raw bytes of `session`, which must be some.
///
/// # Errors
/// [`EncodeError`] if there are too many.
pub fn raw(id: u64, session: u64, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    frame::encode(out, Kind::Raw, id, |out| {
        out.extend_from_slice(&session.to_be_bytes());
        out.extend_from_slice(bytes);
    })
}
