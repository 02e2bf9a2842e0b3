//! The service of the demo, and what it answers.

use anyhow::{Context as _, Result};
use frontier_sdk::{
    Builder, ClusterService, EdgeId, Error, Message, Request, Response, Serves, Service, Stream,
};
use std::net::SocketAddr;
use std::time::Duration;

/// The service of the demo: at one gateway, or at all that a frontlas knows.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Service(Service),
    Cluster(ClusterService),
}

impl Backend {
    /// At the gateway that listens for services there.
    pub(crate) async fn service(servicebound: SocketAddr) -> Result<Self> {
        let builder = options(Service::builder(format!("tcp://{servicebound}")));
        let service = Self::Service(builder.connect().await.context("the service can't connect")?);
        service.serve();
        Ok(service)
    }

    /// At every gateway of the frontlas whose control plane is there.
    pub(crate) async fn cluster(control_plane: SocketAddr) -> Result<Self> {
        let builder = options(ClusterService::builder(format!("http://{control_plane}")));
        let service = Self::Cluster(builder.connect().await.context("the service can't connect")?);
        service.serve();
        Ok(service)
    }

    pub(crate) async fn call(&self, edge: EdgeId, method: &str, within: Duration) -> Result<Response, Error> {
        match self {
            Self::Service(service) => service.call(edge, method, "").timeout(within).await,
            Self::Cluster(service) => service.call(edge, method, "").timeout(within).await,
        }
    }

    pub(crate) async fn close(&self) {
        // The demo is over either way.
        let _ = match self {
            Self::Service(service) => service.close().await,
            Self::Cluster(service) => service.close().await,
        };
    }

    /// Takes messages and streams, until it is closed.
    fn serve(&self) {
        tokio::spawn(take_messages(self.clone()));
        tokio::spawn(take_streams(self.clone()));
    }

    async fn recv(&self) -> Option<Message> {
        match self {
            Self::Service(service) => service.recv().await,
            Self::Cluster(service) => service.recv().await,
        }
    }

    async fn accept_stream(&self) -> Option<Stream> {
        match self {
            Self::Service(service) => service.accept_stream().await,
            Self::Cluster(service) => service.accept_stream().await,
        }
    }
}

fn options<P: Serves>(builder: Builder<P>) -> Builder<P> {
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    builder.name("demo").topics(["telemetry"]).register("echo", echo)
}

async fn take_messages(service: Backend) {
    while let Some(message) = service.recv().await {
        Message::done(message);
    }
}

async fn take_streams(service: Backend) {
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
