//! Long payloads, which travel on streams of their own.

use crate::gateway::{Gateway, MAX_PAYLOAD, Peer, soon};
use bytes::Bytes;
use frontier_protocol::{Ack, Custom, Flags, Frame, Kind, Publish, Request, Response};
use frontier_sdk::Code;
use frontier_transport::{FirstFrame, MuxStream};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LEN: usize = 300_000;

fn payload() -> Bytes {
    (0..LEN).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

fn len_bytes(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap().to_be_bytes()
}

/// Reads a detached payload to its end.
async fn read_rest(mut stream: MuxStream) -> Vec<u8> {
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    rest
}

async fn expect_detached(peer: &mut Peer, kind: Kind) -> (Frame, Vec<u8>) {
    let FirstFrame { frame, stream } = peer.expect_stream().await;
    assert_eq!(frame.kind, kind);
    assert!(frame.flags.has(Flags::DETACHED));
    (frame, read_rest(stream).await)
}

#[tokio::test]
async fn a_long_call_and_its_long_answer_travel_on_streams() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let answer = async {
        let (frame, sent) = expect_detached(&mut peer, Kind::Request).await;
        assert_eq!(Request::parse(&frame).unwrap().payload, len_bytes(LEN));
        assert_eq!(sent, payload());
        let (code, custom) = (Code::Ok, Custom::plain(b"back"));
        let mut wire = Vec::new();
        Response { code, detail: 0, custom, payload: &len_bytes(LEN) }
            .encode_with(frame.id, Flags::DETACHED, &mut wire)
            .unwrap();
        wire.extend_from_slice(&payload());
        soon(peer.stream(&wire).await.shutdown()).await.unwrap();
    };
    let (response, ()) = soon(async { tokio::join!(edge.call("echo", payload()), answer) }).await;
    let response = response.unwrap();
    assert_eq!((response.data, &response.custom[..]), (payload(), &b"back"[..]));
}

#[tokio::test]
async fn a_long_publish_travels_on_a_stream_and_is_acked_on_the_lane() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let answer = async {
        let (frame, sent) = expect_detached(&mut peer, Kind::Publish).await;
        assert!(frame.flags.has(Flags::ACKED));
        assert_eq!(sent, payload());
        peer.send(|out| Ack { code: Code::Ok, detail: 0, text: "" }.encode(frame.id, out));
    };
    let (published, ()) = soon(async { tokio::join!(edge.publish("t", payload()), answer) }).await;
    published.unwrap();
}

#[tokio::test]
async fn a_long_request_is_handled_and_answered_on_a_stream() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    edge.register("echo", |req| async move { Ok(frontier_sdk::Response::new(req.data)) }).await.unwrap();
    let mut wire = Vec::new();
    Request { timeout_ms: 0, method: "echo", custom: Custom::plain(b""), payload: &len_bytes(LEN) }
        .encode_with(3, Flags::DETACHED, &mut wire)
        .unwrap();
    wire.extend_from_slice(&payload());
    let _stream = peer.stream(&wire).await;
    let (frame, answered) = expect_detached(&mut peer, Kind::Response).await;
    assert_eq!(frame.id, 3);
    assert_eq!(answered, payload());
}

#[tokio::test]
async fn a_long_message_is_received_whole_and_a_truncated_one_not_at_all() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut head = Vec::new();
    Publish { timeout_ms: 0, topic: "t", custom: Custom::plain(b""), payload: &len_bytes(LEN) }
        .encode_with(1, Flags::ACKED.with(Flags::DETACHED), &mut head)
        .unwrap();
    let mut truncated = head.clone();
    truncated.extend_from_slice(&payload()[..1000]);
    soon(peer.stream(&truncated).await.shutdown()).await.unwrap();
    let mut whole = head;
    whole.extend_from_slice(&payload());
    let _stream = peer.stream(&whole).await;
    let message = soon(edge.recv()).await.unwrap();
    assert_eq!(message.data, payload());
    message.done();
    assert_eq!(peer.expect(Kind::Ack).await.code, Code::Ok);
    assert!(!peer.has_frame());
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_refused_before_it_comes() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let len = len_bytes(usize::try_from(MAX_PAYLOAD).unwrap() + 1);
    let mut head = Vec::new();
    Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: &len }
        .encode_with(1, Flags::DETACHED, &mut head)
        .unwrap();
    let _request = peer.stream(&head).await;
    let frame = peer.expect(Kind::Response).await;
    assert_eq!((frame.id, Response::parse(&frame).unwrap().code), (1, Code::TooLarge));
    let answer = async {
        let asked = peer.expect(Kind::Request).await;
        let mut head = Vec::new();
        Response { code: Code::Ok, detail: 0, custom: Custom::plain(b""), payload: &len }
            .encode_with(asked.id, Flags::DETACHED, &mut head)
            .unwrap();
        peer.stream(&head).await
    };
    let (response, _stream) = soon(async { tokio::join!(edge.call("m", ""), answer) }).await;
    assert_eq!(response.unwrap_err().code(), Code::TooLarge);
}

#[tokio::test]
async fn a_long_call_that_the_gateway_refuses_stops_being_sent() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let long = vec![0; usize::try_from(MAX_PAYLOAD).unwrap()];
    let refuse = async {
        let FirstFrame { frame, stream } = peer.expect_stream().await;
        peer.send(|out| {
            Response::error(Code::ServiceNotOnline, "").encode_with(frame.id, Flags::default(), out)
        });
        stream
    };
    let (response, _stream) = soon(async { tokio::join!(edge.call("m", long), refuse) }).await;
    assert_eq!(response.unwrap_err().code(), Code::ServiceNotOnline);
}

#[tokio::test]
async fn the_deadline_holds_while_a_long_call_is_being_sent() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let long = vec![0; usize::try_from(MAX_PAYLOAD).unwrap()];
    let call = edge.call("m", long).timeout(Duration::from_millis(50));
    // The window of a stream that nobody reads is far smaller.
    let (response, stream) = soon(async { tokio::join!(call, peer.expect_stream()) }).await;
    assert_eq!(response.unwrap_err().code(), Code::Deadline);
    let frame = peer.expect(Kind::Cancel).await;
    assert_eq!(frame.id, stream.frame.id);
}
