//! User streams that name somebody who can't be.

use super::*;
use frontier_protocol::{Open, OpenAck};
use frontier_transport::FirstFrame;
use tokio::io::AsyncWriteExt;

/// What is said to whoever opens a stream for the EdgeID 0.
async fn told(remote: &Remote) -> Code {
    let mut head = Vec::new();
    Open { peer: 0, timeout_ms: 500, name: "", meta: b"" }.encode(&mut head).unwrap();
    let mut stream = remote.handle.open_stream().await.unwrap();
    stream.write_all(&head).await.unwrap();
    let FirstFrame { frame, .. } = testing::soon(FirstFrame::read(stream, 1 << 20)).await.unwrap();
    OpenAck::parse(&frame).unwrap().code
}

#[tokio::test]
async fn a_stream_for_the_id_that_no_edge_has_is_refused_at_once() {
    let exchange = testing::exchange();
    let service = Remote::service(&exchange, 1, &[], &[]).await;
    assert_eq!(told(&service).await, Code::EdgeNotOnline);
    let origin = Remote::origin_gateway(&exchange, testing::policies(""), true).await;
    assert_eq!(told(&origin).await, Code::Protocol, "a gateway should know better");
    let edge = Remote::edge(&exchange, EDGE).await;
    assert_eq!(told(&edge).await, Code::ServiceNotOnline, "an edge names a service");
}
