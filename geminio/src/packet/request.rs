//! `Call` (0x71), `Message` (0x51): what somebody asks.
//!
//! ```text
//!  session (u64) | {"key": base64, "value": base64, "topic": text, "custom": base64, "deadline": time, "context": {"deadline": time}}
//! ```
//!
//! A call's method stands in `key`, a message's topic in `topic`. Deadlines go by the sender's clock.

use super::{RequestKind, base64, json, number};
use crate::json::{Object, make_room};
use crate::{DecodeError, EncodeError, Frame, Kind, frame, time};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::SystemTime;

#[derive(Default, Deserialize)]
struct Caller<'a> {
    #[serde(borrow)]
    deadline: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    topic: Cow<'a, str>,
    #[serde(borrow, default)]
    custom: Cow<'a, str>,
    #[serde(borrow)]
    deadline: Option<Cow<'a, str>>,
    #[serde(borrow)]
    context: Option<Caller<'a>>,
}

/// A call or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Call or message.
    pub kind: RequestKind,
    /// The session that it is sent on.
    pub session: u64,
    /// The method or the topic.
    pub name: Cow<'a, str>,
    /// The header of the users, as it stands on the wire.
    pub custom: Cow<'a, [u8]>,
    /// What is appended to that.
    pub tail: Option<u64>,
    /// The payload.
    pub payload: Cow<'a, [u8]>,
    /// When the sender stops waiting, by its own clock.
    pub deadline: Option<SystemTime>,
}

impl<'a> Request<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it can't be read.
    pub fn parse(frame: &'a Frame) -> Result<Self, DecodeError> {
        let kind = if frame.kind == Kind::Call { RequestKind::Call } else { RequestKind::Message };
        let (session, rest) = number(frame, &frame.body)?;
        let Data { key, value, topic, custom, deadline, context } = json(frame, rest)?;
        let name = match kind {
            // A method that is no UTF-8 is one that nobody has.
            RequestKind::Call => match String::from_utf8(base64(frame, &key)?) {
                Ok(method) => method.into(),
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
            },
            RequestKind::Message => topic,
        };
        let at = |text: Option<Cow<'_, str>>| text.and_then(|text| time::parse(&text));
        let (own, callers) = (at(deadline), at(context.and_then(|context| context.deadline)));
        Ok(Self {
            kind,
            session,
            name,
            custom: base64(frame, &custom)?.into(),
            tail: None,
            payload: base64(frame, &value)?.into(),
            deadline: own.into_iter().chain(callers).min(),
        })
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let kind = match self.kind {
            RequestKind::Call => Kind::Call,
            RequestKind::Message => Kind::Message,
        };
        make_room(out, self.name.len() + self.custom.len() + self.payload.len());
        frame::encode(out, kind, id, |out| {
            out.extend_from_slice(&self.session.to_be_bytes());
            let mut object = Object::new(out);
            if self.kind == RequestKind::Call {
                object.bytes("key", &[self.name.as_bytes()]);
            }
            object.bytes("value", &[&self.payload]);
            if self.kind == RequestKind::Message {
                object.text("topic", &self.name);
            }
            match self.tail.map(u64::to_be_bytes) {
                Some(tail) => object.bytes("custom", &[&self.custom, &tail]),
                None => object.bytes("custom", &[&self.custom]),
            }
            object.time("deadline", self.deadline);
            object.end();
        })
    }
}
