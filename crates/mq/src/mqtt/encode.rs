//! What a client of MQTT 5 sends, as bytes.

use bytes::{BufMut, BytesMut};
use std::borrow::Cow;

/// Bytes of a text, at most.
pub(super) const MAX_TEXT: usize = u16::MAX as usize;

/// Bytes of a packet behind its length, at most.
pub(super) const MAX_REST: usize = 268_435_455;

/// A login.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    /// In seconds.
    pub(super) keep_alive: u16,
    pub(super) is_clean: bool,
    /// For how long the server keeps the session of a connection that is lost, in seconds.
    pub(super) session_expiry: u32,
    /// How many messages the server may send that are not acked.
    pub(super) receive_max: u16,
    /// Bytes of a packet that the server may send.
    pub(super) max_packet_size: u32,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Publish<'a> {
    pub(super) id: u16,
    /// Empty where the alias says it.
    pub(super) topic: &'a str,
    pub(super) alias: Option<u16>,
    pub(super) is_retained: bool,
    /// In seconds.
    pub(super) expiry: Option<u32>,
    /// Empty for none.
    pub(super) content_type: &'a str,
    pub(super) properties: &'a [(&'static str, Cow<'a, str>)],
    pub(super) payload: &'a [u8],
}

pub(super) fn connect(out: &mut BytesMut, connect: &Connect<'_>) {
    let mut rest = BytesMut::new();
    text(&mut rest, "MQTT");
    rest.put_u8(5);
    let flag = |is_set: bool, bit: u8| u8::from(is_set) << bit;
    rest.put_u8(
        flag(connect.is_clean, 1) | flag(connect.password.is_some(), 6) | flag(connect.username.is_some(), 7),
    );
    rest.put_u16(connect.keep_alive);
    let mut properties = BytesMut::new();
    if connect.session_expiry > 0 {
        properties.put_u8(17);
        properties.put_u32(connect.session_expiry);
    }
    properties.put_u8(33);
    properties.put_u16(connect.receive_max);
    properties.put_u8(39);
    properties.put_u32(connect.max_packet_size);
    varint(&mut rest, properties.len());
    rest.put(properties);
    text(&mut rest, connect.client_id);
    for login in [connect.username, connect.password].into_iter().flatten() {
        text(&mut rest, login);
    }
    packet(out, 0x10, &rest);
}

/// Appends a message that is to be acked: how many bytes it has.
pub(super) fn publish(out: &mut BytesMut, publish: &Publish<'_>) -> usize {
    let properties = publish.properties_len();
    let rest = publish.rest_len(properties);
    let before = out.len();
    out.reserve(rest + 5);
    out.put_u8(0x32 | u8::from(publish.is_retained));
    varint(out, rest);
    text(out, publish.topic);
    out.put_u16(publish.id);
    varint(out, properties);
    if let Some(expiry) = publish.expiry {
        out.put_u8(2);
        out.put_u32(expiry);
    }
    if !publish.content_type.is_empty() {
        out.put_u8(3);
        text(out, publish.content_type);
    }
    if let Some(alias) = publish.alias {
        out.put_u8(35);
        out.put_u16(alias);
    }
    for (name, value) in publish.properties {
        out.put_u8(38);
        text(out, name);
        text(out, value);
    }
    out.put_slice(publish.payload);
    out.len() - before
}

impl Publish<'_> {
    /// How many bytes it has.
    pub(super) fn size(&self) -> usize {
        let rest = self.rest_len(self.properties_len());
        1 + varint_len(rest) + rest
    }

    fn properties_len(&self) -> usize {
        let users: usize = self.properties.iter().map(|(name, value)| 5 + name.len() + value.len()).sum();
        let content_type = if self.content_type.is_empty() { 0 } else { 3 + self.content_type.len() };
        users + content_type + self.expiry.map_or(0, |_| 5) + self.alias.map_or(0, |_| 3)
    }

    fn rest_len(&self, properties: usize) -> usize {
        2 + self.topic.len() + 2 + varint_len(properties) + properties + self.payload.len()
    }
}

pub(super) fn puback(out: &mut BytesMut, id: u16) {
    packet(out, 0x40, &id.to_be_bytes());
}

/// Asks for what these filters let through, with QoS 1; for what is retained as well, of a subscription that is new.
pub(super) fn subscribe(out: &mut BytesMut, id: u16, filters: &[String], takes_retained: bool) {
    let mut rest = BytesMut::new();
    rest.put_u16(id);
    varint(&mut rest, 0);
    for filter in filters {
        text(&mut rest, filter);
        rest.put_u8(if takes_retained { 0x11 } else { 0x21 });
    }
    packet(out, 0x82, &rest);
}

pub(super) fn disconnect(out: &mut BytesMut) {
    out.put_slice(b"\xe0\x00");
}

pub(super) fn ping(out: &mut BytesMut) {
    out.put_slice(b"\xc0\x00");
}

/// What is behind a length of its own.
fn packet(out: &mut BytesMut, head: u8, rest: &[u8]) {
    out.put_u8(head);
    varint(out, rest.len());
    out.put_slice(rest);
}

/// One that is longer than a text may be is cut: whoever lets in texts looks at that.
fn text(out: &mut BytesMut, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.put_slice(&text.as_bytes()[..usize::from(len)]);
}

fn varint(out: &mut BytesMut, mut value: usize) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        out.put_u8(low | if value > 0 { 0x80 } else { 0 });
        if value == 0 {
            return;
        }
    }
}

fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_says_what_may_come() {
        let mut out = BytesMut::new();
        let login = Connect {
            client_id: "id",
            username: Some("u"),
            password: Some("p"),
            keep_alive: 10,
            is_clean: true,
            session_expiry: 0,
            receive_max: 1,
            max_packet_size: 256,
        };
        connect(&mut out, &login);
        let expected = b"\x10\x1d\x00\x04MQTT\x05\xc2\x00\x0a\x08\x21\x00\x01\x27\x00\x00\x01\x00\x00\x02id\x00\x01u\x00\x01p";
        assert_eq!(&out[..], &expected[..]);
        out.clear();
        connect(
            &mut out,
            &Connect { session_expiry: 7, is_clean: false, username: None, password: None, ..login },
        );
        assert_eq!(&out[9..19], b"\x00\x00\x0a\x0d\x11\x00\x00\x00\x07\x21");
    }

    #[test]
    fn small_packets_are_as_the_standard_has_them() {
        let mut out = BytesMut::new();
        puback(&mut out, 258);
        subscribe(&mut out, 1, &["a/#".to_owned(), "b".to_owned()], false);
        ping(&mut out);
        disconnect(&mut out);
        let expected = b"\x40\x02\x01\x02\x82\x0d\x00\x01\x00\x00\x03a/#\x21\x00\x01b\x21\xc0\x00\xe0\x00";
        assert_eq!(&out[..], &expected[..]);
    }

    #[test]
    fn a_message_has_the_size_that_it_says() {
        let properties = [("k", Cow::from("v".repeat(200)))];
        for payload in [0, 1, 120, 127, 128, 16_000, 16_384, 2_100_000] {
            let payload = vec![7; payload];
            for alias in [None, Some(3)] {
                let message = Publish {
                    id: 258,
                    topic: "a/b",
                    alias,
                    is_retained: true,
                    expiry: Some(9),
                    content_type: "text/plain",
                    properties: &properties,
                    payload: &payload,
                };
                let mut out = BytesMut::new();
                assert_eq!(publish(&mut out, &message), message.size());
                assert_eq!((out.len(), out[0]), (message.size(), 0x33));
                // The reader here understands it, but for the alias.
                let read = super::super::decode::decode(&mut out, usize::MAX);
                assert_eq!(read.is_ok(), alias.is_none(), "{read:?}");
            }
        }
    }
}
