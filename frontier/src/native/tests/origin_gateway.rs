//! Another gateway asks for edges that are here.

use super::*;
use frontier_protocol::{Open, OpenAck, RemoteCaller, Returned, ServiceId, push_remote_caller};
use frontier_transport::{CloseReason, FirstFrame};
use tokio::io::AsyncWriteExt;

fn caller() -> Vec<u8> {
    let mut out = Vec::new();
    let labels = Vec::new();
    RemoteCaller { id: ServiceId(3), name: "files", subject: "", labels, address: None }.encode(&mut out);
    out
}

fn call(
    to: u64,
    flags: Flags,
    id: u64,
) -> impl FnOnce(&mut Vec<u8>) -> Result<(), frontier_protocol::EncodeError> {
    move |out| {
        let caller = caller();
        let custom = Custom::forwarded(b"ab", &caller, EdgeId(to));
        Request { timeout_ms: 900, method: "m", custom, payload: b"hi" }.encode_with(id, flags, out)
    }
}

/// A gateway that asks here.
async fn origin_gateway(exchange: &Arc<Exchange>) -> Remote {
    Remote::origin_gateway(exchange, testing::policies(""), true).await
}

#[tokio::test]
async fn an_edge_gets_what_it_would_get_from_a_service_here() {
    let exchange = testing::exchange();
    let (mut asks, mut edge) = (origin_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    asks.send(call(EDGE, Flags::RETURN, 9));
    let frame = edge.recv().await;
    let got = Request::parse(&frame).unwrap();
    assert_eq!(
        (got.method, got.custom.body(), got.payload, frame.flags),
        ("m", &b"ab"[..], &b"hi"[..], Flags(0))
    );
    reply(&edge, frame.id, Code::Ok, b"x", b"yo");
    let frame = asks.recv().await;
    let got = Response::parse(&frame).unwrap();
    assert_eq!((frame.id, got.custom.body(), got.payload), (9, &b"x\0\0\0\0\0\0\0\x07"[..], &b"yo"[..]));
}

#[tokio::test]
async fn a_question_for_an_edge_that_is_not_here_is_returned_or_refused_and_never_passed_on() {
    let exchange = testing::exchange();
    let mut asks = origin_gateway(&exchange).await;
    asks.send(call(8, Flags::RETURN, 9));
    let frame = asks.recv().await;
    let got = Returned::parse(&frame).unwrap();
    let whole = [&b"ab"[..], &caller(), &[0, 16], &tail(8)].concat();
    assert_eq!((frame.id, got.name, got.custom.body(), got.payload), (9, "m", &whole[..], &b"hi"[..]));
    assert!((1..=900).contains(&got.timeout_ms));

    asks.send(call(8, Flags::default(), 10));
    assert_eq!(codes(&[asks.recv().await]), [(10, Code::EdgeNotOnline)]);
    let caller = caller();
    for (flags, id) in [(Flags::RETURN, 0), (Flags::default(), 0), (Flags::ACKED, 11)] {
        let custom = Custom::forwarded(b"", &caller, EdgeId(8));
        let publish = Publish { timeout_ms: 0, topic: "t", custom, payload: b"" };
        asks.send(|out| publish.encode_with(id, flags, out));
    }
    let frame = asks.recv().await;
    assert_eq!((frame.kind, frame.id), (Kind::Returned, 0));
    assert_eq!(codes(&[asks.recv().await]), [(11, Code::EdgeNotOnline)]);
    assert!(!asks.peer.is_busy());
}

#[tokio::test]
async fn who_asks_must_be_said() {
    let exchange = testing::exchange();
    let (mut asks, _edge) = (origin_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    for (id, custom) in [
        (1, tail(EDGE).to_vec()),
        (2, [&[0xff; 2][..], &tail(EDGE)].concat()),
        (3, [&[0; 2][..], &tail(EDGE)].concat()),
        (4, b"ab".to_vec()),
    ] {
        asks.send(|out| {
            Request { timeout_ms: 0, method: "m", custom: Custom::plain(&custom), payload: b"" }
                .encode(id, out)
        });
        assert_eq!(codes(&[asks.recv().await]), [(id, Code::Protocol)]);
    }
}

#[tokio::test]
async fn an_origin_gateway_is_no_service_and_answers_nothing() {
    for kind in [Kind::Register, Kind::Response, Kind::Ack, Kind::Returned, Kind::Lookup] {
        let exchange = testing::exchange();
        let asks = origin_gateway(&exchange).await;
        let frame = Frame { kind, flags: Flags::default(), code: Code::Ok, id: 1, body: vec![0; 8].into() };
        let violation = on_frame(&exchange, &asks.peer, &frame).unwrap_err();
        assert_eq!(violation.to_string(), format!("{kind:?} must not come from a peer of this kind"));
    }
    let exchange = testing::exchange();
    let asks = origin_gateway(&exchange).await;
    let mut stream = asks.handle.open_stream().await.unwrap();
    let mut head = Vec::new();
    Response { code: Code::Ok, detail: 0, custom: Custom::plain(b""), payload: &[0; 4] }
        .encode_with(1, Flags::DETACHED, &mut head)
        .unwrap();
    stream.write_all(&head).await.unwrap();
    assert!(matches!(asks.ended().await, CloseReason::Protocol(_)));
}

#[tokio::test]
async fn a_large_payload_is_read_once_it_may_come() {
    let exchange = testing::exchange();
    let (mut asks, mut edge) = (origin_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    let caller = caller();
    let len = 100_000u32;
    for (to, expected) in [(EDGE, Code::Ok), (8, Code::EdgeNotOnline)] {
        let mut stream = asks.handle.open_stream().await.unwrap();
        let custom = Custom::forwarded(b"", &caller, EdgeId(to));
        let mut head = Vec::new();
        Request { timeout_ms: 0, method: "m", custom, payload: &len.to_be_bytes() }
            .encode_with(9, Flags::DETACHED, &mut head)
            .unwrap();
        stream.write_all(&head).await.unwrap();
        let FirstFrame { frame, mut stream } =
            testing::soon(FirstFrame::read(stream, 1 << 20)).await.unwrap();
        assert_eq!(OpenAck::parse(&frame).unwrap().code, expected);
        if expected != Code::Ok {
            break;
        }
        stream.write_all(&vec![7; len as usize]).await.unwrap();
        stream.shutdown().await.unwrap();
        let onward = edge.stream().await;
        let FirstFrame { frame, mut stream } =
            testing::soon(FirstFrame::read(onward, 1 << 20)).await.unwrap();
        let mut got = Vec::new();
        testing::soon(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut got)).await.unwrap();
        assert_eq!((frame.kind, got.len()), (Kind::Request, len as usize));
        reply(&edge, frame.id, Code::Ok, b"", b"");
        assert_eq!(codes(&[asks.recv().await]), [(9, Code::Ok)]);
    }
    assert!(asks.rest().is_empty() && !testing::has_pending(&asks.peer));
}

#[tokio::test]
async fn a_stream_is_the_services_and_not_the_gateways() {
    let exchange = testing::exchange();
    let (asks, mut edge) = (origin_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    let mut meta = b"meta".to_vec();
    push_remote_caller(&caller(), &mut meta).unwrap();
    let mut stream = asks.handle.open_stream().await.unwrap();
    let mut head = Vec::new();
    Open { peer: EDGE, timeout_ms: 0, name: "", meta: &meta }.encode(&mut head).unwrap();
    stream.write_all(&head).await.unwrap();
    let FirstFrame { frame, .. } =
        testing::soon(FirstFrame::read(edge.stream().await, 1 << 20)).await.unwrap();
    let open = Open::parse(&frame).unwrap();
    assert_eq!((open.peer, open.name, open.meta), (3, "files", &b"meta"[..]));
}

#[tokio::test]
async fn what_an_origin_gateway_asked_ends_with_its_link() {
    let exchange = testing::exchange();
    let (asks, mut edge) = (origin_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    asks.send(call(EDGE, Flags::RETURN, 9));
    assert_eq!(edge.recv().await.kind, Kind::Request);
    asks.die().await;
    assert_eq!(edge.recv().await.kind, Kind::Cancel);
    assert!(!testing::has_pending(&edge.peer));
}
