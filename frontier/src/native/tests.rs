//! The native wire over the exchange: what goes in as frames and comes out as frames.

mod by_name;
mod detached;
mod ends;
mod lane;
mod leave;
mod origin_gateway;
mod owner_gateway;
mod relocation;
mod streams;

use super::*;
use crate::testing::{self, Parked, Remote};
use frontier_exchange::Violation;
use frontier_protocol::{Code, Custom, EdgeId, Flags, Frame, Kind, Publish, Request, Response};

const EDGE: u64 = 7;

/// A call as a peer sends it.
fn request(id: u64, method: &str, custom: &[u8], payload: &[u8]) -> Frame {
    let custom = Custom::plain(custom);
    let request = Request { timeout_ms: 0, method, custom, payload };
    testing::frame(|out| request.encode(id, out))
}

/// A message as a peer sends it.
fn publish(id: u64, topic: &str, custom: &[u8], flags: Flags) -> Frame {
    let custom = Custom::plain(custom);
    let publish = Publish { timeout_ms: 0, topic, custom, payload: b"payload" };
    testing::frame(|out| publish.encode_with(id, flags, out))
}

/// The answer of a peer to what came as `id`.
fn response(id: u64, custom: &[u8], payload: &[u8]) -> Frame {
    let custom = Custom::plain(custom);
    testing::frame(|out| {
        Response { code: Code::Ok, detail: 0, custom, payload }.encode_with(id, Flags::default(), out)
    })
}

/// A remote peer answers what came to it as `id`.
fn reply(remote: &Remote, id: u64, code: Code, custom: &[u8], payload: &[u8]) {
    let answer = Response { code, detail: 0, custom: Custom::plain(custom), payload };
    remote.send(|out| answer.encode_with(id, Flags::default(), out));
}

fn tail(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

/// Lets the exchange act on a frame of `from`.
fn on_frame(exchange: &Arc<Exchange>, from: &Arc<Peer>, frame: &Frame) -> Result<(), Violation> {
    Decode { exchange, peer: from, callers: None }.on_frame(frame, &mut exchange.batch())
}

/// The same for a frame that may be sent.
fn act(exchange: &Arc<Exchange>, from: &Arc<Peer>, frame: &Frame) {
    on_frame(exchange, from, frame).unwrap();
}

/// The id, the code and the text or payload of each answer in `frames`.
fn answers(frames: &[Frame]) -> Vec<(u64, Code, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let answer = |frame: &Frame| match frame.kind {
        Kind::Response => {
            let it = Response::parse(frame).unwrap();
            Some((frame.id, it.code, text(it.payload)))
        }
        Kind::Ack => Some((frame.id, frame.code, text(&frame.body[4..]))),
        _ => None,
    };
    frames.iter().filter_map(answer).collect()
}

fn codes(frames: &[Frame]) -> Vec<(u64, Code)> {
    answers(frames).into_iter().map(|(id, code, _)| (id, code)).collect()
}
