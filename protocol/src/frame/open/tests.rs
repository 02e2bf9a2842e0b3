//! Round trips, cut bodies, and what is refused: other kinds, fields that are too long or not UTF-8.

use super::*;
use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

fn sample() -> (Open<'static>, Frame) {
    let open = Open { peer: u64::MAX, timeout_ms: 5_000, name: "größe", meta: b"\xff\0" };
    let mut wire = Vec::new();
    open.encode(&mut wire).unwrap();
    (open, decode(&wire))
}

fn sample_ack() -> (OpenAck<'static>, Frame) {
    let ack = OpenAck { code: Code::Overloaded, detail: 250, text: "no room" };
    let mut wire = Vec::new();
    ack.encode(&mut wire).unwrap();
    (ack, decode(&wire))
}

#[test]
fn round_trip() {
    let (open, frame) = sample();
    assert_eq!(Open::parse(&frame), Ok(open));
    let (ack, frame) = sample_ack();
    assert_eq!(OpenAck::parse(&frame), Ok(ack));
}

#[test]
fn a_cut_body_is_refused() {
    for cut in cuts(&sample().1) {
        let error = Open::parse(&cut).unwrap_err();
        assert!(matches!(error, ParseError::Truncated { kind: Kind::Open, .. }), "{error}");
    }
}

#[test]
fn a_cut_answer_is_refused_or_has_a_shorter_text() {
    let (ack, frame) = sample_ack();
    for cut in cuts(&frame) {
        let expected = match cut.body.len().checked_sub(4) {
            None => Err(ParseError::Truncated { kind: Kind::OpenAck, field: "detail" }),
            Some(len) => Ok(OpenAck { text: &ack.text[..len], ..ack }),
        };
        assert_eq!(OpenAck::parse(&cut), expected);
    }
}

#[test]
fn other_kinds_are_refused() {
    refuses_other_kinds(&sample().1, &[Kind::Open], |frame| Open::parse(frame).map(drop));
    refuses_other_kinds(&sample_ack().1, &[Kind::OpenAck], |frame| OpenAck::parse(frame).map(drop));
}

#[test]
fn what_is_not_utf8_is_refused() {
    let mut body = [0; FIXED + 1];
    body[13] = 1;
    body[FIXED] = 0xff;
    let bad = frame(Kind::Open, Flags::default(), &body);
    assert_eq!(Open::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Open }));
    let bad = frame(Kind::OpenAck, Flags::default(), b"\0\0\0\0\xff");
    assert_eq!(OpenAck::parse(&bad), Err(ParseError::Invalid { kind: Kind::OpenAck, field: "text" }));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let long = "x".repeat(65_536);
    let (open, _) = sample();
    for (open, error) in [
        (Open { name: &long, ..open }, EncodeError::NameTooLong(65_536)),
        (Open { meta: long.as_bytes(), ..open }, EncodeError::FieldTooLong(65_536)),
    ] {
        let mut wire = Vec::new();
        assert_eq!((open.encode(&mut wire), wire.len()), (Err(error), 0));
    }
}
