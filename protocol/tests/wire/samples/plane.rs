//! Frames between a frontier and frontlas: the handshake, reports, lookups and plans.

use super::{header, hex, outcome, plain, vector};
use crate::golden::Vector;
use crate::json::Decimal;
use crate::owned::{
    Fields, Found, Grant, Life, OtherGateway, OtherPlace, OwnedClaim, OwnedHello, Places, Presence,
    Presences, Replaced, Schedule, Taken, Wanted,
};
use frontier_protocol::{Code, Flags, Op};

const STAMP: u64 = 1_700_000_000_123_456;

fn presence(op: Op, id: u64, addr: &str, name: &str) -> Presence {
    let (id, stamp) = (Decimal(id), Decimal(STAMP));
    Presence { op: op as u8, id, stamp, addr: addr.into(), name: name.into(), claim: None }
}

fn claimed(op: Op, id: u64, name: &str) -> Presence {
    let (comes_back, proof) = (op == Op::EdgeOnline, if op == Op::EdgeOnline { 1 } else { 2 });
    let claim = OwnedClaim { since: Decimal(STAMP - 5), comes_back, proof, subject: Decimal(1 << 60) };
    Presence { claim: Some(claim), ..presence(op, id, "192.0.2.7:50123", name) }
}

/// A frontier introduces itself.
pub(super) fn handshake() -> Vec<Vector> {
    let frontier = OwnedHello {
        lowest_version: 1,
        highest_version: 1,
        role: 3,
        features: 0,
        max_frame: 262_144,
        heartbeat_ms: 0,
        wanted_id: Decimal(41),
        name: "frontier-1".into(),
        meta: hex(b""),
        token: None,
        topics: Vec::new(),
        methods: Vec::new(),
        servicebound: "tcp://192.0.2.1:30011".into(),
        edgebound: "tls://[2001:db8::1]:30012".into(),
        session: None,
    };
    let welcome = Grant {
        version: 1,
        features: 0,
        max_frame: 262_144,
        heartbeat_ms: 10_000,
        id: Decimal(41),
        epoch: Decimal(2),
        max_payload: Decimal(0),
        directory_time: Some(Decimal(STAMP)),
    };
    vec![
        vector(
            "hello-frontier",
            "a frontier that was there before, with its id, its incarnation and its addresses",
            plain(0),
            Fields::Hello(frontier),
        ),
        vector(
            "pong-frontlas",
            "the answer of frontlas, with the directory's time",
            plain(1),
            Fields::Pong(Life { directory_time: Some(Decimal(STAMP)) }),
        ),
        vector(
            "welcome-frontier",
            "the incarnation and the directory's time",
            plain(0),
            Fields::Welcome(welcome),
        ),
    ]
}

/// What a frontier reports.
pub(super) fn reports() -> Vec<Vector> {
    let changes = vec![
        presence(Op::EdgeOnline, 7, "192.0.2.7:50123", ""),
        presence(Op::ServiceOffline, 3, "", ""),
        presence(Op::EdgeOffline, u64::MAX, "", ""),
    ];
    let snapshot = vec![presence(Op::ServiceOnline, 3, "[2001:db8::7]:1", "größe")];
    let report = |entries| Fields::Report(Presences { entries });
    let ack = |detail, superseded, text: &str| {
        Fields::ReportAck(Taken { detail, superseded, held: Vec::new(), text: text.into() })
    };
    let replaced = Replaced { edge: Decimal(7), stamp: Decimal(STAMP) };
    vec![
        vector("report", "an edge has come, a service and an edge have gone", plain(5), report(changes)),
        vector(
            "report-snapshot",
            "all that there is, in one frame",
            header(Flags::SNAPSHOT.with(Flags::FIRST).with(Flags::LAST), Code::Ok, 1),
            report(snapshot),
        ),
        vector(
            "report-snapshot-end",
            "the last part of a snapshot, empty",
            header(Flags::SNAPSHOT.with(Flags::LAST), Code::Ok, 4),
            report(Vec::new()),
        ),
        vector(
            "report-draining",
            "nothing has changed but that the frontier drains",
            header(Flags::DRAINING, Code::Ok, 6),
            report(Vec::new()),
        ),
        vector(
            "report-claims",
            "an edge that comes back with a token of its own, and a service whose credentials fix its name",
            plain(7),
            report(vec![claimed(Op::EdgeOnline, 7, ""), claimed(Op::ServiceOnline, 3, "files")]),
        ),
        vector(
            "report-ack-held",
            "edge 7 may not have its id from the connection that holds it elsewhere",
            plain(7),
            Fields::ReportAck(Taken {
                detail: 0,
                superseded: Vec::new(),
                held: vec![Replaced { edge: Decimal(7), stamp: Decimal(STAMP) }],
                text: String::new(),
            }),
        ),
        vector("report-ack", "the directory has taken it", plain(5), ack(0, Vec::new(), "")),
        vector(
            "report-ack-superseded",
            "unasked: edge 7 has connected elsewhere since",
            plain(0),
            ack(0, vec![replaced], ""),
        ),
        vector(
            "report-ack-overloaded",
            "the same report again in half a second",
            outcome(Code::Overloaded, 5),
            ack(500, Vec::new(), "the store is busy"),
        ),
        vector(
            "report-ack-resync",
            "the directory has lost what it had",
            header(Flags::RESYNC, Code::Internal, 5),
            ack(0, Vec::new(), "send a snapshot"),
        ),
    ]
}

/// Where edges are.
pub(super) fn lookups() -> Vec<Vector> {
    let found = |frontier: &str, servicebound: &str| {
        let (frontier, servicebound) = (frontier.into(), servicebound.into());
        Fields::LookupAck(Found { detail: 0, frontier, servicebound })
    };
    vec![
        vector("lookup", "where is edge 7", plain(9), Fields::Lookup(Wanted { edge: Decimal(7) })),
        vector("lookup-ack", "it is there", plain(9), found("frontier-2", "tcp://192.0.2.2:30011")),
        vector("lookup-ack-offline", "it is nowhere", outcome(Code::EdgeNotOnline, 9), found("", "")),
    ]
}

/// What a frontier is to do for the others.
pub(super) fn plans() -> Vec<Vector> {
    let other = |number: u8, want: u64, edges: u64| OtherGateway {
        want: Decimal(want),
        edges: Decimal(edges),
        frontier: format!("frontier-{number}"),
        edgebound: format!("tls://192.0.2.{number}:30012"),
        servicebound: format!("tcp://192.0.2.{number}:30011"),
    };
    let plan = |name: &str, description: &str, schedule: Schedule| {
        vector(name, description, header(Flags::SKIPPABLE, Code::Ok, 0), Fields::Plan(schedule))
    };
    let gives = Schedule { keep: Decimal(200), rate: 100, others: vec![other(3, 90, 10), other(2, 0, 210)] };
    let alone = Schedule { keep: Decimal(u64::MAX), rate: 0, others: Vec::new() };
    vec![
        plan("plan", "down to 200 edges, 90 of them to a frontier that has 10", gives),
        plan("plan-alone", "there is no other frontier", alone),
    ]
}

/// All others of a cluster.
pub(super) fn members() -> Vec<Vector> {
    let other = |number: u8| OtherPlace {
        frontier: format!("frontier-{number}"),
        servicebound: format!("tcp://192.0.2.{number}:30011"),
    };
    let list = |name: &str, description: &str, part: Flags, others| {
        let header = header(Flags::SKIPPABLE.with(part), Code::Ok, 0);
        vector(name, description, header, Fields::Members(Places { others }))
    };
    vec![
        list(
            "members",
            "two others, which are all",
            Flags::FIRST.with(Flags::LAST),
            vec![other(2), other(3)],
        ),
        list("members-first", "the list goes on", Flags::FIRST, vec![other(2)]),
        list("members-last", "the list ends, with none more", Flags::LAST, Vec::new()),
    ]
}
