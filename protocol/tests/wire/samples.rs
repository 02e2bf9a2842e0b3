//! The frames of the golden files: here those of handshakes, lifetimes, messages and calls.

mod forwarding;
mod plane;
mod routing;
mod traces;

use crate::golden::Vector;
use crate::json::{Decimal, Hex};
use crate::owned::{
    Addressed, Answer, Empty, Fields, Grant, Header, Leave, Life, Outcome, OwnedHello, OwnedSession, Text,
};
use frontier_protocol::{Code, Flags};

/// What the golden files of frames are made from. Add to it; what has been released never changes.
pub(crate) fn all() -> Vec<Vector> {
    [
        handshake(),
        lifetime(),
        messages(),
        calls(),
        routing::registrations(),
        routing::streams(),
        plane::handshake(),
        plane::reports(),
        plane::lookups(),
        plane::plans(),
        plane::members(),
        forwarding::requests(),
        forwarding::by_name(),
        forwarding::offers(),
        traces::requests(),
    ]
    .concat()
}

fn vector(name: &str, description: &str, header: Header, fields: Fields) -> Vector {
    let hex = Hex(fields.encode(header).expect("a sample fits its layout"));
    Vector { name: name.into(), description: description.into(), header, what: fields, hex }
}

fn header(flags: Flags, code: Code, id: u64) -> Header {
    Header { flags: flags.0, code: code.to_wire(), id: Decimal(id) }
}

fn plain(id: u64) -> Header {
    header(Flags::default(), Code::Ok, id)
}

fn outcome(code: Code, id: u64) -> Header {
    header(Flags::default(), code, id)
}

fn said(detail: u32, text: &str) -> Outcome {
    Outcome { detail, text: text.into() }
}

fn text(text: &str) -> Text {
    Text { text: text.into() }
}

fn hex(bytes: &[u8]) -> Hex {
    bytes.into()
}

/// `body`, and behind it the tail.
fn tailed(body: &[u8], edge: u64) -> (Hex, Option<Decimal>) {
    (Hex([body, &edge.to_be_bytes()].concat()), Some(Decimal(edge)))
}

fn handshake() -> Vec<Vector> {
    let edge = OwnedHello {
        lowest_version: 1,
        highest_version: 1,
        role: 1,
        features: 0,
        max_frame: 262_144,
        heartbeat_ms: 0,
        wanted_id: Decimal(0),
        name: String::new(),
        meta: hex(b"sn-42"),
        token: None,
        topics: Vec::new(),
        methods: Vec::new(),
        servicebound: String::new(),
        edgebound: String::new(),
        session: None,
    };
    let again = OwnedHello {
        wanted_id: Decimal(42),
        session: Some(OwnedSession {
            client: Decimal(0x0102_0304_0506_0708),
            attempt: 3,
            since: Decimal(1_795_985_159_113_571),
        }),
        ..edge.clone()
    };
    let with_token = OwnedHello { token: Some("opaque tökén".into()), ..edge.clone() };
    let service = OwnedHello {
        highest_version: 3,
        role: 2,
        max_frame: 1_048_576,
        heartbeat_ms: 15_000,
        wanted_id: Decimal(u64::MAX),
        name: "files".into(),
        meta: hex(b""),
        topics: vec!["telemetry".into(), "größe".into()],
        methods: vec!["get_edge_id".into(), "écho".into()],
        ..edge.clone()
    };
    let welcome = Grant {
        version: 1,
        features: 0,
        max_frame: 262_144,
        heartbeat_ms: 20_000,
        id: Decimal(0x0102_0304_0506_0708),
        epoch: Decimal(3),
        max_payload: Decimal(1 << 30),
        directory_time: None,
    };
    let traces = traces::handshake(edge.clone(), welcome.clone());
    let edge_methods = routing::handshake(edge.clone(), welcome.clone());
    let mut vectors = vec![
        vector("hello-edge", "an edge with meta, without wishes", plain(0), Fields::Hello(edge)),
        vector(
            "hello-again",
            "an edge that comes back under the id that it holds",
            plain(0),
            Fields::Hello(again),
        ),
        vector("hello-token", "an edge with credentials", plain(0), Fields::Hello(with_token)),
        vector(
            "hello-service",
            "a service with a name, two topics and two methods",
            plain(0),
            Fields::Hello(service),
        ),
        vector("welcome", "an id, an epoch and the terms", plain(0), Fields::Welcome(welcome)),
        vector(
            "reject",
            "the service that gives out ids refused the edge",
            outcome(Code::Denied, 0),
            Fields::Reject(said(0, "not you")),
        ),
        vector(
            "reject-overloaded",
            "the dialler is to try again in 1.5 seconds",
            outcome(Code::Overloaded, 0),
            Fields::Reject(said(1_500, "too many connections")),
        ),
    ];
    vectors.extend(traces);
    vectors.extend(edge_methods);
    vectors
}

fn lifetime() -> Vec<Vector> {
    let leave =
        |grace_ms, text: &str| Leave { grace_ms, alternatives: Vec::new(), delay_ms: 0, text: text.into() };
    let elsewhere = Leave {
        alternatives: vec!["tcp://gateway-2.example:30012".into(), "tcp://[::1]:30012".into()],
        delay_ms: 1_500,
        ..leave(30_000, "update")
    };
    let roomier = Leave {
        alternatives: vec!["tcp://gateway-2.example:30012".into()],
        ..leave(3_600_000, "there is more room elsewhere")
    };
    vec![
        vector("ping", "a header alone", plain(1), Fields::Ping(Empty {})),
        vector(
            "pong",
            "the answer to the ping of the same id",
            plain(1),
            Fields::Pong(Life { directory_time: None }),
        ),
        vector("go-away-close", "a dialler closes in good order", plain(0), Fields::GoAway(leave(5_000, ""))),
        vector(
            "go-away-draining",
            "a gateway is about to stop",
            outcome(Code::Draining, 0),
            Fields::GoAway(leave(30_000, "restart")),
        ),
        vector(
            "go-away-elsewhere",
            "a gateway is about to stop, and knows of two others to go to in a second and a half",
            outcome(Code::Draining, 0),
            Fields::GoAway(elsewhere),
        ),
        vector(
            "go-away-asks",
            "a gateway that stays asks an edge to be at another one, where there is room",
            header(Flags::STAYS, Code::Draining, 0),
            Fields::GoAway(roomier),
        ),
    ]
}

fn messages() -> Vec<Vector> {
    let (custom, edge_tail) = tailed(b"trace", 7);
    let acked = Addressed {
        timeout_ms: 0,
        name: "telemetry".into(),
        custom: hex(b""),
        edge_tail: None,
        payload: hex(b"21.5"),
    };
    let to_edge = Addressed {
        timeout_ms: 1_500,
        name: String::new(),
        custom,
        edge_tail,
        payload: hex(b"\x00\x01\xfe\xff"),
    };
    let detached = Addressed { payload: hex(&1_048_576u32.to_be_bytes()), ..acked.clone() };
    let ack = |detail, text| Fields::Ack(said(detail, text));
    vec![
        vector(
            "publish-acked",
            "an edge's message, by topic; its sender waits for an ack",
            header(Flags::ACKED, Code::Ok, 9),
            Fields::Publish(acked),
        ),
        vector(
            "publish-to-edge",
            "a service's message: no topic, no ack, the tail of custom names edge 7",
            plain(0),
            Fields::Publish(to_edge),
        ),
        vector(
            "publish-detached",
            "starts a mux stream; the payload is its length (1 MiB), the bytes follow on the stream",
            header(Flags::ACKED.with(Flags::DETACHED), Code::Ok, 10),
            Fields::Publish(detached),
        ),
        vector("ack-done", "the message was done", plain(9), ack(0, "")),
        vector(
            "ack-not-done",
            "the receiver dropped it",
            outcome(Code::NotDone, 9),
            ack(0, "dropped without being done"),
        ),
        vector(
            "ack-application",
            "the receiver's application answered with its own error 404",
            outcome(Code::Application, 9),
            ack(404, "no such sensor"),
        ),
        vector(
            "ack-overloaded",
            "the receiver's queue is full; there may be room in a quarter of a second",
            outcome(Code::Overloaded, 9),
            ack(250, "full"),
        ),
    ]
}

fn calls() -> Vec<Vector> {
    let call = Addressed {
        timeout_ms: 30_000,
        name: "echo".into(),
        custom: hex(b""),
        edge_tail: None,
        payload: hex(b"hi"),
    };
    let (custom, edge_tail) = tailed(b"trace", 0x0102_0304_0506_0708);
    let to_service = Addressed { custom: custom.clone(), edge_tail, ..call.clone() };
    let detached = Addressed { payload: hex(&65_537u32.to_be_bytes()), ..call.clone() };
    let answer =
        |detail, payload: &[u8]| Answer { detail, custom: hex(b""), edge_tail: None, payload: hex(payload) };
    let from_edge = Answer { custom, edge_tail, ..answer(0, b"hi") };
    vec![
        vector("request", "an edge's call", plain(7), Fields::Request(call)),
        vector(
            "request-to-service",
            "the same call as the gateway hands it on: the caller's EdgeID is the tail of custom",
            plain(4_294_967_297),
            Fields::Request(to_service),
        ),
        vector(
            "request-detached",
            "starts a mux stream; one byte more than fits the lane",
            header(Flags::DETACHED, Code::Ok, 8),
            Fields::Request(detached),
        ),
        vector("response", "the answer to call 7", plain(7), Fields::Response(answer(0, b"hi"))),
        vector(
            "response-to-service",
            "an answer with the EdgeID of the edge that gave it as the tail of custom",
            plain(7),
            Fields::Response(from_edge),
        ),
        vector(
            "response-edge-not-online",
            "an error of the gateway: the payload is its text",
            outcome(Code::EdgeNotOnline, 7),
            Fields::Response(answer(0, b"edge 7 is not online")),
        ),
        vector(
            "response-application",
            "an error of the callee's application, with a number of its own",
            outcome(Code::Application, 7),
            Fields::Response(answer(u32::MAX, b"no such file")),
        ),
        vector(
            "response-overloaded",
            "the callee does not say when it will have room",
            outcome(Code::Overloaded, 7),
            Fields::Response(answer(0, b"too many calls")),
        ),
        vector("cancel", "the caller of 7 no longer waits", plain(7), Fields::Cancel(Empty {})),
    ]
}
