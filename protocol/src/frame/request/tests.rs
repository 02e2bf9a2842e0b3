//! Round trips, cut bodies, detached lengths, tails, and fields that are too long.

use super::*;
use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};
use crate::{EdgeId, MAX_CUSTOM, TAIL_LEN};

fn sample() -> (Request<'static>, Frame) {
    let custom = Custom::plain(b"trace");
    let request = Request { timeout_ms: 30_000, method: "spiegeln/ß", custom, payload: b"hello" };
    let mut wire = Vec::new();
    request.encode(7, &mut wire).unwrap();
    (request, decode(&wire))
}

#[test]
fn round_trip() {
    let (request, frame) = sample();
    assert_eq!((frame.kind, frame.id, frame.flags), (Kind::Request, 7, Flags::default()));
    assert_eq!(Request::parse(&frame), Ok(request));
}

#[test]
fn a_cancel_is_a_header() {
    let mut wire = Vec::new();
    Cancel::encode(7, &mut wire).unwrap();
    let frame = decode(&wire);
    assert_eq!((frame.kind, frame.id, frame.body.len()), (Kind::Cancel, 7, 0));
}

#[test]
fn a_cut_body_is_refused_or_has_a_shorter_payload() {
    let (request, frame) = sample();
    let before_payload = frame.body.len() - request.payload.len();
    for cut in cuts(&frame) {
        let expected = cut.body.len().checked_sub(before_payload);
        let expected = expected.map(|len| Request { payload: &request.payload[..len], ..request });
        assert_eq!(Request::parse(&cut).ok(), expected, "{} bytes", cut.body.len());
    }
}

#[test]
fn other_kinds_and_a_method_that_is_not_utf8_are_refused() {
    refuses_other_kinds(&sample().1, &[Kind::Request], |frame| Request::parse(frame).map(drop));
    let bad = frame(Kind::Request, Flags::default(), b"\0\0\0\0\0\x01\0\0\xff");
    assert_eq!(Request::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Request }));
}

#[test]
fn a_detached_length_has_4_bytes() {
    for len in 0..8 {
        let body = [0; FIXED + 8];
        let frame = frame(Kind::Request, Flags::DETACHED, &body[..FIXED + len]);
        assert_eq!(Request::parse(&frame).is_ok(), len == 4, "{len} bytes");
    }
}

#[test]
fn a_tail_moves_neither_the_method_nor_the_payload() {
    let (request, frame) = sample();
    let mut wire = Vec::new();
    Request { custom: Custom::tailed(b"trace", EdgeId(0x0102)), ..request }.encode(7, &mut wire).unwrap();
    let tailed = decode(&wire);
    let parsed = Request::parse(&tailed).unwrap();
    assert_eq!((parsed.method, parsed.payload), (request.method, request.payload));
    assert_eq!(parsed.custom.body(), b"trace\0\0\0\0\0\0\x01\x02");
    assert_eq!(tailed.body.len(), frame.body.len() + TAIL_LEN);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let (request, _) = sample();
    let long = vec![b'x'; MAX_CUSTOM + 1];
    let method = std::str::from_utf8(&long).unwrap();
    let too_long = EncodeError::CustomTooLong(MAX_CUSTOM + 1);
    for (request, error) in [
        (Request { method, ..request }, EncodeError::NameTooLong(long.len())),
        (Request { custom: Custom::plain(&long), ..request }, too_long),
        (Request { custom: Custom::tailed(&long[TAIL_LEN..], EdgeId(1)), ..request }, too_long),
    ] {
        let mut wire = Vec::new();
        assert_eq!((request.encode(1, &mut wire), wire.len()), (Err(error), 0));
    }
    let longest = Custom::tailed(&long[TAIL_LEN + 1..], EdgeId(1));
    let mut wire = Vec::new();
    Request { custom: longest, ..request }.encode(1, &mut wire).unwrap();
    assert_eq!(Request::parse(&decode(&wire)).unwrap().custom.body().len(), MAX_CUSTOM);
}
