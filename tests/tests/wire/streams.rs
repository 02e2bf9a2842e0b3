//! User streams, frame by frame.

use frontier_protocol::{Code, Flags, Open, OpenAck, data_end, data_header, ping};
use frontier_tests::{DEADLINE, Gateway, RawPeer, Witness, accept, eventually, first_frame, none, within};
use frontier_transport::{FirstFrame, MuxStream};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A stream from an edge to a service: the edge's end and the service's.
async fn joined(edge: &RawPeer, service: &mut RawPeer) -> (MuxStream, MuxStream) {
    let (opened, (frame, accepted)) =
        tokio::join!(edge.open_to(0, "s", b"meta"), async { accept(service.stream().await).await });
    let open = Open::parse(&frame).expect("a good open");
    assert_eq!((open.peer, open.name, open.meta), (edge.id(), "s", &b"meta"[..]));
    (opened.expect("an accepted stream"), accepted)
}

async fn pair(gateway: &Gateway) -> (RawPeer, RawPeer) {
    let service = RawPeer::service(gateway.services(), "s", &[]).await;
    (service, RawPeer::edge(gateway.edges()).await)
}

#[tokio::test]
async fn a_service_opens_to_an_edge_under_its_name_and_id() {
    let gateway = Gateway::start().await;
    let (service, mut edge) = pair(&gateway).await;
    let (opened, (frame, _)) =
        tokio::join!(service.open_to(edge.id(), "", b"m"), async { accept(edge.stream().await).await });
    opened.unwrap();
    let open = Open::parse(&frame).unwrap();
    assert_eq!((open.peer, open.name, open.meta), (service.id(), "s", &b"m"[..]));
    assert!((1..=30_000).contains(&open.timeout_ms));
}

#[tokio::test]
async fn bytes_and_ends_pass_in_both_directions() {
    let gateway = Gateway::start().await;
    let (mut service, edge) = pair(&gateway).await;
    let (mut up, mut down) = joined(&edge, &mut service).await;
    let message = [&data_header(5).unwrap()[..], b"hello"].concat();
    up.write_all(&message).await.unwrap();
    let mut read = vec![0; message.len()];
    within("bytes", down.read_exact(&mut read)).await.unwrap();
    assert_eq!(read, message);
    // The edge's half ends; the service's goes on.
    up.write_all(&data_end()).await.unwrap();
    up.shutdown().await.unwrap();
    let mut read = Vec::new();
    within("an end", down.read_to_end(&mut read)).await.unwrap();
    assert_eq!(read, data_end());
    assert!(!down.is_reset());
    for _ in 0..3 {
        down.write_all(&message).await.unwrap();
        let mut read = vec![0; message.len()];
        within("bytes", up.read_exact(&mut read)).await.unwrap();
        assert_eq!(read, message);
    }
    down.write_all(&data_end()).await.unwrap();
    down.shutdown().await.unwrap();
    let mut read = Vec::new();
    within("an end", up.read_to_end(&mut read)).await.unwrap();
    assert_eq!(read, data_end());
}

#[tokio::test]
async fn a_reset_passes_through_from_either_side() {
    let gateway = Gateway::start().await;
    let (mut service, edge) = pair(&gateway).await;
    for is_up in [true, false] {
        let (up, down) = joined(&edge, &mut service).await;
        let (reset, mut other) = if is_up { (up, down) } else { (down, up) };
        drop(reset);
        let mut read = Vec::new();
        let _ = within("an end", other.read_to_end(&mut read)).await;
        assert!(read.is_empty() && other.is_reset());
    }
}

/// CONF-012
#[tokio::test]
async fn streams_to_nobody_get_their_error_at_once() {
    let gateway = Gateway::start().await;
    let (service, edge) = pair(&gateway).await;
    let start = Instant::now();
    assert_eq!(edge.open_to(0, "nobody", b"").await.unwrap_err().0, Code::ServiceNotOnline);
    assert_eq!(edge.open_to(0, "", b"").await.unwrap_err().0, Code::ServiceNotOnline);
    assert_eq!(service.open_to(4711, "", b"").await.unwrap_err().0, Code::EdgeNotOnline);
    assert!(start.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_refusal_comes_through_with_its_code_and_text() {
    let gateway = Gateway::start().await;
    let (mut service, edge) = pair(&gateway).await;
    let (refused, ()) = tokio::join!(edge.open_to(0, "s", b""), async {
        let FirstFrame { mut stream, .. } = first_frame(service.stream().await).await;
        let mut ack = Vec::new();
        OpenAck { code: Code::Application, detail: 7, text: "not today" }.encode(&mut ack).unwrap();
        stream.write_all(&ack).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    assert_eq!(refused.unwrap_err(), (Code::Application, "not today".to_owned()));
    // The detail as well, whatever the code.
    let mut open = Vec::new();
    Open { peer: 0, timeout_ms: 0, name: "s", meta: b"" }.encode(&mut open).unwrap();
    let opened = edge.open_with(&open).await;
    let FirstFrame { mut stream, .. } = first_frame(service.stream().await).await;
    let refusal = OpenAck { code: Code::Overloaded, detail: 1500, text: "later" };
    let mut ack = Vec::new();
    refusal.encode(&mut ack).unwrap();
    stream.write_all(&ack).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(OpenAck::parse(&first_frame(opened).await.frame), Ok(refusal));
    // One that resets it without a word.
    let (refused, ()) = tokio::join!(edge.open_to(0, "s", b""), async {
        drop(first_frame(service.stream().await).await);
    });
    assert_eq!(refused.unwrap_err().0, Code::StreamRefused);
}

#[tokio::test]
async fn a_stream_that_nobody_accepts_ends_with_its_deadline() {
    let gateway = Gateway::builder().set("exchange.call_timeout", "300ms").start().await;
    let (mut service, edge) = pair(&gateway).await;
    let (opened, _ignored) = tokio::join!(edge.open_to(0, "s", b""), service.stream());
    assert_eq!(opened.unwrap_err().0, Code::Deadline);
}

#[tokio::test]
async fn a_bad_first_frame_ends_the_connection_and_no_other() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut pong = Vec::new();
    ping(1, &mut pong);
    let mut cut = Vec::new();
    Open { peer: 0, timeout_ms: 0, name: "s", meta: b"meta" }.encode(&mut cut).unwrap();
    cut.pop();
    let len = u32::try_from(cut.len() - 4).unwrap();
    cut[..4].copy_from_slice(&len.to_be_bytes());
    for first in [&pong[..], &cut, &data_end(), b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &[0xff; 64]] {
        let mut edge = RawPeer::edge(gateway.edges()).await;
        let _stream = edge.open_with(first).await;
        assert_eq!(edge.ended().await, Some(Code::Protocol), "{first:?}");
    }
    // A request on a stream of its own that is not marked as detached.
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let mut request = Vec::new();
    frontier_protocol::Request { timeout_ms: 0, method: "m", custom: none(), payload: b"" }
        .encode_with(1, Flags::default(), &mut request)
        .unwrap();
    let _stream = edge.open_with(&request).await;
    assert_eq!(edge.ended().await, Some(Code::Protocol));
    witness.check().await;
}

/// An acceptor that breaks the protocol is at fault, not the opener.
#[tokio::test]
async fn a_bad_answer_to_an_open_ends_the_acceptors_connection() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let (refused, ()) = tokio::join!(edge.open_to(0, "s", b""), async {
        let FirstFrame { mut stream, .. } = first_frame(service.stream().await).await;
        stream.write_all(&data_end()).await.unwrap();
    });
    assert_eq!(refused.unwrap_err().0, Code::Protocol);
    assert_eq!(service.ended().await, Some(Code::Protocol));
    edge.is_alive().await;
}

#[tokio::test]
async fn a_stream_that_begins_with_nothing_is_reset_in_the_end() {
    let gateway = Gateway::builder().set("limits.handshake_timeout", "300ms").start().await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let mut empty = edge.open_with(b"").await;
    let mut part = edge.open_with(&[0, 0]).await;
    for stream in [&mut empty, &mut part] {
        stream.flush().await.unwrap();
    }
    // Only what was sent is known to the gateway at all.
    let mut read = Vec::new();
    let _ = within("an end", part.read_to_end(&mut read)).await;
    assert!(part.is_reset());
    edge.is_alive().await;
}

#[tokio::test]
async fn the_loss_of_either_side_resets_its_streams() {
    let gateway = Gateway::start().await;
    let (mut service, edge) = pair(&gateway).await;
    let (up, mut down) = joined(&edge, &mut service).await;
    drop(edge);
    drop(up);
    let mut read = Vec::new();
    let _ = within("an end", down.read_to_end(&mut read)).await;
    assert!(down.is_reset());
    let edge = RawPeer::edge(gateway.edges()).await;
    let (mut up, down) = joined(&edge, &mut service).await;
    drop((service, down));
    let _ = within("an end", up.read_to_end(&mut read)).await;
    assert!(up.is_reset());
    eventually(DEADLINE, "the service is gone", async || {
        let (code, _) = edge.open_to(0, "s", b"").await.unwrap_err();
        (code == Code::ServiceNotOnline).then_some(())
    })
    .await;
}
