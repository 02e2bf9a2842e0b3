//! What an edge does all day, through whatever carries it to its gateway.

use bytes::Bytes;
use frontier_sdk::{Builder, Edge, Request, Response, Service};
use frontier_tests::{Change, Gateway, Presence, echo, within};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// For whatever another program has a part in.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that go through a stream, each way.
const STREAM_SIZE: usize = 1024 * 1024;

/// A service that answers edges and knows who has come.
pub(crate) struct Post {
    pub(crate) service: Service,
    presence: Presence,
}

impl Post {
    pub(crate) async fn at(gateway: &Gateway) -> Self {
        let service = gateway.service("post").topics(["news"]).call_timeout(TIMEOUT);
        let service = within("a service", service.connect()).await.unwrap();
        echo(&service, "echo").await.unwrap();
        let presence = Presence::of(&service).await.unwrap();
        Self { service, presence }
    }

    /// Has an edge come through `url`, and calls with payloads of these sizes, a message and a stream go
    /// both ways.
    pub(crate) async fn works_with(&self, url: &str, sizes: &[usize]) -> Edge {
        let edge = self.edge(url).connect().await.expect("an edge comes in");
        edge.register("echo", |request: Request| async move { Ok(Response::new(request.data)) })
            .await
            .unwrap();
        for &size in sizes {
            let data = bytes(size);
            let up = edge.call("echo", data.clone()).await.expect("an answer to the edge");
            assert!(up.data == data, "{size} bytes up and back");
            let down = self.service.call(edge.id(), "echo", data.clone()).await;
            assert!(down.expect("an answer to the service").data == data, "{size} bytes down and back");
        }
        let taken = async { within("a message", self.service.recv()).await.unwrap().done() };
        let (acked, ()) = tokio::join!(edge.publish("news", "hello").into_future(), taken);
        acked.expect("an ack");
        self.streams(&edge).await;
        edge
    }

    pub(crate) fn edge(&self, url: &str) -> Builder<Edge> {
        Edge::builder(url).connect_timeout(TIMEOUT).call_timeout(TIMEOUT).reconnect(false)
    }

    async fn streams(&self, edge: &Edge) {
        let (opened, accepted) =
            tokio::join!(edge.open_stream("post").into_future(), self.service.accept_stream());
        let (mut near, mut far) = (opened.expect("an open stream"), accepted.unwrap());
        let answers = tokio::spawn(async move {
            let mut request = Vec::new();
            far.read_to_end(&mut request).await.expect("the whole stream");
            far.write_all(&request).await.expect("the other end reads");
            far.shutdown().await.expect("the other end reads");
        });
        let (request, mut answer) = (bytes(STREAM_SIZE), Vec::new());
        near.write_all(&request).await.expect("the other end reads");
        near.shutdown().await.expect("the other end reads");
        let reading = tokio::time::timeout(TIMEOUT, near.read_to_end(&mut answer)).await;
        reading.expect("in time").expect("the whole stream");
        assert!(answer == request, "a stream there and back");
        answers.await.unwrap();
    }

    /// Whoever came, it was only these.
    pub(crate) async fn has_seen_only(&self, edges: &[&Edge]) {
        for edge in edges {
            self.presence.wait(edge.id(), 1).await;
        }
        let online = self.presence.all().into_iter().filter(|(change, _)| *change == Change::Online);
        assert_eq!(online.count(), edges.len(), "edges that came in");
    }
}

fn bytes(len: usize) -> Bytes {
    (0..=250).cycle().take(len).collect()
}
