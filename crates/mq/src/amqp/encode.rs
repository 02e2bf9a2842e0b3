//! Frames of AMQP 0-9-1 that a publisher or a consumer sends, into bytes.

use super::decode::{FRAME_END, OVERHEAD};
use bytes::{BufMut, BytesMut};

/// What a client sends first: the version 0-9-1.
pub(super) const PREAMBLE: &[u8] = b"AMQP\0\0\x09\x01";

/// The only channel. 0 is that of the connection itself.
pub(super) const CHANNEL: u16 = 1;

/// Bytes of a short text, at most.
pub(super) const MAX_SHORT: usize = 255;

/// A method, as it is written.
#[derive(Debug)]
pub(super) enum Method<'a> {
    /// Who we are: client properties, the way of login, and what it says.
    StartOk {
        properties: &'a Table,
        mechanism: &'a str,
        response: &'a [u8],
    },
    TuneOk {
        frame_max: u32,
        heartbeat: u16,
    },
    Open {
        vhost: &'a str,
    },
    ConnectionCloseOk,
    ChannelOpen,
    ChannelCloseOk,
    ConfirmSelect,
    ExchangeDeclare {
        name: &'a str,
        kind: &'a str,
        flags: Flags,
    },
    QueueDeclare {
        name: &'a str,
        flags: Flags,
        arguments: &'a Table,
    },
    QueueBind {
        queue: &'a str,
        exchange: &'a str,
        key: &'a str,
    },
    Publish {
        exchange: &'a str,
        key: &'a str,
        mandatory: bool,
    },
    /// We end the connection.
    ConnectionClose,
    /// So many messages may be unacked.
    Qos {
        prefetch: u16,
    },
    Consume {
        queue: &'a str,
        exclusive: bool,
    },
    Ack {
        tag: u64,
    },
    /// It is not taken; without `requeue` it goes to the queue's dead letters, or away.
    Nack {
        tag: u64,
        requeue: bool,
    },
}

/// What a declared thing is like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) durable: bool,
    pub(super) exclusive: bool,
    pub(super) auto_delete: bool,
    pub(super) internal: bool,
}

/// Names with their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(BytesMut);

impl Table {
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        short(&mut self.0, name);
        self.0.put_u8(b'S');
        long(&mut self.0, value.as_bytes());
        self
    }

    pub(super) fn bytes(&mut self, name: &str, value: &[u8]) -> &mut Self {
        short(&mut self.0, name);
        self.0.put_u8(b'x');
        long(&mut self.0, value);
        self
    }

    pub(super) fn flag(&mut self, name: &str) -> &mut Self {
        short(&mut self.0, name);
        self.0.put_slice(b"t\x01");
        self
    }

    pub(super) fn table(&mut self, name: &str, value: &Self) -> &mut Self {
        short(&mut self.0, name);
        self.0.put_u8(b'F');
        long(&mut self.0, &value.0);
        self
    }
}

/// Appends a method.
pub(super) fn method(out: &mut BytesMut, method: &Method<'_>) {
    let on_connection = matches!(
        method,
        Method::StartOk { .. }
            | Method::TuneOk { .. }
            | Method::Open { .. }
            | Method::ConnectionClose
            | Method::ConnectionCloseOk
    );
    frame(out, 1, if on_connection { 0 } else { CHANNEL }, |out| fields(out, method));
}

fn fields(out: &mut BytesMut, method: &Method<'_>) {
    let mut id = |class: u16, number: u16| {
        out.put_u16(class);
        out.put_u16(number);
    };
    match method {
        Method::StartOk { properties, mechanism, response } => {
            id(10, 11);
            long(out, &properties.0);
            short(out, mechanism);
            long(out, response);
            short(out, "en_US");
        }
        Method::TuneOk { frame_max, heartbeat } => {
            id(10, 31);
            // One channel is enough.
            out.put_u16(CHANNEL);
            out.put_u32(*frame_max);
            out.put_u16(*heartbeat);
        }
        Method::Open { vhost } => {
            id(10, 40);
            short(out, vhost);
            out.put_slice(&[0, 0]);
        }
        Method::ConnectionCloseOk => id(10, 51),
        Method::ChannelOpen => {
            id(20, 10);
            out.put_u8(0);
        }
        Method::ChannelCloseOk => id(20, 41),
        Method::ConfirmSelect => {
            id(85, 10);
            out.put_u8(0);
        }
        Method::ExchangeDeclare { name, kind, flags } => {
            id(40, 10);
            out.put_u16(0);
            short(out, name);
            short(out, kind);
            out.put_u8(
                u8::from(flags.durable) << 1
                    | u8::from(flags.auto_delete) << 2
                    | u8::from(flags.internal) << 3,
            );
            out.put_u32(0);
        }
        Method::QueueDeclare { name, flags, arguments } => {
            id(50, 10);
            out.put_u16(0);
            short(out, name);
            out.put_u8(
                u8::from(flags.durable) << 1
                    | u8::from(flags.exclusive) << 2
                    | u8::from(flags.auto_delete) << 3,
            );
            long(out, &arguments.0);
        }
        Method::QueueBind { queue, exchange, key } => {
            id(50, 20);
            out.put_u16(0);
            short(out, queue);
            short(out, exchange);
            short(out, key);
            out.put_u8(0);
            out.put_u32(0);
        }
        Method::Publish { exchange, key, mandatory } => {
            id(60, 40);
            out.put_u16(0);
            short(out, exchange);
            short(out, key);
            out.put_u8(u8::from(*mandatory));
        }
        Method::ConnectionClose => {
            id(10, 50);
            out.put_u16(200);
            short(out, "the gateway is done");
            out.put_u32(0);
        }
        Method::Qos { prefetch } => {
            id(60, 10);
            out.put_u32(0);
            out.put_u16(*prefetch);
            out.put_u8(0);
        }
        Method::Consume { queue, exclusive } => {
            id(60, 20);
            out.put_u16(0);
            short(out, queue);
            // The server gives it a tag.
            short(out, "");
            out.put_u8(u8::from(*exclusive) << 2);
            out.put_u32(0);
        }
        Method::Ack { tag } => {
            id(60, 80);
            out.put_u64(*tag);
            out.put_u8(0);
        }
        Method::Nack { tag, requeue } => {
            id(60, 120);
            out.put_u64(*tag);
            out.put_u8(u8::from(*requeue) << 1);
        }
    }
}

/// The properties of a message, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Properties<'a> {
    pub(super) content_type: &'a str,
    pub(super) content_encoding: &'a str,
    pub(super) headers: Table,
    pub(super) delivery_mode: u8,
    pub(super) priority: u8,
    pub(super) reply_to: &'a str,
    pub(super) expiration: &'a str,
    pub(super) message_id: &'a str,
    /// Seconds since 1970.
    pub(super) timestamp: u64,
    pub(super) kind: &'a str,
    pub(super) user_id: &'a str,
    pub(super) app_id: &'a str,
}

/// Appends the header of a message whose payload has `len` bytes. How long it is.
pub(super) fn header(out: &mut BytesMut, properties: &Properties<'_>, len: usize) -> usize {
    let start = out.len();
    frame(out, 2, CHANNEL, |out| {
        out.put_u16(60);
        out.put_u16(0);
        out.put_u64(len as u64);
        write_properties(out, properties);
    });
    out.len() - start
}

/// Appends a payload, of which no frame is longer than `frame_max`.
pub(super) fn body(out: &mut BytesMut, payload: &[u8], frame_max: usize) {
    for part in payload.chunks(frame_max.saturating_sub(OVERHEAD).max(1)) {
        frame(out, 3, CHANNEL, |out| out.put_slice(part));
    }
}

/// Leaves out what says nothing: RabbitMQ 3.10 takes a third fewer messages when their properties exceed 64 bytes.
fn write_properties(out: &mut BytesMut, properties: &Properties<'_>) {
    let at = out.len();
    out.put_u16(0);
    let (has_headers, has_priority) = (!properties.headers.0.is_empty(), properties.priority > 0);
    let mut flags = u16::from(has_headers) << 13 | 1 << 12 | u16::from(has_priority) << 11 | 1 << 6;
    let mut text = |out: &mut BytesMut, bit: u32, value: &str| {
        if !value.is_empty() {
            flags |= 1 << bit;
            short(out, value);
        }
    };
    text(out, 15, properties.content_type);
    text(out, 14, properties.content_encoding);
    if has_headers {
        long(out, &properties.headers.0);
    }
    out.put_u8(properties.delivery_mode);
    if has_priority {
        out.put_u8(properties.priority);
    }
    text(out, 9, properties.reply_to);
    text(out, 8, properties.expiration);
    text(out, 7, properties.message_id);
    out.put_u64(properties.timestamp);
    text(out, 5, properties.kind);
    text(out, 4, properties.user_id);
    text(out, 3, properties.app_id);
    out[at..at + 2].copy_from_slice(&flags.to_be_bytes());
}

/// Appends a sign of life.
pub(super) fn heartbeat(out: &mut BytesMut) {
    frame(out, 8, 0, |_| {});
}

fn frame(out: &mut BytesMut, kind: u8, channel: u16, payload: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    out.put_u16(channel);
    let at = out.len();
    out.put_u32(0);
    payload(out);
    // Headers are looked at before, and bodies come in parts.
    let size = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&size.to_be_bytes());
    out.put_u8(FRAME_END);
}

/// A text of 255 bytes at most; a longer one loses its end, and is refused where it matters before it comes here.
fn short(out: &mut BytesMut, text: &str) {
    let kept = text.floor_char_boundary(MAX_SHORT);
    out.put_u8(u8::try_from(kept).unwrap_or(u8::MAX));
    out.put_slice(&text.as_bytes()[..kept]);
}

fn long(out: &mut BytesMut, bytes: &[u8]) {
    // A message's payload goes another way, and everything else is far shorter.
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_is_method_header_and_parts_of_the_payload() {
        let mut out = BytesMut::new();
        method(&mut out, &Method::Publish { exchange: "e", key: "k", mandatory: true });
        assert_eq!(&out[..], b"\x01\0\x01\0\0\0\x0b\0\x3c\0\x28\0\0\x01e\x01k\x01\xce");
        out.clear();
        let properties = Properties { message_id: "i", delivery_mode: 2, ..Properties::default() };
        assert_eq!(header(&mut out, &properties, 5), 33);
        body(&mut out, b"12345", OVERHEAD + 3);
        let expected = [
            &b"\x02\0\x01\0\0\0\x19"[..],
            b"\0\x3c\0\0\0\0\0\0\0\0\0\x05",
            &[0b0001_0000, 0b1100_0000],
            b"\x02\x01i\0\0\0\0\0\0\0\0\xce",
            b"\x03\0\x01\0\0\0\x03123\xce",
            b"\x03\0\x01\0\0\0\x0245\xce",
        ];
        assert_eq!(&out[..], expected.concat());
        out.clear();
        let mut properties = Properties { delivery_mode: 1, priority: 9, ..Properties::default() };
        properties.headers.text("h", "v");
        write_properties(&mut out, &properties);
        let expected = [
            &[0b0011_1000, 0b0100_0000][..],
            b"\0\0\0\x08\x01hS\0\0\0\x01v",
            b"\x01\x09",
            b"\0\0\0\0\0\0\0\0",
        ];
        assert_eq!(&out[..], expected.concat());
        out.clear();
        body(&mut out, b"", 4096);
        assert!(out.is_empty(), "without a payload there is no body");
    }

    #[test]
    fn what_a_consumer_says_is_as_in_the_specification() {
        let written = |it: &Method<'_>| {
            let mut out = BytesMut::new();
            method(&mut out, it);
            out[7..out.len() - 1].to_vec()
        };
        assert_eq!(written(&Method::Qos { prefetch: 258 }), b"\0\x3c\0\x0a\0\0\0\0\x01\x02\0");
        let consume = Method::Consume { queue: "q", exclusive: true };
        assert_eq!(written(&consume), b"\0\x3c\0\x14\0\0\x01q\0\x04\0\0\0\0");
        assert_eq!(written(&Method::Ack { tag: 7 }), b"\0\x3c\0\x50\0\0\0\0\0\0\0\x07\0");
        let nack = Method::Nack { tag: 7, requeue: true };
        assert_eq!(written(&nack), b"\0\x3c\0\x78\0\0\0\0\0\0\0\x07\x02");
    }

    #[test]
    fn tables_have_their_lengths_in_front() {
        let mut inner = Table::default();
        inner.flag("a");
        let mut table = Table::default();
        table.text("t", "xy").bytes("b", &[0]).table("f", &inner);
        assert_eq!(&table.0[..], b"\x01tS\0\0\0\x02xy\x01bx\0\0\0\x01\0\x01fF\0\0\0\x04\x01at\x01");
    }
}
