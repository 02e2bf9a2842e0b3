//! The wire from outside: recorded packets, packets cut at every byte, and whatever else may come.

#[path = "../../../fuzz/src/geminio.rs"]
#[expect(unreachable_pub, reason = "the file is the fuzz crate's library as well")]
mod fuzz;
mod golden;
mod recorded;

use frontier_geminio::{DecodeError, Frame, Kind, MAX_BODY, Packet, decode};
use proptest::prelude::*;

fn unhex(text: &str) -> Vec<u8> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    };
    text.as_bytes().chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

fn frame(wire: &[u8]) -> Frame {
    let mut buffer = bytes::BytesMut::from(wire);
    let frame = decode(&mut buffer, MAX_BODY).expect("it is a packet").expect("it is whole");
    assert!(buffer.is_empty());
    frame
}

/// The shortest body that each kind can have.
fn shortest(kind: Kind) -> usize {
    match kind {
        Kind::Conn | Kind::Open => 12,
        Kind::ConnAck => 11,
        Kind::Disconnect | Kind::Heartbeat | Kind::HeartbeatAck => 0,
        Kind::Disconnected => 3,
        Kind::OpenAck => 20,
        Kind::Raw | Kind::Register => 8,
        _ => 10,
    }
}

#[test]
fn a_body_that_is_cut_short_is_refused_at_every_byte() {
    for (name, wire) in recorded::RECORDED {
        let whole = frame(&unhex(wire));
        for len in 0..whole.body.len() {
            let cut = Frame { body: whole.body.slice(..len), ..whole };
            let parsed = Packet::parse(&cut);
            if len < shortest(whole.kind) {
                let expected = DecodeError::TooShort { kind: whole.kind, len };
                let json = DecodeError::Json(whole.kind);
                assert!(parsed == Err(expected) || parsed == Err(json), "{name} at {len}: {parsed:?}");
            } else if !matches!(whole.kind, Kind::Raw | Kind::Register) {
                assert_eq!(parsed, Err(DecodeError::Json(whole.kind)), "{name} at {len}");
            }
        }
    }
}

#[test]
fn a_body_where_there_is_none_is_refused() {
    for kind in [Kind::Disconnect, Kind::Heartbeat, Kind::HeartbeatAck] {
        let frame = Frame { kind, id: 1, body: bytes::Bytes::from_static(b"{}") };
        assert_eq!(Packet::parse(&frame), Err(DecodeError::NotEmpty(kind)));
    }
}

#[test]
fn byte_strings_are_in_base64_with_padding() {
    for (value, is_taken) in [("aGk=", true), ("aGk", false), ("a-_=", false), ("aGk=\\n", false), ("", true)]
    {
        let body = format!("\0\0\0\0\0\0\0\x01{{\"key\":\"eA==\",\"value\":\"{value}\"}}");
        let frame = Frame { kind: Kind::Call, id: 1, body: body.into() };
        let parsed = Packet::parse(&frame);
        if is_taken {
            assert!(parsed.is_ok(), "{value}");
        } else {
            assert_eq!(parsed, Err(DecodeError::Base64(Kind::Call)), "{value}");
        }
    }
}

#[test]
fn the_fuzz_target_holds_for_what_was_recorded_and_for_damaged_copies() {
    for (at, (_, wire)) in recorded::RECORDED.iter().enumerate() {
        let mut wire = unhex(wire);
        wire.insert(0, u8::try_from(at).unwrap());
        fuzz::packets(&wire);
        for byte in 0..wire.len() {
            let mut damaged = wire.clone();
            damaged[byte] ^= 1 << (byte % 8);
            fuzz::packets(&damaged);
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_or_refused(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz::packets(&input);
    }
}
