//! `Conn` (0x01), `ConnAck` (0x02): the handshake; `Disconnect` (0x11), `Disconnected` (0x12): the end; `Heartbeat` (0x21),
//! `HeartbeatAck` (0x22): signs of life, of the client alone.
//!
//! ```text
//!  Conn      flags (2) | wanted id (u64) | {"meta": base64}
//!  ConnAck   result (1) | id (u64) | {"error": text}
//!  Disconnected   result (1) | {"error": text}
//! ```
//!
//! Bits 4 and 5 of the first flag are the heartbeat interval: 5 s · 4^n. A client goes by the error alone.

use super::{base64, json, number, too_short};
use crate::frame::put;
use crate::json::Object;
use crate::{DecodeError, EncodeError, Frame, Kind, frame};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// The server is to choose the id.
const CHOOSE_ID: u8 = 0x08;

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    meta: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

/// A client begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conn {
    /// The id that it would like; 0 for none.
    pub id: u64,
    /// How often it will show that it lives.
    pub heartbeat: Duration,
    /// What it says of itself.
    pub meta: Vec<u8>,
}

/// A client is let in, or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnAck {
    /// Its id.
    pub id: u64,
    /// Why it is refused; empty if it is let in.
    pub error: String,
}

impl Conn {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let Some((&[flags, _], rest)) = frame.body.split_first_chunk() else { return Err(too_short(frame)) };
        let (id, rest) = number(frame, rest)?;
        let meta = base64(frame, &json::<Data<'_>>(frame, rest)?.meta)?;
        let heartbeat = Duration::from_secs(5 << (2 * u32::from(flags >> 4 & 3)));
        Ok(Self { id, heartbeat, meta })
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let interval = match self.heartbeat.as_secs() {
            0..=5 => 0,
            6..=20 => 1,
            21..=80 => 2,
            _ => 3,
        };
        frame::encode(out, Kind::Conn, id, |out| {
            out.extend_from_slice(&[CHOOSE_ID | interval << 4, 0]);
            out.extend_from_slice(&self.id.to_be_bytes());
            let mut object = Object::new(out);
            object.bytes("meta", &[&self.meta]);
            object.end();
        })
    }
}

impl ConnAck {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let Some((_, rest)) = frame.body.split_first() else { return Err(too_short(frame)) };
        let (id, rest) = number(frame, rest)?;
        Ok(Self { id, error: json::<Data<'_>>(frame, rest)?.error.into_owned() })
    }

    /// Appends the answer to the packet `id`.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        frame::encode(out, Kind::ConnAck, id, |out| {
            out.push(u8::from(!self.error.is_empty()));
            out.extend_from_slice(&self.id.to_be_bytes());
            let mut object = Object::new(out);
            object.text("error", &self.error);
            object.end();
        })
    }
}

pub(super) fn parse_disconnected(frame: &Frame) -> Result<(), DecodeError> {
    let Some((_, rest)) = frame.body.split_first() else { return Err(too_short(frame)) };
    json::<Data<'_>>(frame, rest).map(drop)
}

/// Appends the packet that ends the connection.
pub fn disconnect(id: u64, out: &mut Vec<u8>) {
    put(out, Kind::Disconnect, id, |_| {});
}

/// Appends the answer to a [`disconnect`].
pub fn disconnected(id: u64, out: &mut Vec<u8>) {
    put(out, Kind::Disconnected, id, |out| out.extend_from_slice(b"\0{}"));
}

/// Appends the answer to a client's sign of life.
pub fn heartbeat_ack(id: u64, out: &mut Vec<u8>) {
    put(out, Kind::HeartbeatAck, id, |_| {});
}
