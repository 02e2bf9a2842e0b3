//! Requests of a service that go from its frontier to the frontier of the edge.

use super::{header, hex, plain, vector};
use crate::golden::Vector;
use crate::json::Decimal;
use crate::owned::{Addressed, Fields, Wish};
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
