use super::backend::Backend;
use anyhow::{Context as _, Result};
use frontier_sdk::{Edge, Request, Response};

/// The service and the edges of the demo.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) service: Backend,
    pub(super) edges: Vec<Edge>,
}

impl Parts {
    /// Connects edges to `url`, beside a service that is.
    pub(super) async fn start(service: Backend, url: &str, edges: u16) -> Result<Self> {
        let mut connected = Vec::new();
        for number in 1..=edges {
            let edge = Edge::builder(url)
                .meta(format!("demo-{number}").into_bytes())
                .register("status", |_: Request| async { Ok(Response::new("fine")) })
                .connect()
                .await
                .context("an edge")?;
            connected.push(edge);
        }
        Ok(Self { service, edges: connected })
    }

    pub(super) async fn close(self) {
        for edge in self.edges {
            // The demo is over either way.
            let _ = edge.close().await;
        }
        self.service.close().await;
    }
}
