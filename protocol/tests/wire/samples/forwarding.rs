//! Requests that go from frontier to frontier, of services to edges and of edges to services, and what is offered.

use super::{header, hex, plain, traces, vector};
use crate::golden::Vector;
use crate::json::Decimal;
use crate::owned::{Addressed, Answer, Fields, NameChange, NameChanges, Wish};
use frontier_protocol::{Code, Flags, RemoteCaller, ServiceId};

/// Service 3, `files`, as its frontier knows it.
fn caller() -> Vec<u8> {
    let mut caller = Vec::new();
    let labels = vec![("team", "eu")];
    let address = Some([192, 0, 2, 1].into());
    RemoteCaller { id: ServiceId(3), name: "files", subject: "ops", labels, address }.encode(&mut caller);
    let len = u16::try_from(caller.len()).expect("a short caller");
    caller.extend_from_slice(&len.to_be_bytes());
    caller
}

/// Requests of a service from its frontier to that of the edge, and back.
pub(super) fn requests() -> Vec<Vector> {
    let custom = hex(&[&b"trace"[..], &caller(), &7u64.to_be_bytes()].concat());
    let call = Addressed {
        timeout_ms: 900,
        name: "reboot".into(),
        custom,
        edge_tail: Some(Decimal(7)),
        payload: hex(b"now"),
    };
    let meta = hex(&[&b"meta"[..], &caller()].concat());
    let open = Wish { peer: Decimal(7), timeout_ms: 900, name: String::new(), meta };
    vec![
        vector(
            "request-forwarded",
            "a call of the service `files` on its way to the frontier of edge 7, to be returned from there if need be",
            header(Flags::RETURN, Code::Ok, 9),
            Fields::Request(call.clone()),
        ),
        vector("returned", "edge 7 is not there: the same call again", plain(9), Fields::Returned(call)),
        vector(
            "open-forwarded",
            "a stream of the service `files` to edge 7 at another frontier: the meta ends with who asks",
            plain(0),
            Fields::Open(open),
        ),
    ]
}

/// Edge 7, as its frontier knows it.
fn edge() -> Vec<u8> {
    let mut edge = Vec::new();
    let labels = vec![("tenant", "a")];
    let address = Some([192, 0, 2, 7].into());
    RemoteCaller { id: ServiceId(0), name: "", subject: "sensor", labels, address }.encode(&mut edge);
    let len = u16::try_from(edge.len()).expect("a short edge");
    edge.extend_from_slice(&len.to_be_bytes());
    edge
}

/// Requests of an edge from its frontier to that of a service, and back.
pub(super) fn by_name() -> Vec<Vector> {
    let custom = hex(&[&b"trace"[..], &edge(), &7u64.to_be_bytes()].concat());
    let edge_tail = Some(Decimal(7));
    let call = Addressed { timeout_ms: 900, name: "echo".into(), custom, edge_tail, payload: hex(b"hi") };
    let meta = hex(&[&b"meta"[..], &edge()].concat());
    let open = Wish { peer: Decimal(7), timeout_ms: 900, name: "files".into(), meta };
    let custom = hex(b"a header of a service");
    let answer = Answer { detail: 0, custom, edge_tail: None, payload: hex(b"hi") };
    let mut vectors = vec![
        vector(
            "request-by-name",
            "a call of edge 7 on its way to a frontier that offers `echo`, to be returned from there if need be",
            header(Flags::RETURN.with(Flags::BY_NAME), Code::Ok, 9),
            Fields::Request(call.clone()),
        ),
        vector(
            "returned-by-name",
            "no service there takes it: the same call again",
            header(Flags::BY_NAME, Code::Ok, 9),
            Fields::Returned(call),
        ),
        vector(
            "open-by-name",
            "a stream of edge 7 to the service `files` at another frontier: the meta ends with who asks",
            header(Flags::BY_NAME, Code::Ok, 0),
            Fields::Open(open),
        ),
        vector(
            "response-untailed",
            "what the service answered, for an edge: no EdgeID stands behind its header",
            header(Flags::UNTAILED, Code::Ok, 9),
            Fields::Response(answer),
        ),
    ];
    vectors.extend(traces::forwarded(&edge()));
    vectors
}

/// What the services of a frontier take.
pub(super) fn offers() -> Vec<Vector> {
    let change =
        |of: &str, name: &str, is_offered| NameChange { of: of.into(), name: name.into(), is_offered };
    let offer = |name: &str, description: &str, part: Flags, entries| {
        let header = header(Flags::SKIPPABLE.with(part), Code::Ok, 0);
        vector(name, description, header, Fields::Offer(NameChanges { entries }))
    };
    let all = vec![
        change("method", "echo", true),
        change("topic", "größe", true),
        change("service", "files", true),
    ];
    let changes = vec![change("method", "echo2", true), change("method", "echo", false)];
    let whole = Flags::FIRST.with(Flags::LAST);
    vec![
        offer("offer", "all that there is: a method, a topic and a service", whole, all),
        offer("offer-changes", "one method more, and one less", Flags::default(), changes),
        offer("offer-nothing", "there is no service", whole, Vec::new()),
    ]
}
