//! Registrations, and the openings of user streams.

use super::{header, hex, outcome, plain, said, text, vector};
use crate::golden::Vector;
use crate::json::Decimal;
use crate::owned::{Fields, Grant, OwnedHello, Raw, Row, Wish};
use frontier_protocol::{Code, FEATURE_EDGE_METHODS, Flags};

/// How an edge tells what methods it answers.
pub(super) fn handshake(hello: OwnedHello, welcome: Grant) -> Vec<Vector> {
    let methods = vec!["reboot".into(), "größe".into()];
    let hello = OwnedHello { features: FEATURE_EDGE_METHODS, methods, ..hello };
    let welcome = Grant { features: FEATURE_EDGE_METHODS, ..welcome };
    vec![
        vector("hello-edge-methods", "an edge that tells of two methods", plain(0), Fields::Hello(hello)),
        vector(
            "welcome-edge-methods",
            "they are noted, and the edge may register others",
            plain(0),
            Fields::Welcome(welcome),
        ),
    ]
}

/// What services and edges register.
pub(super) fn registrations() -> Vec<Vector> {
    let row = |names: &[&str]| Row { names: names.iter().map(|name| (*name).into()).collect() };
    vec![
        vector(
            "register-methods",
            "two methods at once",
            plain(5),
            Fields::Register(row(&["echo", "edge_online"])),
        ),
        vector(
            "register-catch-all",
            "the topic of a service that takes what nobody else takes",
            header(Flags::TOPICS, Code::Ok, 6),
            Fields::Register(row(&["*"])),
        ),
        vector("register-ack", "routing knows the names now", plain(5), Fields::RegisterAck(text(""))),
        vector(
            "register-edge-method",
            "an edge tells of one more method, which it may if Welcome has the bit",
            plain(9),
            Fields::Register(row(&["reboot"])),
        ),
        vector("unregister", "a method is taken back", plain(8), Fields::Unregister(row(&["größe"]))),
        vector(
            "unregister-ack-overloaded",
            "it was refused, with a text",
            outcome(Code::Overloaded, 8),
            Fields::UnregisterAck(text("try again later")),
        ),
    ]
}

/// User streams.
pub(super) fn streams() -> Vec<Vector> {
    let to_service =
        Wish { peer: Decimal(0), timeout_ms: 5_000, name: "files".into(), meta: hex(b"\xff\x00") };
    let to_edge = Wish { peer: Decimal(7), timeout_ms: 0, name: String::new(), meta: hex(b"") };
    vec![
        vector("open-service", "an edge names a service", plain(0), Fields::Open(to_service)),
        vector("open-edge", "a service names edge 7", plain(0), Fields::Open(to_edge)),
        vector("open-ack", "the bytes may flow", plain(0), Fields::OpenAck(said(0, ""))),
        vector(
            "open-ack-refused",
            "the other end takes no streams",
            outcome(Code::StreamRefused, 0),
            Fields::OpenAck(said(0, "no streams")),
        ),
        vector(
            "open-ack-overloaded",
            "the opener is to try again in 30 seconds",
            outcome(Code::Overloaded, 0),
            Fields::OpenAck(said(30_000, "too many streams")),
        ),
        vector("data", "three bytes of a stream", plain(0), Fields::Data(Raw { payload: hex(b"abc") })),
        vector(
            "data-end",
            "the sender's half of the stream is over, in good order",
            header(Flags::END, Code::Ok, 0),
            Fields::Data(Raw { payload: hex(b"") }),
        ),
    ]
}
