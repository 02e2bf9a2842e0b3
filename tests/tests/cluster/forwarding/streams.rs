//! Streams.

use super::Pair;
use frontier_sdk::{Edge, Peer, Service, Stream, StreamResponse};
use frontier_tests::within;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn open(service: &Service, edge: &Edge) -> (Stream, Stream) {
    let (opened, accepted) = tokio::join!(
        async { service.open_stream(edge.id()).meta("meta").await },
        within("a stream", edge.accept_stream())
    );
    (opened.expect("an open stream"), accepted.expect("an accepted stream"))
}

async fn rest(stream: &mut Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    within("the end", stream.read_to_end(&mut bytes)).await.expect("bytes");
    bytes
}

#[tokio::test]
async fn a_stream_has_both_ends_and_half_closes() {
    let pair = Pair::start().await;
    let (edge, service) = (pair.edge(7).await, pair.service().await);
    let (mut client, mut server) = open(&service, &edge).await;
    let name = "files".to_owned();
    assert_eq!(server.peer(), &Peer::Service { id: Some(service.id()), name });
    assert_eq!(&server.meta()[..], b"meta");
    let large = vec![42; 1024 * 1024];
    let writing = tokio::spawn(async move {
        client.write_all(&large).await.unwrap();
        client.shutdown().await.unwrap();
        client
    });
    assert_eq!(rest(&mut server).await.len(), 1024 * 1024);
    server.write_all(b"after the other half is closed").await.unwrap();
    server.shutdown().await.unwrap();
    let mut client = writing.await.unwrap();
    assert_eq!(rest(&mut client).await, b"after the other half is closed");
}

#[tokio::test]
async fn calls_go_both_ways_inside_a_stream_and_a_reset_passes_through() {
    let pair = Pair::start().await;
    let (edge, service) = (pair.edge(7).await, pair.service().await);
    let (client, mut server) = open(&service, &edge).await;
    for (from, to) in [(&client, &server), (&server, &client)] {
        to.register("echo", |request| async move { Ok(StreamResponse::new(request.data)) });
        let answer = within("an answer", async { from.call("echo", "hello").await }).await.unwrap();
        assert_eq!(answer.data, "hello");
    }
    client.reset();
    let error = within("the reset", server.read(&mut [0; 8])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
