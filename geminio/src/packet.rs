//! What packets say.

pub(crate) mod cancel;
pub(crate) mod conn;
pub(crate) mod open;
pub(crate) mod register;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod session;

use crate::{Cancelled, Conn, ConnAck, DecodeError, Frame, Kind, Open, OpenAck, Reply, Request};
use serde::Deserialize;
use std::borrow::Cow;

/// What kind of request it is, and so what kind of reply it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A call: a response comes.
    Call,
    /// A message: an acknowledgement comes.
    Message,
}

/// A packet, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A client begins.
    Conn(Conn),
    /// It is let in, or refused.
    ConnAck(ConnAck),
    /// The sender ends the connection.
    Disconnect,
    /// It has heard that.
    Disconnected,
    /// A client lives.
    Heartbeat,
    /// So does the server.
    HeartbeatAck,
    /// A stream is opened.
    Open(Open),
    /// It is taken.
    OpenAck(OpenAck),
    /// The stream of this session is closed.
    Dismiss(u64),
    /// The peer has heard that.
    Dismissed(u64),
    /// A call or a message.
    Request(Request<'a>),
    /// What became of one.
    Reply(Reply),
    /// Raw bytes on this session.
    Raw(u64, &'a [u8]),
    /// Nobody waits for a call any more.
    Cancel(Cancelled),
    /// The sender takes calls of this method on this session.
    Register(u64, Cow<'a, str>),
    /// The peer has heard that: the session, and what went wrong.
    Registered(u64, String),
}

impl<'a> Packet<'a> {
    /// Reads the body of a packet.
    ///
    /// # Errors
    /// [`DecodeError`] if it is too short, or can't be read.
    pub fn parse(frame: &'a Frame) -> Result<Self, DecodeError> {
        let empty = || if frame.body.is_empty() { Ok(()) } else { Err(DecodeError::NotEmpty(frame.kind)) };
        Ok(match frame.kind {
            Kind::Conn => Self::Conn(Conn::parse(frame)?),
            Kind::ConnAck => Self::ConnAck(ConnAck::parse(frame)?),
            Kind::Disconnect => empty().map(|()| Self::Disconnect)?,
            Kind::Disconnected => conn::parse_disconnected(frame).map(|()| Self::Disconnected)?,
            Kind::Heartbeat => empty().map(|()| Self::Heartbeat)?,
            Kind::HeartbeatAck => empty().map(|()| Self::HeartbeatAck)?,
            Kind::Open => Self::Open(Open::parse(frame)?),
            Kind::OpenAck => Self::OpenAck(OpenAck::parse(frame)?),
            Kind::Dismiss => Self::Dismiss(session::parse_closed(frame)?),
            Kind::Dismissed => Self::Dismissed(session::parse_closed(frame)?),
            Kind::Call | Kind::Message => Self::Request(Request::parse(frame)?),
            Kind::Response | Kind::MessageAck => Self::Reply(Reply::parse(frame)?),
            Kind::Raw => {
                let (session, bytes) = number(frame, &frame.body)?;
                Self::Raw(session, bytes)
            }
            Kind::Cancel => Self::Cancel(Cancelled::parse(frame)?),
            Kind::Register => {
                let (session, method) = number(frame, &frame.body)?;
                Self::Register(session, String::from_utf8_lossy(method))
            }
            Kind::Registered => register::parse_registered(frame)?,
        })
    }
}

/// The number that `body` begins with, and the rest.
fn number<'a>(frame: &Frame, body: &'a [u8]) -> Result<(u64, &'a [u8]), DecodeError> {
    let (number, rest) = body.split_first_chunk().ok_or_else(|| too_short(frame))?;
    Ok((u64::from_be_bytes(*number), rest))
}

fn too_short(frame: &Frame) -> DecodeError {
    DecodeError::TooShort { kind: frame.kind, len: frame.body.len() }
}

fn json<'a, T: Deserialize<'a>>(frame: &Frame, text: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(text).map_err(|_| DecodeError::Json(frame.kind))
}

fn base64(frame: &Frame, text: &str) -> Result<Vec<u8>, DecodeError> {
    crate::json::decode(text).ok_or(DecodeError::Base64(frame.kind))
}
