//! Packets byte by byte, as the standard has them.

use super::*;

const MAX: usize = 1 << 20;

fn read(bytes: &[u8]) -> Result<Option<Packet>, String> {
    decode(&mut BytesMut::from(bytes), MAX)
}

/// Packets of each kind, and what they are.
fn samples() -> Vec<(Vec<u8>, Packet)> {
    let reason = |code, text: &str| Reason { code, text: text.to_owned() };
    let connack = ConnAck {
        is_session_present: true,
        receive_max: Some(20),
        topic_alias_max: Some(10),
        max_packet_size: Some(65_536),
        keep_alive: Some(5),
        ..ConnAck::default()
    };
    let publish = Publish {
        is_repeated: true,
        qos: 1,
        id: 7,
        topic: "a/b".to_owned(),
        properties: vec![("k".into(), "v".into()), ("Correlation-Data".into(), Bytes::from_static(b"\xff"))],
        payload: Bytes::from_static(b"xyz"),
    };
    vec![
        (
            b"\x20\x11\x01\x00\x0e\x21\x00\x14\x22\x00\x0a\x27\x00\x01\x00\x00\x13\x00\x05".to_vec(),
            Packet::ConnAck(connack),
        ),
        (
            b"\x3a\x16\x00\x03a/b\x00\x07\x0b\x26\x00\x01k\x00\x01v\x09\x00\x01\xffxyz".to_vec(),
            Packet::Publish(publish),
        ),
        (b"\x40\x02\x00\x07".to_vec(), Packet::PubAck { id: 7, reason: reason(0, "") }),
        (b"\x40\x03\x00\x07\x10".to_vec(), Packet::PubAck { id: 7, reason: reason(0x10, "") }),
        (
            b"\x40\x09\x00\x07\x87\x05\x1f\x00\x02no".to_vec(),
            Packet::PubAck { id: 7, reason: reason(0x87, "no") },
        ),
        (
            b"\x90\x05\x00\x01\x00\x01\x8f".to_vec(),
            Packet::SubAck { id: 1, codes: Bytes::from_static(b"\x01\x8f"), text: String::new() },
        ),
        (b"\xd0\x00".to_vec(), Packet::PingResp),
        (b"\xe0\x00".to_vec(), Packet::Disconnect(reason(0, ""))),
        (b"\xe0\x01\x8e".to_vec(), Packet::Disconnect(reason(0x8e, ""))),
    ]
}

#[test]
fn each_kind_is_read_and_waited_for_until_it_is_whole() {
    for (bytes, packet) in samples() {
        assert_eq!(read(&bytes), Ok(Some(packet)), "{bytes:02x?}");
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]), Ok(None), "{bytes:02x?} up to {len}");
        }
        // Two of them come together.
        let mut input = BytesMut::from(&[&bytes[..], &bytes[..]].concat()[..]);
        assert!(decode(&mut input, MAX).unwrap().is_some());
        assert_eq!(input, bytes);
    }
}

#[test]
fn one_that_ends_within_its_parts_is_refused() {
    for (bytes, _) in samples() {
        for len in 2..bytes.len() {
            // What is left of it, with a length that says so.
            let mut cut = bytes[..len].to_vec();
            cut[1] = u8::try_from(len - 2).unwrap();
            if let Err(cause) = read(&cut) {
                assert_eq!(cause, MALFORMED);
            }
            // Whatever is in it, nothing panics.
            for at in 0..cut.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = cut.clone();
                    changed[at] = value;
                    let _ = read(&changed);
                }
            }
        }
    }
    for bytes in [
        &b"\x20\x03\x00\x00\x05"[..],               // properties beyond the end
        b"\x20\x05\x00\x00\x02\x7f\x00",            // a property that there is not
        b"\x20\x06\x00\x00\x03\x21\x00\x00",        // a window of nothing
        b"\x20\x03\x02\x00\x00",                    // a flag that there is not
        b"\x32\x07\x00\x01a\x00\x00\x00x",          // an id of 0
        b"\x36\x07\x00\x01a\x00\x01\x00x",          // a third kind of delivery and a half
        b"\x30\x04\x00\x00\x00x",                   // no topic
        b"\x30\x08\x00\x01a\x03\x23\x00\x01x",      // an alias that nobody asked for
        b"\x30\x05\x00\x01\xff\x00x",               // a topic that is no text
        b"\x40\x0a\x00\x07\x87\x05\x1f\x00\x02nox", // something behind its end
        b"\x50\x02\x00\x01",                        // an answer to what is never sent
        b"\x10\x00",                                // a login
        b"\x00\x00",
        b"\x30\xff\xff\xff\xff", // a length without end
    ] {
        assert_eq!(read(bytes), Err(MALFORMED.to_owned()), "{bytes:02x?}");
    }
}

#[test]
fn one_that_is_too_long_is_refused_before_it_has_come() {
    let mut input = BytesMut::from(&b"\x30\xff\xff\xff\x7f"[..]);
    let cause = decode(&mut input, 1000).unwrap_err();
    assert!(cause.contains("268435460 bytes, and 1000"), "{cause}");
}
