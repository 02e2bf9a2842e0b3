//! Opening and accepting streams, and refusing them.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Frame, Kind, Open, OpenAck};
use frontier_sdk::{Code, EdgeId, Peer, ServiceId};
use frontier_transport::FirstFrame;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn open_ack(code: Code, text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    OpenAck { code, detail: 0, text }.encode(&mut frame).unwrap();
    frame
}

fn open(peer: u64, name: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    Open { peer, timeout_ms: 0, name, meta: b"m" }.encode(&mut frame).unwrap();
    frame
}

fn code(frame: &Frame) -> Code {
    OpenAck::parse(frame).unwrap().code
}

#[tokio::test]
async fn an_edge_opens_a_stream_to_a_service() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let accept = async {
        let FirstFrame { frame, mut stream } = peer.expect_stream().await;
        let open = Open::parse(&frame).unwrap();
        assert_eq!((open.peer, open.name, open.meta), (0, "files", &b"m"[..]));
        assert!((1..=5000).contains(&open.timeout_ms));
        soon(stream.write_all(&open_ack(Code::Ok, ""))).await.unwrap();
        stream
    };
    let open = edge.open_stream("files").meta("m").timeout(Duration::from_secs(5));
    let (stream, _mux) = soon(async { tokio::join!(open, accept) }).await;
    let stream = stream.unwrap();
    assert_eq!(stream.peer(), &Peer::Service { id: None, name: "files".into() });
}

#[tokio::test]
async fn a_refused_stream_is_an_error_and_a_silent_one_too() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let refuse = async {
        let FirstFrame { frame, mut stream } = peer.expect_stream().await;
        assert_eq!(Open::parse(&frame).unwrap().peer, 4);
        soon(stream.write_all(&open_ack(Code::EdgeNotOnline, "edge 4"))).await.unwrap();
        stream
    };
    let (stream, _mux) = soon(async { tokio::join!(service.open_stream(EdgeId(4)), refuse) }).await;
    let error = stream.unwrap_err();
    assert_eq!((error.code(), error.text()), (Code::EdgeNotOnline, "edge 4"));
    let silent = service.open_stream(EdgeId(4)).timeout(Duration::from_millis(20));
    assert_eq!(soon(silent).await.unwrap_err().code(), Code::Deadline);
}

#[tokio::test]
async fn a_stream_is_accepted() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    let mux = peer.stream(&open(9, "files")).await;
    let stream = soon(edge.accept_stream()).await.unwrap();
    assert_eq!(stream.peer(), &Peer::Service { id: Some(ServiceId(9)), name: "files".into() });
    assert_eq!(stream.meta(), "m");
    let FirstFrame { frame, .. } = soon(FirstFrame::read(mux, 1024)).await.unwrap();
    assert_eq!(code(&frame), Code::Ok);
    let (service, peer) = gateway.connected_service().await;
    let _mux = peer.stream(&open(5, "files")).await;
    assert_eq!(soon(service.accept_stream()).await.unwrap().peer(), &Peer::Edge(EdgeId(5)));
}

#[tokio::test]
async fn a_stream_from_the_id_that_nobody_has_is_refused() {
    let mut gateway = Gateway::bind();
    let ((_edge, edge), (_service, service)) =
        (gateway.connected_edge().await, gateway.connected_service().await);
    for peer in [edge, service] {
        let mux = peer.stream(&open(0, "files")).await;
        let FirstFrame { frame, .. } = soon(FirstFrame::read(mux, 1024)).await.unwrap();
        assert_eq!(code(&frame), Code::Protocol);
    }
}

#[tokio::test]
async fn streams_that_nobody_accepts_are_refused() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    let mut waiting = Vec::new();
    loop {
        let mux = peer.stream(&open(9, "files")).await;
        let FirstFrame { frame, stream } = soon(FirstFrame::read(mux, 1024)).await.unwrap();
        if code(&frame) != Code::Ok {
            assert_eq!(code(&frame), Code::Overloaded);
            break;
        }
        waiting.push(stream);
        assert!(waiting.len() <= 1024, "there is no limit");
    }
    soon(edge.accept_stream()).await.unwrap();
    let mux = peer.stream(&open(9, "files")).await;
    let FirstFrame { frame, .. } = soon(FirstFrame::read(mux, 1024)).await.unwrap();
    assert_eq!(code(&frame), Code::Ok);
}

#[tokio::test]
async fn a_stream_that_starts_with_nonsense_harms_nobody() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let nonsense = peer.stream(&[0xff; 64]).await;
    let misplaced = peer.stream(&open_ack(Code::Ok, "")).await;
    drop((nonsense, misplaced));
    peer.publish(1, "t", b"");
    soon(edge.recv()).await.unwrap().done();
    peer.expect(Kind::Ack).await;
}
