//! What stands beside the payload of a message that comes: its properties, of which some are looked at, and its headers.
//!
//! A table may have tables in it. Those are passed over by their length, so nothing that a server sends makes this go deeper.

use super::fields::Fields;
use bytes::Bytes;

/// Headers of one message that are looked at; the rest is left out.
const MAX_HEADERS: usize = 1000;

/// What stands beside a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Bytes of the payload.
    pub(super) size: u64,
    /// The property `message_id`.
    pub(super) id: String,
    /// Headers whose value is a text, bytes or a number.
    pub(super) headers: Vec<(Box<str>, Bytes)>,
}

impl Content {
    /// Reads the payload of a header frame; `None` if that is none. Properties are bytes of whoever has published it, which
    /// no broker looks at: what can't be read of them is not there.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        fields.bytes(2 + 2)?;
        let mut content = Self { size: fields.u64()?, ..Self::default() };
        let flags = fields.u16()?;
        let _ = content.read_properties(flags, &mut fields);
        Some(content)
    }

    fn read_properties(&mut self, flags: u16, fields: &mut Fields<'_>) -> Option<()> {
        let has = |bit: u32| flags & (1 << bit) != 0;
        // In the order of their flags, from the highest on: content type and encoding,
        for bit in [15, 14] {
            if has(bit) {
                fields.short_text()?;
            }
        }
        if has(13) {
            self.headers = table(fields.long()?);
        }
        // delivery mode and priority,
        for bit in [12, 11] {
            if has(bit) {
                fields.u8()?;
            }
        }
        // correlation id, where to reply, and expiration. What is behind the id of the message is not looked at.
        for bit in [10, 9, 8] {
            if has(bit) {
                fields.short_text()?;
            }
        }
        if has(7) {
            self.id = fields.short_text()?;
        }
        Some(())
    }
}

/// The entries of a table, up to the first of a type that is not known: how long that is can't be said.
fn table(bytes: &[u8]) -> Vec<(Box<str>, Bytes)> {
    let (mut fields, mut entries) = (Fields(bytes), Vec::new());
    while entries.len() < MAX_HEADERS
        && let Some((name, value)) = entry(&mut fields)
    {
        entries.extend(value.map(|value| (name, value)));
    }
    entries
}

/// The next entry; without a value if that is nothing to be read as text.
fn entry(fields: &mut Fields<'_>) -> Option<(Box<str>, Option<Bytes>)> {
    let name = fields.short_text()?.into();
    let text = |text: String| Some(Bytes::from(text));
    let value = match fields.u8()? {
        b'S' | b'x' => Some(Bytes::copy_from_slice(fields.long()?)),
        b't' => text((fields.u8()? != 0).to_string()),
        b'b' => text(i8::from_be_bytes(fields.array()?).to_string()),
        b'B' => text(fields.u8()?.to_string()),
        b's' => text(i16::from_be_bytes(fields.array()?).to_string()),
        b'u' => text(fields.u16()?.to_string()),
        b'I' => text(i32::from_be_bytes(fields.array()?).to_string()),
        b'i' => text(fields.u32()?.to_string()),
        b'l' => text(i64::from_be_bytes(fields.array()?).to_string()),
        b'T' => text(fields.u64()?.to_string()),
        b'f' => text(f32::from_be_bytes(fields.array()?).to_string()),
        b'd' => text(f64::from_be_bytes(fields.array()?).to_string()),
        b'D' => fields.bytes(5).map(|_| None)?,
        b'A' | b'F' => fields.long().map(|_| None)?,
        b'V' => None,
        _ => return None,
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(table: &[u8]) -> Vec<u8> {
        let mut bytes = b"\0\x3c\0\0\0\0\0\0\0\0\0\x05".to_vec();
        // Content type, headers, delivery mode and the id.
        bytes.extend([0b1011_0000, 0b1000_0000]);
        bytes.extend(b"\x01t");
        bytes.extend(u32::try_from(table.len()).unwrap().to_be_bytes());
        bytes.extend(table);
        bytes.extend(b"\x02\x04ab-7");
        bytes
    }

    #[test]
    fn headers_of_all_types_are_read_or_passed_over() {
        let table = [
            &b"\x01aS\0\0\0\x02hi"[..],
            b"\x01bx\0\0\0\x01\xff",
            b"\x01ct\x01",
            b"\x01dI\xff\xff\xff\xfe",
            b"\x01el\0\0\0\0\0\0\0\x07",
            b"\x01fF\0\0\0\x04\x01at\x01",
            b"\x01gA\0\0\0\x02t\x01",
            b"\x01hV",
            b"\x01id\xbf\xe0\0\0\0\0\0\0",
            b"\x01kD\x02\0\0\0\x07",
            b"\x01js\0\x09",
        ]
        .concat();
        let content = Content::read(&header(&table)).unwrap();
        assert_eq!((content.size, &*content.id), (5, "ab-7"));
        let headers: Vec<(&str, &[u8])> =
            content.headers.iter().map(|(name, value)| (&**name, &value[..])).collect();
        let expected: [(&str, &[u8]); 7] = [
            ("a", b"hi"),
            ("b", b"\xff"),
            ("c", b"true"),
            ("d", b"-2"),
            ("e", b"7"),
            ("i", b"-0.5"),
            ("j", b"9"),
        ];
        assert_eq!(headers, expected);
        // What is behind a type that is not known can't be read.
        let content = Content::read(&header(b"\x01aS\0\0\0\x01x\x01b?\x01cS\0\0\0\x01y")).unwrap();
        assert_eq!(content.headers.len(), 1);
    }

    #[test]
    fn cut_off_at_each_byte_it_has_less() {
        let whole = header(b"\x01aS\0\0\0\x02hi\x01dI\0\0\0\x01");
        for len in 0..14 {
            assert_eq!(Content::read(&whole[..len]), None, "cut at {len}");
        }
        for len in 14..whole.len() {
            let content = Content::read(&whole[..len]).unwrap();
            assert!(content.size == 5 && content.id.is_empty(), "cut at {len}");
        }
        let table = b"\x01aS\0\0\0\x02hi\x01dI\0\0\0\x01";
        for len in 0..table.len() {
            assert!(Content::read(&header(&table[..len])).unwrap().headers.len() < 2);
        }
    }
}
