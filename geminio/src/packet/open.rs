//! `Open` (0x31), `OpenAck` (0x32): a stream begins. The original calls it a session.
//!
//! ```text
//!  Open      priority (1) | flags (1) | number (u64) | {"meta": base64, "peer": text}
//!  OpenAck   0 (2) | number of the Open (u64) | session (u64) | {"error": text}
//! ```
//!
//! A client lets the server choose the session (flag 0x10), a server's number is the session itself. Who opens goes by
//! no error: to refuse a stream it is taken and closed.

use super::{base64, json, number, too_short};
use crate::json::Object;
use crate::{DecodeError, EncodeError, Frame, Kind, frame};
use serde::Deserialize;
use std::borrow::Cow;

/// Whoever takes the stream is to choose its session.
const CHOOSE_SESSION: u8 = 0x10;

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    meta: Cow<'a, str>,
    #[serde(borrow, default)]
    peer: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

/// A stream is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The opener's number for it.
    pub number: u64,
    /// Whether whoever takes it chooses its session; else it is the number.
    pub chooses: bool,
    /// Whom it is for; at whom it is taken, whom it is from.
    pub peer: String,
    /// The opener's own.
    pub meta: Vec<u8>,
}

/// A stream is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAck {
    /// The opener's number for it.
    pub number: u64,
    /// Its session from now on.
    pub session: u64,
    /// What went wrong; empty for nothing.
    pub error: String,
}

impl Open {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let Some((&[_, flags], rest)) = frame.body.split_first_chunk() else { return Err(too_short(frame)) };
        let (number, rest) = number(frame, rest)?;
        let Data { meta, peer, .. } = json(frame, rest)?;
        let (chooses, meta) = (flags & CHOOSE_SESSION != 0, base64(frame, &meta)?);
        Ok(Self { number, chooses, peer: peer.into_owned(), meta })
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        frame::encode(out, Kind::Open, id, |out| {
            out.extend_from_slice(&[0, if self.chooses { CHOOSE_SESSION } else { 0 }]);
            out.extend_from_slice(&self.number.to_be_bytes());
            let mut object = Object::new(out);
            object.bytes("meta", &[&self.meta]);
            object.text("peer", &self.peer);
            object.end();
        })
    }
}

impl OpenAck {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let Some((&[_, _], rest)) = frame.body.split_first_chunk() else { return Err(too_short(frame)) };
        let (wanted, rest) = number(frame, rest)?;
        let (session, rest) = number(frame, rest)?;
        Ok(Self { number: wanted, session, error: json::<Data<'_>>(frame, rest)?.error.into_owned() })
    }

    /// Appends the answer to the packet `id`.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        frame::encode(out, Kind::OpenAck, id, |out| {
            out.extend_from_slice(&[0; 2]);
            out.extend_from_slice(&self.number.to_be_bytes());
            out.extend_from_slice(&self.session.to_be_bytes());
            let mut object = Object::new(out);
            object.text("error", &self.error);
            object.end();
        })
    }
}
