//! Round trips of the frame and its answer, cut bodies, and values and lengths that are refused.

use super::*;
use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};
use crate::{Epoch, Proof};

fn entry(op: Op, addr: &'static str, name: &'static str) -> Entry<'static> {
    Entry { op, id: u64::MAX - 1, stamp: 1_700_000_000_000_000, addr, name, claim: None }
}

fn claimed(op: Op) -> Entry<'static> {
    let claim = Claim { since: Epoch(5), comes_back: true, proof: Proof::Name, subject: 9 };
    Entry { claim: Some(claim), ..entry(op, "a", "n") }
}

fn sample(part: Part) -> (Report<'static>, Frame) {
    let entries = vec![
        entry(Op::EdgeOnline, "192.0.2.7:50123", ""),
        entry(Op::EdgeOffline, "", ""),
        claimed(Op::EdgeOnline),
        claimed(Op::ServiceOnline),
        entry(Op::ServiceOnline, "[2001:db8::7]:1", "größe"),
        entry(Op::ServiceOffline, "", ""),
    ];
    let report = Report { part, draining: false, entries };
    let mut wire = Vec::new();
    report.encode(7, &mut wire).unwrap();
    (report, decode(&wire))
}

fn sample_ack() -> (ReportAck<'static>, Frame) {
    let superseded = [(7, 1), (u64::MAX, u64::MAX - 1)];
    let superseded = superseded.map(|(edge, stamp)| Superseded { edge: EdgeId(edge), stamp }).into();
    let held = vec![Superseded { edge: EdgeId(8), stamp: 3 }];
    let ack =
        ReportAck { code: Code::Internal, detail: 250, resync: true, superseded, held, text: "no store" };
    let mut wire = Vec::new();
    ack.encode(7, &mut wire).unwrap();
    (ack, decode(&wire))
}

#[test]
fn round_trip() {
    let snapshot = |first, last| Part::Snapshot { first, last };
    for part in [
        Part::Changes,
        snapshot(false, false),
        snapshot(true, false),
        snapshot(false, true),
        snapshot(true, true),
    ] {
        let (report, frame) = sample(part);
        assert_eq!(frame.id, 7);
        assert_eq!(Report::parse(&frame), Ok(report));
    }
    let (ack, frame) = sample_ack();
    assert_eq!((frame.id, frame.code), (7, Code::Internal));
    assert_eq!(ReportAck::parse(&frame), Ok(ack));
}

#[test]
fn an_entry_says_how_long_it_is() {
    let (report, frame) = sample(Part::Changes);
    let len: usize = report.entries.iter().map(Entry::wire_len).sum();
    assert_eq!(frame.body.len(), len);
}

#[test]
fn a_cut_body_is_refused_or_has_fewer_entries() {
    let (report, frame) = sample(Part::Changes);
    let mut ends = vec![0];
    for entry in &report.entries {
        ends.push(ends[ends.len() - 1] + entry.wire_len());
    }
    for cut in cuts(&frame) {
        let count = ends.iter().position(|end| *end == cut.body.len());
        let entries = Report::parse(&cut).ok().map(|report| report.entries);
        assert_eq!(entries.as_deref(), count.map(|count| &report.entries[..count]));
    }
}

#[test]
fn a_cut_answer_is_refused_unless_it_ends_between_fields() {
    let (ack, frame) = sample_ack();
    for cut in cuts(&frame) {
        let count = [4, 4 + 19, 4 + 38, 4 + 57].iter().position(|end| *end == cut.body.len());
        let expected = count.map(|count| ReportAck {
            superseded: ack.superseded[..count.min(2)].to_vec(),
            held: ack.held[..count.saturating_sub(2)].to_vec(),
            text: "",
            ..ack.clone()
        });
        assert_eq!(ReportAck::parse(&cut).ok(), expected, "{} bytes", cut.body.len());
    }
}

#[test]
fn other_kinds_are_refused() {
    refuses_other_kinds(&sample(Part::Changes).1, &[Kind::Report], |frame| Report::parse(frame).map(drop));
    refuses_other_kinds(&sample_ack().1, &[Kind::ReportAck], |frame| ReportAck::parse(frame).map(drop));
}

#[test]
fn what_can_not_be_is_refused() {
    let report_of = |id: u8, op: u8, addr: u8, name: u8| {
        let fixed = [&[op][..], &[0; 7], &[id], &[0; 8], &[0, 1, 0, 1], &[addr, name]].concat();
        Report::parse(&frame(Kind::Report, Flags::default(), &fixed)).map(drop)
    };
    let report = |op, addr, name| report_of(1, op, addr, name);
    for op in 1..=4 {
        let invalid = ParseError::Invalid { kind: Kind::Report, field: "id" };
        assert_eq!(report_of(0, op, b'a', b'n'), Err(invalid), "0 is the id of nobody");
    }
    assert_eq!(report(1, b'a', b'n'), Ok(()));
    for op in [0, 5, 0x80, 0x82, 0x84, 0x85, u8::MAX] {
        assert_eq!(report(op, b'a', b'n'), Err(ParseError::Invalid { kind: Kind::Report, field: "op" }));
    }
    for (addr, name) in [(0xff, b'n'), (b'a', 0xff)] {
        assert_eq!(report(1, addr, name), Err(ParseError::NameNotUtf8 { kind: Kind::Report }));
    }
    let unknown_proof = [&[0x81][..], &[1; 8], &[0; 8], &[0; 4], &[0; 9], &[4], &[0; 8]].concat();
    let unknown_proof = frame(Kind::Report, Flags::default(), &unknown_proof);
    assert_eq!(
        Report::parse(&unknown_proof),
        Err(ParseError::Invalid { kind: Kind::Report, field: "claim" })
    );
    let cases: [(&[u8], _); 4] = [
        (&[1, 0, 15], "superseded"),
        (&[1, 0, 17], "superseded"),
        (&[3, 0, 15], "held"),
        (&[2, 0, 1], "text"),
    ];
    for (head, field) in cases {
        let value = vec![0xff; usize::from(head[2])];
        let bad = frame(Kind::ReportAck, Flags::default(), &[&[0; 4], head, &value].concat());
        assert_eq!(ReportAck::parse(&bad), Err(ParseError::Invalid { kind: Kind::ReportAck, field }));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let long = "x".repeat(65_536);
    let fits = entry(Op::ServiceOnline, "", "");
    let mut wire = Vec::new();
    for bad in [Entry { addr: &long, ..fits }, Entry { name: &long, ..fits }] {
        let report = Report { part: Part::Changes, draining: false, entries: vec![fits, bad] };
        assert_eq!(report.encode(1, &mut wire), Err(EncodeError::NameTooLong(65_536)));
    }
    let ack = ReportAck { text: &long, ..ReportAck::done() };
    assert_eq!(ack.encode(1, &mut wire), Err(EncodeError::FieldTooLong(65_536)));
    assert!(wire.is_empty());
}
