use anyhow::{Context as _, Result};
use frontier_sdk::{Edge, Message, Request, Response, Service, Stream};
use std::net::SocketAddr;

/// The service and the edges of the demo.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) service: Service,
    pub(super) edges: Vec<Edge>,
}

impl Parts {
    pub(super) async fn start(edgebound: SocketAddr, servicebound: SocketAddr, edges: u16) -> Result<Self> {
        let service = Service::builder(format!("tcp://{servicebound}"))
            .name("demo")
            .topics(["telemetry"])
            .connect()
            .await
            .context("the service")?;
        service.register("echo", |request: Request| async move { Ok(Response::new(request.data)) }).await?;
        tokio::spawn(take_messages(service.clone()));
        tokio::spawn(take_streams(service.clone()));
        let mut connected = Vec::new();
        for number in 1..=edges {
            let edge = Edge::builder(format!("tcp://{edgebound}"))
                .meta(format!("demo-{number}").into_bytes())
                .connect()
                .await
                .context("an edge")?;
            edge.register("status", |_: Request| async { Ok(Response::new("fine")) }).await?;
            connected.push(edge);
        }
        Ok(Self { service, edges: connected })
    }

    pub(super) async fn close(self) {
        for edge in self.edges {
            // The demo is over either way.
            let _ = edge.close().await;
        }
        let _ = self.service.close().await;
    }
}

async fn take_messages(service: Service) {
    while let Some(message) = service.recv().await {
        Message::done(message);
    }
}

async fn take_streams(service: Service) {
    while let Some(stream) = service.accept_stream().await {
        tokio::spawn(echo(stream));
    }
}

async fn echo(stream: Stream) {
    let (mut from, mut to) = tokio::io::split(stream);
    // A stream that breaks is seen by the edge that opened it.
    if tokio::io::copy(&mut from, &mut to).await.is_ok() {
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut to).await;
    }
}
