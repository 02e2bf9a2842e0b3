use super::*;
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
        meta: b"\x00\xffm",
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
    let fields =
        [hello.name.as_bytes(), hello.meta].into_iter().chain(hello.topics.iter().map(|t| t.as_bytes()));
    for field in fields {
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
fn only_the_roles_1_and_2_exist() {
    let mut bytes = body(&sample().1);
    for role in 0..=u8::MAX {
        bytes[6] = role;
        let expected = match role {
            1 | 2 => Ok(()),
            _ => Err(ParseError::Invalid { kind: Kind::Hello, field: "role" }),
        };
        assert_eq!(parse_body(&bytes), expected);
    }
}

#[test]
fn names_and_topics_are_utf8_and_meta_is_opaque() {
    for (tag, expected) in [
        (TAG_NAME, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_TOPIC, Err(ParseError::NameNotUtf8 { kind: Kind::Hello })),
        (TAG_META, Ok(())),
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
    bytes.extend_from_slice(b"\x01\0\x03new");
    let frame = frame(Kind::Hello, Flags::default(), &bytes);
    assert_eq!(Hello::parse(&frame).unwrap().name, "new");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let long = "x".repeat(65_536);
    let (hello, _) = sample();
    for hello in [
        Hello { name: &long, ..hello.clone() },
        Hello { topics: vec!["", &long], ..hello.clone() },
        Hello { meta: long.as_bytes(), ..hello },
    ] {
        let mut wire = Vec::new();
        assert_eq!(hello.encode(&mut wire), Err(EncodeError::FieldTooLong(65_536)));
        assert!(wire.is_empty());
    }
}
