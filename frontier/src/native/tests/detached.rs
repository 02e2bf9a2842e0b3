//! Payloads on streams of their own.

use super::*;
use frontier_transport::{FirstFrame, MuxStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LEN: usize = 300_000;

/// Opens a stream that starts with `head`.
async fn open(remote: &Remote, head: &[u8]) -> MuxStream {
    let mut stream = remote.handle.open_stream().await.unwrap();
    stream.write_all(head).await.unwrap();
    stream
}

fn call(id: u64, timeout_ms: u32, len: usize) -> Vec<u8> {
    let mut head = Vec::new();
    let len = u32::try_from(len).unwrap().to_be_bytes();
    let request = Request { timeout_ms, method: "m", custom: Custom::plain(b"c"), payload: &len };
    request.encode_with(id, Flags::DETACHED, &mut head).unwrap();
    head
}

fn answer(id: u64, len: usize) -> Vec<u8> {
    let mut head = Vec::new();
    let len = u32::try_from(len).unwrap().to_be_bytes();
    let response = Response { code: Code::Ok, detail: 0, custom: Custom::plain(b"c"), payload: &len };
    response.encode_with(id, Flags::DETACHED, &mut head).unwrap();
    head
}

async fn first(remote: &mut Remote) -> FirstFrame {
    let stream = remote.stream().await;
    testing::soon(FirstFrame::read(stream, 1 << 20)).await.unwrap()
}

async fn pair(exchange: &Arc<Exchange>) -> (Remote, Remote) {
    (Remote::edge(exchange, EDGE).await, Remote::service(exchange, 1, &["m"], &[]).await)
}

#[tokio::test]
async fn a_long_payload_passes_in_both_directions() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = pair(&exchange).await;
    let payload: Vec<u8> = (0..LEN).map(|n| n.to_be_bytes()[7]).collect();
    let mut stream = open(&edge, &call(9, 0, LEN)).await;
    let (sent, got) = tokio::join!(stream.write_all(&payload), async {
        let FirstFrame { frame, mut stream } = first(&mut service).await;
        assert_eq!(Request::parse(&frame).unwrap().custom.body(), b"c\0\0\0\0\0\0\0\x07");
        let mut got = vec![0; LEN];
        testing::soon(stream.read_exact(&mut got)).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the end is passed on");
        (frame.id, got)
    });
    sent.unwrap();
    assert!(got.1 == payload);
    let mut stream = open(&service, &answer(got.0, LEN)).await;
    let (sent, ()) = tokio::join!(stream.write_all(&payload), async {
        let FirstFrame { frame, mut stream } = first(&mut edge).await;
        assert_eq!((frame.id, Response::parse(&frame).unwrap().custom.body()), (9, &b"c"[..]));
        let mut got = vec![0; LEN];
        testing::soon(stream.read_exact(&mut got)).await.unwrap();
        assert!(got == payload);
    });
    sent.unwrap();
    assert!(!testing::has_pending(&edge.peer) && !testing::has_pending(&service.peer));
}

#[tokio::test]
async fn a_payload_over_the_limit_is_refused() {
    let exchange = testing::exchange_with(|limits| limits.payload = 1000);
    let (mut edge, mut service) = pair(&exchange).await;
    let _stream = open(&edge, &call(9, 0, 1001)).await;
    assert_eq!(codes(&[edge.recv().await]), [(9, Code::TooLarge)]);
    // And so is an answer.
    edge.send(|out| {
        Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: b"" }.encode(10, out)
    });
    let asked = service.recv().await;
    let _stream = open(&service, &answer(asked.id, 1001)).await;
    assert_eq!(codes(&[edge.recv().await]), [(10, Code::TooLarge)]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_with_its_service_is_a_lost_connection() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = pair(&exchange).await;
    edge.send(|out| {
        Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: b"" }.encode(9, out)
    });
    let asked = service.recv().await;
    let mut stream = open(&service, &answer(asked.id, LEN)).await;
    stream.write_all(&[0; 1000]).await.unwrap();
    let _begun = first(&mut edge).await;
    service.die().await;
    assert_eq!(codes(&[edge.recv().await]), [(9, Code::Disconnected)]);
}

#[tokio::test]
async fn an_answer_that_does_not_end_in_time_is_a_failure_and_not_silence() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = pair(&exchange).await;
    edge.send(|out| {
        Request { timeout_ms: 200, method: "m", custom: Custom::plain(b""), payload: b"" }.encode(9, out)
    });
    let asked = service.recv().await;
    let _stream = open(&service, &answer(asked.id, LEN)).await;
    assert_eq!(codes(&[edge.recv().await]), [(9, Code::Deadline)]);
    assert!(!testing::has_pending(&edge.peer) && !testing::has_pending(&service.peer));
}

#[tokio::test]
async fn a_call_whose_target_opens_no_stream_in_time_is_a_failure_and_not_silence() {
    let exchange = testing::exchange();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    // Nobody drives its link, so that no stream opens.
    let service = Parked::service(&exchange, 1, &["m"], &[]).await;
    let _stream = open(&edge, &call(9, 50, LEN)).await;
    assert_eq!(codes(&[edge.recv().await]), [(9, Code::Deadline)]);
    assert!(!testing::has_pending(&service.peer));
}

#[tokio::test]
async fn a_call_that_is_overdue_while_its_payload_comes_is_answered_once() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = pair(&exchange).await;
    let _stream = open(&edge, &call(9, 100, LEN)).await;
    let FirstFrame { mut stream, .. } = first(&mut service).await;
    // The copy is given up, which resets the stream; the tables are left to those who look for deadlines.
    let _ = testing::soon(stream.read(&mut [0])).await;
    exchange.expire_overdue().await;
    assert_eq!(codes(&[edge.recv().await]), [(9, Code::Deadline)]);
    assert_eq!(service.recv().await.kind, Kind::Cancel);
    assert!(edge.rest().is_empty() && !testing::has_pending(&edge.peer));
}

#[tokio::test]
async fn a_stream_that_starts_with_another_frame_ends_the_connection() {
    let exchange = testing::exchange();
    let (edge, _service) = pair(&exchange).await;
    let mut head = Vec::new();
    Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: b"" }
        .encode(1, &mut head)
        .unwrap();
    let _stream = open(&edge, &head).await;
    let reason = edge.ended().await;
    assert!(matches!(reason, CloseReason::Protocol(_)), "{reason}");
}
