//! Round trips of both requests and both answers, cut bodies, and names that are refused.

use super::*;
use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

const REQUESTS: [Kind; 2] = [Kind::Register, Kind::Unregister];
const ANSWERS: [Kind; 2] = [Kind::RegisterAck, Kind::UnregisterAck];

fn sample(change: Registration, of: Names) -> (Register<'static>, Frame) {
    let register = Register { change, of, names: vec!["echo", "", "größe"] };
    let mut wire = Vec::new();
    register.encode(5, &mut wire).unwrap();
    (register, decode(&wire))
}

fn sample_ack(change: Registration) -> (RegisterAck<'static>, Frame) {
    let ack = RegisterAck { change, code: Code::TooLarge, text: "too many" };
    let mut wire = Vec::new();
    ack.encode(5, &mut wire).unwrap();
    (ack, decode(&wire))
}

#[test]
fn round_trip() {
    for change in [Registration::Add, Registration::Remove] {
        for of in [Names::Methods, Names::Topics] {
            let (register, frame) = sample(change, of);
            assert_eq!(frame.id, 5);
            assert_eq!(Register::parse(&frame), Ok(register));
        }
        let (ack, frame) = sample_ack(change);
        assert_eq!((frame.id, frame.code), (5, Code::TooLarge));
        assert_eq!(RegisterAck::parse(&frame), Ok(ack));
    }
}

#[test]
fn a_cut_body_is_refused_or_has_fewer_names() {
    let (register, frame) = sample(Registration::Add, Names::Methods);
    let mut ends = vec![0];
    for name in &register.names {
        ends.push(ends[ends.len() - 1] + 2 + name.len());
    }
    for cut in cuts(&frame) {
        let count = ends.iter().position(|end| *end == cut.body.len());
        let names = Register::parse(&cut).ok().map(|register| register.names);
        assert_eq!(names.as_deref(), count.map(|count| &register.names[..count]));
    }
}

#[test]
fn a_cut_answer_has_a_shorter_text() {
    let (ack, frame) = sample_ack(Registration::Add);
    for cut in cuts(&frame) {
        assert_eq!(RegisterAck::parse(&cut).unwrap().text, &ack.text[..cut.body.len()]);
    }
}

#[test]
fn other_kinds_are_refused() {
    let (_, request) = sample(Registration::Add, Names::Methods);
    refuses_other_kinds(&request, &REQUESTS, |frame| Register::parse(frame).map(drop));
    let (_, answer) = sample_ack(Registration::Add);
    refuses_other_kinds(&answer, &ANSWERS, |frame| RegisterAck::parse(frame).map(drop));
}

#[test]
fn what_is_not_utf8_is_refused() {
    for kind in REQUESTS {
        let bad = frame(kind, Flags::TOPICS, b"\0\x01a\0\x01\xff");
        assert_eq!(Register::parse(&bad), Err(ParseError::NameNotUtf8 { kind }));
    }
    for kind in ANSWERS {
        let bad = frame(kind, Flags::default(), b"\xff");
        assert_eq!(RegisterAck::parse(&bad), Err(ParseError::Invalid { kind, field: "text" }));
    }
}

#[test]
fn a_name_that_does_not_fit_is_refused_and_nothing_is_written() {
    let long = "x".repeat(65_536);
    let register = Register { change: Registration::Add, of: Names::Methods, names: vec!["a", &long] };
    let mut wire = Vec::new();
    assert_eq!(register.encode(1, &mut wire), Err(EncodeError::NameTooLong(65_536)));
    assert!(wire.is_empty());
}
