//! The connections of a load: edges, and the service that answers them unless there is another one.

use super::{Options, Work};
use crate::failure::Outcome;
use crate::identity::Identity;
use crate::settings::Settings;
use frontier_sdk::{Edge, Request, Response, Service};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;

/// Edges and perhaps a service, all connected.
pub(super) struct Rig {
    pub(super) edges: Vec<Edge>,
    service: Option<Service>,
    /// The method, the topic, or the name of the service.
    pub(super) to: String,
    _serving: JoinSet<()>,
}

impl Rig {
    pub(super) async fn connect(work: Work, options: &Options, settings: &Settings) -> Outcome<Self> {
        let mut serving = JoinSet::new();
        let (to, service) = match &options.to {
            Some(to) => (to.clone(), None),
            None => {
                // Nobody else takes it, so that nobody else gets any of it.
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let to = format!("frontctl.bench.{}.{}", std::process::id(), now.as_nanos());
                let identity = Identity { id: None, meta: String::new(), name: to.clone() };
                let builder = settings.service(&identity);
                let builder = match work {
                    Work::Calls => builder
                        .register(&to, |request: Request| async move { Ok(Response::new(request.data)) }),
                    Work::Messages => {
                        builder.topics([to.clone()]).receive_queue(usize::from(options.callers))
                    }
                    Work::Stream => builder,
                };
                let service = settings.connect_service(builder).await?;
                serving.spawn(receive(service.clone()));
                serving.spawn(swallow(service.clone()));
                (to, Some(service))
            }
        };
        let identity = Identity { id: None, meta: "frontctl bench".into(), name: String::new() };
        let mut edges = Vec::new();
        for _ in 0..options.edges {
            edges.push(settings.connect_edge(settings.edge(&identity)).await?);
        }
        Ok(Self { edges, service, to, _serving: serving })
    }

    pub(super) async fn close(self) {
        for edge in self.edges {
            // What was asked for is done.
            let _ = edge.close().await;
        }
        if let Some(service) = self.service {
            let _ = service.close().await;
        }
    }
}

async fn receive(service: Service) {
    while let Some(message) = service.recv().await {
        message.done();
    }
}

/// Reads streams to their ends.
async fn swallow(service: Service) {
    let mut readers = JoinSet::new();
    while let Some(mut stream) = service.accept_stream().await {
        readers.spawn(async move {
            let mut buffer = vec![0; 256 * 1024];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        });
    }
}
