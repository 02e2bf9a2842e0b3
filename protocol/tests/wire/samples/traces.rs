//! Requests and streams that carry a trace context.

use super::{header, hex, plain, vector};
use crate::golden::Vector;
use crate::json::{Decimal, Hex};
use crate::owned::{Addressed, Fields, Grant, OwnedHello, Wish};
use frontier_protocol::{Code, FEATURE_TRACE, Flags, push_trace};

/// `own`, and behind it the example of the standard, with or without a tracestate.
fn traced(own: &[u8], tracestate: &str) -> Vec<u8> {
    let mut out = own.to_vec();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    push_trace(format!("{traceparent}{tracestate}").as_bytes(), &mut out).expect("a short trace context");
    out
}

/// What is agreed on, for requests to have one.
pub(super) fn handshake(hello: OwnedHello, welcome: Grant) -> Vec<Vector> {
    let hello = OwnedHello { features: FEATURE_TRACE, ..hello };
    let welcome = Grant { features: FEATURE_TRACE, ..welcome };
    vec![
        vector("hello-traces", "an edge that takes trace contexts", plain(0), Fields::Hello(hello)),
        vector("welcome-traces", "both may send trace contexts", plain(0), Fields::Welcome(welcome)),
    ]
}

/// Those of edges and of services.
pub(super) fn requests() -> Vec<Vector> {
    let addressed = |name: &str, custom: Vec<u8>, edge_tail, payload: &[u8]| Addressed {
        timeout_ms: 900,
        name: name.into(),
        custom: Hex(custom),
        edge_tail,
        payload: hex(payload),
    };
    let call = addressed("echo", traced(b"own", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"), None, b"hi");
    let tailed = [traced(b"own", ""), 7u64.to_be_bytes().to_vec()].concat();
    let to_service = addressed("echo", tailed, Some(Decimal(7)), b"hi");
    let message = addressed("telemetry", traced(b"", ""), None, b"21.5");
    let meta = Hex(traced(b"meta", ""));
    let open = Wish { peer: Decimal(0), timeout_ms: 900, name: "files".into(), meta };
    let traced = |flags: Flags, id| header(flags.with(Flags::TRACED), Code::Ok, id);
    vec![
        vector(
            "request-traced",
            "a call of an edge: behind its own header the trace context, with a tracestate, and its length",
            traced(Flags::default(), 9),
            Fields::Request(call),
        ),
        vector(
            "request-traced-tailed",
            "a call of edge 7 on its way to a service: the trace context stands in front of the tail",
            traced(Flags::default(), 9),
            Fields::Request(to_service),
        ),
        vector(
            "publish-traced",
            "a message of an edge, without a header of its own",
            traced(Flags::ACKED, 9),
            Fields::Publish(message),
        ),
        vector(
            "open-traced",
            "a stream of an edge: the trace context stands behind the meta",
            traced(Flags::default(), 0),
            Fields::Open(open),
        ),
    ]
}

/// A call of an edge on its way between frontiers: `caller` is who asks, with its length.
pub(super) fn forwarded(caller: &[u8]) -> Vec<Vector> {
    let custom = [&traced(b"own", "")[..], caller, &7u64.to_be_bytes()].concat();
    let edge_tail = Some(Decimal(7));
    let call = Addressed {
        timeout_ms: 900,
        name: "echo".into(),
        custom: Hex(custom),
        edge_tail,
        payload: hex(b"hi"),
    };
    let flags = Flags::BY_NAME.with(Flags::TRACED);
    vec![
        vector(
            "request-by-name-traced",
            "a call of edge 7 on its way to another frontier: the trace context, then who asks, then the tail",
            header(flags.with(Flags::RETURN), Code::Ok, 9),
            Fields::Request(call.clone()),
        ),
        vector(
            "returned-by-name-traced",
            "no service there takes it: the same call again",
            header(flags, Code::Ok, 9),
            Fields::Returned(call),
        ),
    ]
}
