//! The tables of codes and kinds: as golden files, and in the specification.

use crate::golden::check;
use frontier_protocol::{Code, Fault, Kind, Role, Side};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRow {
    name: String,
    number: u16,
    fault: String,
    retryable: bool,
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    name: String,
    number: u8,
    /// Who may send it on the lane after the handshake.
    lane: Vec<String>,
}

fn codes() -> Vec<CodeRow> {
    let fault = |code: Code| match code.fault() {
        Fault::None => "none",
        Fault::Caller => "caller",
        Fault::Callee => "callee",
        Fault::Transit => "transit",
    };
    let row = |&code: &Code| CodeRow {
        name: format!("{code:?}"),
        number: code.to_wire(),
        fault: fault(code).into(),
        retryable: code.is_retryable(),
        text: code.text().into(),
    };
    Code::ALL.iter().map(row).collect()
}

fn kinds() -> Vec<KindRow> {
    let sides = [
        (Side::Dialler(Role::Edge), "edge"),
        (Side::Dialler(Role::Service), "service"),
        (Side::Gateway, "gateway"),
        (Side::Dialler(Role::Frontier), "frontier"),
        (Side::Frontlas, "frontlas"),
        (Side::OriginGateway, "forwarder"),
        (Side::OwnerGateway, "holder"),
    ];
    let lane =
        |kind| sides.iter().filter(|(side, _)| side.may_send(kind)).map(|(_, name)| (*name).into()).collect();
    let row = |&kind: &Kind| KindRow { name: format!("{kind:?}"), number: kind as u8, lane: lane(kind) };
    Kind::ALL.iter().map(row).collect()
}

#[test]
fn the_table_of_codes_is_current() {
    check("codes.json", &codes());
}

#[test]
fn the_table_of_kinds_is_current() {
    check("kinds.json", &kinds());
}

/// PROTOCOL.md is for people, so its tables are written by hand; this keeps them right.
#[test]
fn the_specification_has_every_row() {
    let text = include_str!("../../PROTOCOL.md");
    for row in codes() {
        let retryable = if row.retryable { "yes" } else { "no" };
        let line = format!("| {} | {} | {} | {retryable} |", row.number, row.name, row.fault);
        assert!(text.contains(&line), "PROTOCOL.md lacks: {line}");
    }
    for row in kinds() {
        let mark = |side: &str| if row.lane.iter().any(|name| name == side) { "yes" } else { "–" };
        let line = format!(
            "| {:#04x} | {} | {} | {} | {} |",
            row.number,
            row.name,
            mark("edge"),
            mark("service"),
            mark("gateway")
        );
        assert!(text.contains(&line), "PROTOCOL.md lacks: {line}");
        if row.lane.iter().any(|name| name.starts_with("front")) {
            let line = format!("| {} | {} | {} |", row.name, mark("frontier"), mark("frontlas"));
            assert!(text.contains(&line), "PROTOCOL.md lacks: {line}");
        }
        if row.lane.iter().any(|name| ["forwarder", "holder"].contains(&name.as_str())) {
            let line = format!("| {} | {} | {} |", row.name, mark("forwarder"), mark("holder"));
            assert!(text.contains(&line), "PROTOCOL.md lacks: {line}");
        }
    }
}
