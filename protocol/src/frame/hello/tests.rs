//! Round trips, cut bodies, values and lengths that are refused, and tokens, which no error shows.

use super::*;
use crate::Epoch;
use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

fn sample() -> (Hello<'static>, Frame) {
    let hello = Hello {
        versions: (1, 3),
        role: Role::Service,
        features: 0x8000_0001,
        max_frame: 1 << 20,
        heartbeat_ms: 15_000,
        id: u64::MAX - 1,
        name: "files",
        topics: vec!["telemetry", "", "températures"],
        methods: vec!["get_edge_id", "écho"],
        meta: b"\x00\xffm",
        token: Some(Token::new("tökén")),
        advertised: Advertised { servicebound: "tcp://a:1", edgebound: "tls://ä:2" },
        session: Some(Session { client: 7, attempt: 8, since: Epoch(9) }),
    };
    let mut wire = Vec::new();
    hello.encode(&mut wire).unwrap();
    (hello, decode(&wire))
}

fn body(frame: &Frame) -> Vec<u8> {
    frame.body.to_vec()
}

fn parse_body(body: &[u8]) -> Result<(), ParseError> {
    Hello::parse(&frame(Kind::Hello, Flags::default(), body)).map(drop)
}

#[test]
fn round_trip() {
    let (hello, frame) = sample();
    assert_eq!((frame.kind, frame.id, frame.code), (Kind::Hello, 0, Code::Ok));
    assert_eq!(Hello::parse(&frame), Ok(hello));
}

#[test]
fn a_cut_body_is_refused_unless_it_ends_between_fields() {
    let (hello, frame) = sample();
    let mut ends = vec![FIXED];
    let token = hello.token.as_ref().unwrap().expose();
    let names = hello.topics.iter().chain(&hello.methods).copied();
    let urls = [hello.advertised.servicebound, hello.advertised.edgebound];
    let names = names.chain(urls).map(str::as_bytes);
    let session = hello.session.unwrap().to_wire();
    let names = names.chain([&session[..]]);
    for field in [hello.name.as_bytes(), hello.meta, token.as_bytes()].into_iter().chain(names) {
        ends.push(ends[ends.len() - 1] + 3 + field.len());
    }
    assert_eq!(ends.pop(), Some(frame.body.len()));
    for cut in cuts(&frame) {
        match Hello::parse(&cut) {
            Ok(_) => assert!(ends.contains(&cut.body.len()), "{} bytes", cut.body.len()),
            Err(error) => {
                assert!(!ends.contains(&cut.body.len()));
                assert!(matches!(error, ParseError::Truncated { kind: Kind::Hello, .. }), "{error}");
            }
        }
    }
}

#[test]
fn other_kinds_are_refused() {
    refuses_other_kinds(&sample().1, &[Kind::Hello], |frame| Hello::parse(frame).map(drop));
}

#[test]
fn every_bit_of_the_magic_counts() {
    let good = body(&sample().1);
    for bit in 0..32 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let invalid = ParseError::Invalid { kind: Kind::Hello, field: "magic" };
        assert_eq!(parse_body(&bad), Err(invalid));
    }
}

#[test]
fn only_the_roles_from_1_to_3_exist() {
    let mut bytes = body(&sample().1);
    for role in 0..=u8::MAX {
        bytes[6] = role;
        let expected = match role {
            1..=3 => Ok(()),
            _ => Err(ParseError::Invalid { kind: Kind::Hello, field: "role" }),
        };
        assert_eq!(parse_body(&bytes), expected);
    }
}

#[test]
fn texts_are_utf8_and_meta_is_opaque() {
    for (tag, expected) in [
        (TAG_NAME, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_TOPIC, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_META, Ok(())),
        (TAG_TOKEN, Err(ParseError::Invalid { kind: Kind::Hello, field: "token" })),
        (TAG_METHOD, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_SERVICEBOUND, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_EDGEBOUND, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (0xee, Ok(())),
    ] {
        let mut bytes = body(&sample().1);
        bytes.extend_from_slice(&[tag, 0, 1, 0xff]);
        assert_eq!(parse_body(&bytes), expected, "tag {tag}");
    }
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    let mut bytes = body(&sample().1);
    bytes.extend_from_slice(b"\x01\0\x03new\x04\0\x05newer");
    let frame = frame(Kind::Hello, Flags::default(), &bytes);
    let hello = Hello::parse(&frame).unwrap();
    assert_eq!((hello.name, hello.token), ("new", Some(Token::new("newer"))));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let long = "x".repeat(65_536);
    let (hello, _) = sample();
    for hello in [
        Hello { name: &long, ..hello.clone() },
        Hello { topics: vec!["", &long], ..hello.clone() },
        Hello { methods: vec!["", &long], ..hello.clone() },
        Hello { meta: long.as_bytes(), ..hello.clone() },
        Hello { advertised: Advertised { edgebound: &long, ..hello.advertised }, ..hello },
    ] {
        let mut wire = Vec::new();
        assert_eq!(hello.encode(&mut wire), Err(EncodeError::FieldTooLong(65_536)));
        assert!(wire.is_empty());
    }
}

#[test]
fn a_token_has_a_limit_and_its_errors_do_not_show_it() {
    let secret = "s3cret".repeat(MAX_TOKEN);
    let hello = |len| Hello { token: Some(Token::new(&secret[..len])), ..sample().0 };
    let mut wire = Vec::new();
    hello(MAX_TOKEN).encode(&mut wire).unwrap();
    let frame = decode(&wire);
    assert_eq!(Hello::parse(&frame).unwrap().token.map(|token| token.len()), Some(MAX_TOKEN));
    for shown in [format!("{frame:?}"), format!("{:#?}", Hello::parse(&frame))] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    wire.clear();
    let error = hello(MAX_TOKEN + 1).encode(&mut wire).unwrap_err();
    assert_eq!((error, wire.len()), (EncodeError::TokenTooLong(MAX_TOKEN + 1), 0));
    assert_eq!(error.to_string(), "a token of 16385 bytes is over 16384");
}

#[test]
fn methods_are_added_until_the_frame_is_full() {
    let (hello, frame) = sample();
    let len = HEADER_LEN + frame.body.len();
    for (room, fitting) in [(0, 0), (3 + 2, 0), (3 + 3, 1), (2 * (3 + 3), 2), (1000, 3)] {
        let mut hello = hello.clone();
        assert_eq!(hello.fill_methods(["abc", "def", "g"], len + room), Ok(fitting), "{room} bytes");
        assert_eq!(hello.methods.len(), 2 + fitting);
        let mut wire = Vec::new();
        hello.encode(&mut wire).unwrap();
        assert!(wire.len() <= len + room);
    }
    let long = "x".repeat(65_536);
    let error = hello.clone().fill_methods([&*long], usize::MAX).unwrap_err();
    assert_eq!(error, EncodeError::FieldTooLong(65_536));
}
