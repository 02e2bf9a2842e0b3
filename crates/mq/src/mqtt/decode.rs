//! What a server of MQTT 5 sends, read from bytes. Nothing here panics or grows with what a server says.
//!
//! ```text
//!   kind and flags: 1 byte │ length of the rest: 1 to 4 bytes │ fixed part │ length of properties, properties │ the rest
//! ```

use bytes::{Buf, Bytes, BytesMut};

/// What is no MQTT, or not of a server.
const MALFORMED: &str = "the broker sends what is no MQTT 5";

/// Bytes of a number of variable length, at most.
const MAX_VARINT: usize = 4;

/// A packet that a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    ConnAck(ConnAck),
    Publish(Publish),
    PubAck { id: u16, reason: Reason },
    SubAck { id: u16, codes: Bytes, text: String },
    PingResp,
    Disconnect(Reason),
}

/// A reason code, and what the server says besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) code: u8,
    pub(super) text: String,
}

/// The answer to a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnAck {
    pub(super) is_session_present: bool,
    pub(super) reason: Reason,
    pub(super) receive_max: Option<u16>,
    pub(super) max_qos: Option<u8>,
    pub(super) takes_retained: Option<u8>,
    pub(super) max_packet_size: Option<u32>,
    pub(super) topic_alias_max: Option<u16>,
    pub(super) keep_alive: Option<u16>,
    pub(super) shares_subscriptions: Option<u8>,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Publish {
    pub(super) is_repeated: bool,
    pub(super) qos: u8,
    /// 0 where nothing is to be acked.
    pub(super) id: u16,
    pub(super) topic: String,
    /// Users' properties, and those of the standard by their names.
    pub(super) properties: Vec<(Box<str>, Bytes)>,
    pub(super) payload: Bytes,
}

/// Takes the next packet of what has come, if it is there whole. One of more than `max` bytes is an error before it has come.
pub(super) fn decode(input: &mut BytesMut, max: usize) -> Result<Option<Packet>, String> {
    let Some(head) = input.first().copied() else { return Ok(None) };
    let (mut length, mut bytes) = (0_usize, 0);
    loop {
        let Some(byte) = input.get(1 + bytes) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * bytes);
        bytes += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if bytes == MAX_VARINT {
            return Err(MALFORMED.to_owned());
        }
    }
    let whole = 1 + bytes + length;
    if whole > max {
        return Err(format!("the broker sends a packet of {whole} bytes, and {max} were agreed on"));
    }
    if input.len() < whole {
        // It comes in one piece then, as far as the system has it.
        input.reserve(whole - input.len());
        return Ok(None);
    }
    let mut packet = input.split_to(whole).freeze();
    packet.advance(1 + bytes);
    parse(head, packet).map(Some).ok_or_else(|| MALFORMED.to_owned())
}

fn parse(head: u8, rest: Bytes) -> Option<Packet> {
    let mut rest = Rest(rest);
    let packet = match (head >> 4, head & 0xf) {
        (2, 0) => Packet::ConnAck(connack(&mut rest)?),
        (3, flags) => return publish(flags, rest).map(Packet::Publish),
        (4, 0) => Packet::PubAck { id: rest.u16()?, reason: reason(&mut rest)? },
        (9, 0) => {
            let id = rest.u16()?;
            let mut text = String::new();
            for property in rest.properties()? {
                if let (31, Value::Text(value)) = property {
                    text = value;
                }
            }
            let codes = std::mem::take(&mut rest.0);
            Packet::SubAck { id, codes, text }
        }
        (13, 0) => Packet::PingResp,
        (14, 0) => Packet::Disconnect(reason(&mut rest)?),
        _ => return None,
    };
    rest.0.is_empty().then_some(packet)
}

/// A reason that may be left out, with its properties.
fn reason(rest: &mut Rest) -> Option<Reason> {
    let mut reason = Reason::default();
    if rest.0.is_empty() {
        return Some(reason);
    }
    reason.code = rest.u8()?;
    if !rest.0.is_empty() {
        for property in rest.properties()? {
            if let (31, Value::Text(text)) = property {
                reason.text = text;
            }
        }
    }
    Some(reason)
}

fn connack(rest: &mut Rest) -> Option<ConnAck> {
    let flags = rest.u8()?;
    let mut connack = ConnAck { is_session_present: flags & 1 == 1, ..ConnAck::default() };
    connack.reason.code = rest.u8()?;
    for property in rest.properties()? {
        match property {
            (19, Value::Two(value)) => connack.keep_alive = Some(value),
            (31, Value::Text(text)) => connack.reason.text = text,
            (33, Value::Two(value)) => connack.receive_max = Some(value),
            (34, Value::Two(value)) => connack.topic_alias_max = Some(value),
            (36, Value::One(value)) => connack.max_qos = Some(value),
            (37, Value::One(value)) => connack.takes_retained = Some(value),
            (39, Value::Four(value)) => connack.max_packet_size = Some(value),
            (42, Value::One(value)) => connack.shares_subscriptions = Some(value),
            _ => {}
        }
    }
    // A window of nothing would be one in which nothing ever goes.
    (flags & !1 == 0 && connack.receive_max != Some(0) && connack.max_packet_size != Some(0))
        .then_some(connack)
}

fn publish(flags: u8, mut rest: Rest) -> Option<Publish> {
    let (qos, topic) = ((flags >> 1) & 3, rest.text()?);
    let id = if qos == 0 { 0 } else { rest.u16()? };
    let mut properties = Vec::new();
    for property in rest.properties()? {
        match property {
            (38, Value::Pair(name, value)) => properties.push((name.into(), value.into())),
            (3, Value::Text(value)) => properties.push(("Content-Type".into(), value.into())),
            (8, Value::Text(value)) => properties.push(("Response-Topic".into(), value.into())),
            (9, Value::Bytes(value)) => {
                properties.push(("Correlation-Data".into(), Bytes::copy_from_slice(&value)));
            }
            // An alias of a topic, of which none were asked for.
            (35, _) => return None,
            _ => {}
        }
    }
    let is_right = !topic.is_empty() && qos < 3 && (qos == 0 || id != 0);
    let is_repeated = flags & 8 != 0;
    // Held for long, a small one would keep all that came with it.
    let payload = Bytes::copy_from_slice(&rest.0);
    is_right.then_some(Publish { is_repeated, qos, id, topic, properties, payload })
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    One(u8),
    Two(u16),
    Four(u32),
    Varint,
    Text(String),
    Bytes(Bytes),
    Pair(String, String),
}

/// What of a packet is not read yet.
struct Rest(Bytes);

impl Rest {
    fn u8(&mut self) -> Option<u8> {
        (!self.0.is_empty()).then(|| self.0.get_u8())
    }

    fn u16(&mut self) -> Option<u16> {
        (self.0.len() >= 2).then(|| self.0.get_u16())
    }

    fn u32(&mut self) -> Option<u32> {
        (self.0.len() >= 4).then(|| self.0.get_u32())
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0;
        for index in 0..MAX_VARINT {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let length = usize::from(self.u16()?);
        (self.0.len() >= length).then(|| self.0.split_to(length))
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.into()).ok()
    }

    /// Each property that there is, by its identifier.
    fn properties(&mut self) -> Option<Vec<(u8, Value)>> {
        let length = self.varint()?;
        if self.0.len() < length {
            return None;
        }
        let (mut properties, mut rest) = (Vec::new(), Self(self.0.split_to(length)));
        while !rest.0.is_empty() {
            let identifier = rest.u8()?;
            let value = match identifier {
                1 | 23 | 25 | 36 | 37 | 40 | 41 | 42 => Value::One(rest.u8()?),
                19 | 33 | 34 | 35 => Value::Two(rest.u16()?),
                2 | 17 | 24 | 39 => Value::Four(rest.u32()?),
                11 => {
                    rest.varint()?;
                    Value::Varint
                }
                3 | 8 | 18 | 21 | 26 | 28 | 31 => Value::Text(rest.text()?),
                9 | 22 => Value::Bytes(rest.bytes()?),
                38 => Value::Pair(rest.text()?, rest.text()?),
                _ => return None,
            };
            properties.push((identifier, value));
        }
        Some(properties)
    }
}

#[cfg(test)]
mod tests;
