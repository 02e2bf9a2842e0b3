//! The golden file of bytes that a receiver must refuse, each with the reason.

use crate::golden::{check, load};
use crate::json::Hex;
use crate::owned::Fields;
use frontier_protocol::{DecodeError, Decoder, Kind, MIN_MAX_FRAME, ParseError};
use serde::{Deserialize, Serialize};

/// Bytes that a receiver refuses, and why. The limit on frames is 256 KiB.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    name: String,
    description: String,
    hex: Hex,
    error: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Class {
    /// The length does not cover the header.
    TooShort,
    /// The frame is longer than the limit.
    TooLong,
    /// The kind is unknown and may not be skipped.
    UnknownKind,
    /// The body ends inside a field.
    Truncated,
    /// A name or a topic is not UTF-8.
    NameNotUtf8,
    /// A field has a value that can't be.
    Invalid,
}

pub(crate) fn frame(length: u32, kind: u8, flags: u8, body: &[u8]) -> Hex {
    Hex([&length.to_be_bytes()[..], &[kind, flags], &[0; 10], body].concat())
}

/// A frame whose length fits its body.
pub(crate) fn whole(kind: Kind, flags: u8, body: &[u8]) -> Hex {
    let length = u32::try_from(12 + body.len()).expect("a short body");
    frame(length, kind as u8, flags, body)
}

fn refused() -> Vec<Refused> {
    let hello = |magic: &[u8; 4], role: u8, tagged: &[u8]| {
        whole(Kind::Hello, 0, &[&magic[..], &[1, 1, role, 0], &[0; 20], tagged].concat())
    };
    let vectors = [
        ("length-0", "a length that covers nothing", frame(0, 4, 0, b""), Class::TooShort),
        ("length-11", "one byte less than a header", frame(11, 4, 0, b""), Class::TooShort),
        (
            "too-long",
            "one byte over the limit; only the header came",
            frame(262_141, 0x50, 0, b""),
            Class::TooLong,
        ),
        ("longest", "a length of 4 GiB", frame(u32::MAX, 0x50, 0, b""), Class::TooLong),
        (
            "too-long-skippable",
            "the limit holds for what is skipped too",
            frame(262_141, 0xee, 0x80, b""),
            Class::TooLong,
        ),
        (
            "unknown-kind",
            "a kind of another version, not skippable",
            frame(12, 0xee, 0, b""),
            Class::UnknownKind,
        ),
        ("kind-0", "no kind has the number 0", frame(12, 0, 0x7f, b""), Class::UnknownKind),
        ("hello-magic", "another protocol", hello(b"HTTP", 1, b""), Class::Invalid),
        ("hello-role-0", "no such role", hello(b"FRTR", 0, b""), Class::Invalid),
        ("hello-role-4", "no such role", hello(b"FRTR", 4, b""), Class::Invalid),
        (
            "hello-cut",
            "the fixed fields end early",
            whole(Kind::Hello, 0, b"FRTR\x01\x01\x01"),
            Class::Truncated,
        ),
        ("hello-tag-cut", "a tag without its length", hello(b"FRTR", 1, &[3, 0]), Class::Truncated),
        (
            "hello-field-cut",
            "a tagged field beyond the body",
            hello(b"FRTR", 1, &[3, 0, 2, 0]),
            Class::Truncated,
        ),
        ("hello-name", "a name that is not UTF-8", hello(b"FRTR", 2, &[1, 0, 1, 0xff]), Class::NameNotUtf8),
        ("hello-topic", "a topic that is not UTF-8", hello(b"FRTR", 2, &[2, 0, 1, 0xff]), Class::NameNotUtf8),
        ("hello-token", "a token that is not UTF-8", hello(b"FRTR", 1, &[4, 0, 1, 0xff]), Class::Invalid),
        (
            "hello-method",
            "a method that is not UTF-8",
            hello(b"FRTR", 2, &[5, 0, 1, 0xff]),
            Class::NameNotUtf8,
        ),
        ("welcome-cut", "the fixed fields end early", whole(Kind::Welcome, 0, &[0; 39]), Class::Truncated),
        ("reject-text", "a text that is not UTF-8", whole(Kind::Reject, 0, b"\0\0\0\0\xff"), Class::Invalid),
        ("go-away-cut", "no grace", whole(Kind::GoAway, 0, &[0; 3]), Class::Truncated),
        (
            "go-away-text",
            "a text that is not UTF-8",
            whole(Kind::GoAway, 0, b"\0\0\0\0\x03\0\x01\xff"),
            Class::Invalid,
        ),
        (
            "go-away-address",
            "an address that is not UTF-8",
            whole(Kind::GoAway, 0, b"\0\0\0\0\x01\0\x01\xff"),
            Class::Invalid,
        ),
        (
            "go-away-delay",
            "a delay of 3 bytes",
            whole(Kind::GoAway, 0, b"\0\0\0\0\x02\0\x03\0\0\0"),
            Class::Invalid,
        ),
        ("reject-cut", "no detail", whole(Kind::Reject, 0, &[0; 3]), Class::Truncated),
        ("open-ack-cut", "no detail", whole(Kind::OpenAck, 0, &[0; 3]), Class::Truncated),
        ("ack-cut", "no detail", whole(Kind::Ack, 0, &[0; 3]), Class::Truncated),
        ("ack-text", "a text that is not UTF-8", whole(Kind::Ack, 0, b"\0\0\0\0\xff"), Class::Invalid),
        (
            "publish-topic",
            "a topic that is not UTF-8",
            whole(Kind::Publish, 0, b"\0\0\0\0\0\x01\0\0\xff"),
            Class::NameNotUtf8,
        ),
        (
            "publish-topic-cut",
            "a topic beyond the body",
            whole(Kind::Publish, 0, b"\0\0\0\0\0\x02\0\0t"),
            Class::Truncated,
        ),
        (
            "publish-detached",
            "a detached length of 3 bytes",
            whole(Kind::Publish, 2, &[0; 11]),
            Class::Invalid,
        ),
        (
            "request-method",
            "a method that is not UTF-8",
            whole(Kind::Request, 0, b"\0\0\0\0\0\x01\0\0\xff"),
            Class::NameNotUtf8,
        ),
        (
            "request-custom-cut",
            "a custom header beyond the body",
            whole(Kind::Request, 0, b"\0\0\0\0\0\x01\0\x01m"),
            Class::Truncated,
        ),
        (
            "request-detached",
            "a detached length of 5 bytes",
            whole(Kind::Request, 2, &[0; 13]),
            Class::Invalid,
        ),
        ("response-cut", "the fixed fields end early", whole(Kind::Response, 0, &[0; 7]), Class::Truncated),
        (
            "response-detached",
            "a detached length of no bytes",
            whole(Kind::Response, 2, &[0; 8]),
            Class::Invalid,
        ),
        (
            "register-name",
            "a name that is not UTF-8",
            whole(Kind::Register, 0, b"\0\x01\xff"),
            Class::NameNotUtf8,
        ),
        ("register-cut", "half a name length", whole(Kind::Register, 0, b"\0\x01a\0"), Class::Truncated),
        (
            "unregister-cut",
            "a name beyond the body",
            whole(Kind::Unregister, 1, b"\0\x02a"),
            Class::Truncated,
        ),
        (
            "register-ack-text",
            "a text that is not UTF-8",
            whole(Kind::RegisterAck, 0, &[0xff]),
            Class::Invalid,
        ),
        (
            "unregister-ack-text",
            "a text that is not UTF-8",
            whole(Kind::UnregisterAck, 0, &[0xff]),
            Class::Invalid,
        ),
        ("open-cut", "the fixed fields end early", whole(Kind::Open, 0, &[0; 15]), Class::Truncated),
        (
            "open-name",
            "a name that is not UTF-8",
            whole(Kind::Open, 0, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\xff"),
            Class::NameNotUtf8,
        ),
        (
            "open-ack-text",
            "a text that is not UTF-8",
            whole(Kind::OpenAck, 0, b"\0\0\0\0\xff"),
            Class::Invalid,
        ),
        (
            "welcome-time",
            "a directory time of 7 bytes",
            whole(Kind::Welcome, 0, &[&[0; 40][..], &[1, 0, 7], &[0; 7]].concat()),
            Class::Invalid,
        ),
        (
            "welcome-id-0",
            "0 is the id of nobody",
            whole(Kind::Welcome, 0, &[&[1][..], &[0; 39]].concat()),
            Class::Invalid,
        ),
        (
            "report-id-0",
            "0 is the id of nobody",
            whole(Kind::Report, 0, &[&[1][..], &[0; 20]].concat()),
            Class::Invalid,
        ),
        (
            "report-ack-superseded-0",
            "a replaced connection of the EdgeID 0",
            whole(Kind::ReportAck, 0, &[&[0; 4][..], &[1, 0, 16], &[0; 8], &[1; 8]].concat()),
            Class::Invalid,
        ),
        ("report-op", "no such op", whole(Kind::Report, 0, &[0; 21]), Class::Invalid),
        ("report-cut", "half an entry", whole(Kind::Report, 1, &[1; 20]), Class::Truncated),
        (
            "report-address",
            "an address that is not UTF-8",
            whole(Kind::Report, 0, &[&[1][..], &[0; 16], &[0, 1, 0, 0, 0xff]].concat()),
            Class::NameNotUtf8,
        ),
        (
            "report-ack-superseded-15",
            "a replaced connection of 15 bytes",
            whole(Kind::ReportAck, 0, &[&[0; 4][..], &[1, 0, 15], &[0; 15]].concat()),
            Class::Invalid,
        ),
        (
            "plan-cut",
            "a row ends inside its first number",
            whole(Kind::Plan, 0x80, &[0; 19]),
            Class::Truncated,
        ),
        ("lookup-cut", "an EdgeID of 7 bytes", whole(Kind::Lookup, 0, &[0; 7]), Class::Truncated),
        (
            "lookup-ack-cut",
            "a frontier id beyond the body",
            whole(Kind::LookupAck, 0, b"\0\0\0\0\0\x02\0\0f"),
            Class::Truncated,
        ),
        (
            "returned-cut",
            "a custom header beyond the body",
            whole(Kind::Returned, 0, b"\0\0\0\0\0\x01\0\x0af\0"),
            Class::Truncated,
        ),
        (
            "members-cut",
            "an URL beyond the body",
            whole(Kind::Members, 0x86, b"\0\x01\0\x09ftcp"),
            Class::Truncated,
        ),
        (
            "offer-cut",
            "a name beyond the body",
            whole(Kind::Offer, 0x80, b"\x01\0\x05echo"),
            Class::Truncated,
        ),
        (
            "offer-text",
            "a name that is not UTF-8",
            whole(Kind::Offer, 0x80, b"\x01\0\x01\xff"),
            Class::NameNotUtf8,
        ),
    ];
    let refused = |(name, description, hex, error): (&str, &str, _, _)| Refused {
        name: name.into(),
        description: description.into(),
        hex,
        error,
    };
    vectors.into_iter().map(refused).collect()
}

fn class_of(wire: &[u8]) -> Result<(), Class> {
    let mut decoder = Decoder::new(MIN_MAX_FRAME as usize);
    decoder.push(wire.to_vec().into());
    let frame = decoder.next().map_err(|error| match error {
        DecodeError::TooShort(_) => Class::TooShort,
        DecodeError::TooLong { .. } => Class::TooLong,
        DecodeError::UnknownKind(_) => Class::UnknownKind,
    })?;
    let parsed = Fields::parse(&frame.expect("a whole frame"), false);
    parsed.map(drop).map_err(|error| match error {
        ParseError::Truncated { .. } => Class::Truncated,
        ParseError::NameNotUtf8 { .. } => Class::NameNotUtf8,
        ParseError::Invalid { .. } => Class::Invalid,
        ParseError::Unexpected { .. } => unreachable!("each frame is read as what it is"),
    })
}

#[test]
fn what_must_be_refused_is_refused_for_the_right_reason() {
    check("invalid.json", &refused());
    for Refused { name, hex, error, .. } in load::<Vec<Refused>>("invalid.json") {
        assert_eq!(class_of(&hex.0), Err(error), "{name}");
    }
}
