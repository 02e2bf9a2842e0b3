//! `Register` (0x81), `Registered` (0x82): a method that the sender takes calls of.
//!
//! ```text
//!  Register     session (u64) | method
//!  Registered   session (u64) | {"error": text}
//! ```
//!
//! Who registers waits for the answer without end, and does not look at its error.

use super::{json, number};
use crate::json::Object;
use crate::{DecodeError, EncodeError, Frame, Kind, Packet, frame};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

pub(super) fn parse_registered(frame: &Frame) -> Result<Packet<'static>, DecodeError> {
    let (session, rest) = number(frame, &frame.body)?;
    Ok(Packet::Registered(session, json::<Data<'_>>(frame, rest)?.error.into_owned()))
}

/// Appends the packet that registers `method`.
///
/// # Errors
/// [`EncodeError`] if it is too long.
pub fn register(id: u64, session: u64, method: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    frame::encode(out, Kind::Register, id, |out| {
        out.extend_from_slice(&session.to_be_bytes());
        out.extend_from_slice(method.as_bytes());
    })
}

/// Appends the answer to a [`register`]; the error is empty if there is none.
///
/// # Errors
/// [`EncodeError`] if it is too long.
pub fn registered(id: u64, session: u64, error: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    frame::encode(out, Kind::Registered, id, |out| {
        out.extend_from_slice(&session.to_be_bytes());
        let mut object = Object::new(out);
        object.text("error", error);
        object.end();
    })
}
