//! Payloads on streams of their own.

use frontier_protocol::{Code, Custom, EdgeId, Flags, Kind, Publish, Request, Response};
use frontier_tests::{DEADLINE, Gateway, RawPeer, Witness, eventually, first_frame, none, within};
use frontier_transport::{FirstFrame, MuxStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The first frame of a call whose payload follows.
fn request(id: u64, method: &str, custom: Custom<'_>, len: u32) -> Vec<u8> {
    let mut first = Vec::new();
    Request { timeout_ms: 0, method, custom, payload: &len.to_be_bytes() }
        .encode_with(id, Flags::DETACHED, &mut first)
        .expect("a short frame");
    first
}

fn response(id: u64, len: u32) -> Vec<u8> {
    let mut first = Vec::new();
    Response { code: Code::Ok, detail: 0, custom: none(), payload: &len.to_be_bytes() }
        .encode_with(id, Flags::DETACHED, &mut first)
        .expect("a short frame");
    first
}

async fn rest(mut stream: MuxStream) -> Vec<u8> {
    let mut rest = Vec::new();
    within("the end of a payload", stream.read_to_end(&mut rest)).await.expect("a payload");
    rest
}

async fn pair(gateway: &Gateway) -> (RawPeer, RawPeer) {
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    service.take_methods(&["m"]).await;
    (service, RawPeer::edge(gateway.edges()).await)
}

#[tokio::test]
async fn a_detached_call_and_its_detached_answer_go_through() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let payload: Vec<u8> = (0..1_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut stream = edge.open_with(&request(7, "m", Custom::plain(b"c"), 1_000_000)).await;
    let (_, (frame, got)) = tokio::join!(stream.write_all(&payload), async {
        let FirstFrame { frame, stream } = first_frame(service.stream().await).await;
        (frame, rest(stream).await)
    });
    let there = Request::parse(&frame).unwrap();
    assert_eq!(Custom::split_tail(there.custom.body()), Some((&b"c"[..], EdgeId(edge.id()))));
    assert_eq!((there.payload, got == payload), (&1_000_000u32.to_be_bytes()[..], true));
    let mut answer = service.open_with(&response(frame.id, 1_000_000)).await;
    let (_, (frame, got)) = tokio::join!(answer.write_all(&payload), async {
        let FirstFrame { frame, stream } = first_frame(edge.stream().await).await;
        (frame, rest(stream).await)
    });
    assert_eq!((frame.kind, frame.id, frame.code), (Kind::Response, 7, Code::Ok));
    assert!(got == payload);
}

#[tokio::test]
async fn a_detached_message_is_acked_on_the_lane() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let mut first = Vec::new();
    Publish { timeout_ms: 0, topic: "t", custom: none(), payload: &100_000u32.to_be_bytes() }
        .encode_with(3, Flags::DETACHED.with(Flags::ACKED), &mut first)
        .unwrap();
    let mut stream = edge.open_with(&first).await;
    stream.write_all(&[7; 100_000]).await.unwrap();
    let FirstFrame { frame, stream } = first_frame(service.stream().await).await;
    assert!(rest(stream).await == [7; 100_000]);
    service.ack(frame.id);
    assert_eq!(edge.acked(3).await.0, Code::Ok);
}

#[tokio::test]
async fn a_payload_cut_short_fails_its_call_and_no_more() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let (mut service, mut edge) = pair(&gateway).await;
    for is_reset in [false, true] {
        let mut stream = edge.open_with(&request(1, "m", none(), 100_000)).await;
        stream.write_all(&[1; 50_000]).await.unwrap();
        let FirstFrame { stream: mut onward, .. } = first_frame(service.stream().await).await;
        if !is_reset {
            stream.shutdown().await.unwrap();
        }
        drop(stream);
        let expected = if is_reset { Code::Disconnected } else { Code::Protocol };
        assert_eq!(edge.response(1).await.0, expected);
        let mut got = Vec::new();
        let _ = within("an end", onward.read_to_end(&mut got)).await;
        assert!(got.len() <= 50_000);
    }
    edge.is_alive().await;
    service.is_alive().await;
    witness.check().await;
}

#[tokio::test]
async fn more_bytes_than_announced_fail_the_call_and_no_more() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let mut first = request(1, "m", none(), 10);
    first.extend_from_slice(&[1; 11]);
    let _stream = edge.open_with(&first).await;
    assert_eq!(edge.response(1).await.0, Code::Protocol);
    edge.is_alive().await;
    service.is_alive().await;
}

#[tokio::test]
async fn short_payloads_and_none_may_be_detached_as_well() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    for (id, len) in [(1, 0), (2, 5), (3, 65_536)] {
        let payload = vec![7; len as usize];
        let mut stream = edge.open_with(&request(id, "m", none(), len)).await;
        stream.write_all(&payload).await.unwrap();
        stream.shutdown().await.unwrap();
        let FirstFrame { frame, stream: onward } = first_frame(service.stream().await).await;
        assert!(rest(onward).await == payload, "{len} bytes");
        service.respond(frame.id, b"");
        assert_eq!(edge.response(id).await.0, Code::Ok);
    }
}

#[tokio::test]
async fn a_receiver_that_gives_a_payload_up_loses_its_sender_that_call_and_no_more() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let mut stream = edge.open_with(&request(1, "m", none(), 8_000_000)).await;
    stream.write_all(&[1; 1000]).await.unwrap();
    drop(first_frame(service.stream().await).await);
    assert_eq!(edge.response(1).await.0, Code::Disconnected);
    // The rest is not wanted.
    within("a reset", async { while stream.write_all(&[0; 1000]).await.is_ok() {} }).await;
    // The same of an answer, which its requester gives up.
    edge.request(2, "m", none(), b"");
    let id = service.frame().await.id;
    let mut answer = service.open_with(&response(id, 8_000_000)).await;
    answer.write_all(&[1; 1000]).await.unwrap();
    drop(first_frame(edge.stream().await).await);
    assert_eq!(edge.response(2).await.0, Code::Disconnected);
    within("a reset", async { while answer.write_all(&[0; 1000]).await.is_ok() {} }).await;
    edge.is_alive().await;
    service.is_alive().await;
}

#[tokio::test]
async fn a_payload_over_the_limit_is_too_large_before_it_is_sent() {
    let gateway = Gateway::builder().set("limits.payload_size", "1MiB").start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let before = gateway.rss();
    for len in [1024 * 1024 + 1, u32::MAX] {
        let stream = edge.open_with(&request(1, "m", none(), len)).await;
        assert_eq!(edge.response(1).await.0, Code::TooLarge);
        drop(stream);
    }
    edge.request(2, "m", none(), b"");
    let id = service.frame().await.id;
    let stream = service.open_with(&response(id, 1024 * 1024 + 1)).await;
    assert_eq!(edge.response(2).await.0, Code::TooLarge);
    drop(stream);
    assert!(gateway.rss().saturating_sub(before) < 16 * 1024 * 1024);
}

/// Whoever announces a lot and sends little makes nobody reserve anything.
#[tokio::test]
async fn announced_payloads_reserve_nothing() {
    let gateway = Gateway::start().await;
    let (mut service, edge) = pair(&gateway).await;
    let before = gateway.rss();
    let mut streams = Vec::new();
    for id in 0..200 {
        streams.push(edge.open_with(&request(id, "m", none(), 64 * 1024 * 1024)).await);
        streams.push(service.stream().await);
    }
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes for 200 announcements");
}

#[tokio::test]
async fn a_detached_answer_that_stops_or_is_not_waited_for_is_an_error_or_nothing() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    // Nobody asked.
    drop(service.open_with(&response(99, 100_000)).await);
    edge.request(1, "m", none(), b"");
    let id = service.frame().await.id;
    let mut stream = service.open_with(&response(id, 100_000)).await;
    stream.write_all(&[1; 1000]).await.unwrap();
    let FirstFrame { frame, stream: mut onward } = first_frame(edge.stream().await).await;
    assert_eq!(frame.id, 1);
    drop(stream);
    assert_eq!(edge.response(1).await.0, Code::Disconnected);
    let mut got = Vec::new();
    let _ = within("an end", onward.read_to_end(&mut got)).await;
    assert!(got.len() <= 1000);
    edge.is_alive().await;
    service.is_alive().await;
}

#[tokio::test]
async fn a_large_payload_delays_no_small_call() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    // Stands still in the middle: nobody reads it.
    let mut stream = edge.open_with(&request(1, "m", none(), 8_000_000)).await;
    let _unread = service.stream().await;
    let writing = tokio::spawn(async move { stream.write_all(&[0; 8_000_000]).await });
    for id in 2..50 {
        edge.request(id, "m", none(), b"small");
        let asked = service.frame().await.id;
        service.respond(asked, b"small");
        assert_eq!(edge.response(id).await.0, Code::Ok);
    }
    assert!(!writing.is_finished());
    // The receiver goes: its caller hears of it.
    drop(service);
    assert_eq!(edge.response(1).await.0, Code::Disconnected);
    eventually(DEADLINE, "the writer ends", async || writing.is_finished().then_some(())).await;
}
