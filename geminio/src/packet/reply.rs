//! `Response` (0x72), `MessageAck` (0x52): what became of a call or a message.
//!
//! ```text
//!  session (u64) | {"value": base64, "custom": base64, "error": text}
//! ```
//!
//! With an error nobody looks at the value. The original neither writes nor reads `custom` here.

use super::{RequestKind, base64, json, number};
use crate::json::{Object, make_room};
use crate::{DecodeError, EncodeError, Frame, Kind, frame};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    custom: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

/// What became of a call or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it was.
    pub kind: RequestKind,
    /// The session that it was sent on.
    pub session: u64,
    /// The header of the users.
    pub custom: Vec<u8>,
    /// The result, or the text of the error.
    pub outcome: Result<Vec<u8>, String>,
}

impl Reply {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let kind = if frame.kind == Kind::Response { RequestKind::Call } else { RequestKind::Message };
        let (session, rest) = number(frame, &frame.body)?;
        let Data { value, custom, error } = json(frame, rest)?;
        let outcome = if error.is_empty() { Ok(base64(frame, &value)?) } else { Err(error.into_owned()) };
        Ok(Self { kind, session, custom: base64(frame, &custom)?, outcome })
    }

    /// Appends the answer to the packet `id`.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(
        id: u64,
        kind: RequestKind,
        session: u64,
        custom: &[u8],
        outcome: Result<&[u8], &str>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let kind = match kind {
            RequestKind::Call => Kind::Response,
            RequestKind::Message => Kind::MessageAck,
        };
        make_room(out, custom.len() + outcome.map_or_else(str::len, <[u8]>::len));
        frame::encode(out, kind, id, |out| {
            out.extend_from_slice(&session.to_be_bytes());
            let mut object = Object::new(out);
            match outcome {
                Ok(value) => object.bytes("value", &[value]),
                Err(text) => object.text("error", if text.is_empty() { "failed" } else { text }),
            }
            object.bytes("custom", &[custom]);
            object.end();
        })
    }
}
