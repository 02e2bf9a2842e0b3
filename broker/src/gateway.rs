//! The way to hosts: a service of one gateway, or of all gateways of a cluster.

use crate::config::{GatewayConfig, TokenSource};
use frontier_sdk::host::wire;
use frontier_sdk::{
    Builder, Call, ClusterService, ConnectError, EdgeId, HandlerError, Request, Response, Serves, Service,
    Status,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What answers the announcements of hosts.
pub(crate) type Announced = Arc<dyn Fn(Request) -> Result<Response, HandlerError> + Send + Sync>;

/// How long a broker that starts before its gateway waits between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The way to hosts, before there is a connection.
pub enum Gateway {
    /// By one gateway, or one of several.
    One(Box<Builder<Service>>),
    /// By all gateways that frontlas knows.
    Cluster(Box<Builder<ClusterService>>),
}

/// The way to hosts. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Connected {
    One(Service),
    Cluster(ClusterService),
}

impl Gateway {
    /// As it is configured.
    #[must_use]
    pub fn new(config: &GatewayConfig) -> Self {
        match &config.frontlas[..] {
            [] => {
                let (first, more) =
                    config.urls.split_first().map_or(("", &[][..]), |(it, more)| (it.as_str(), more));
                let builder = more.iter().fold(Service::builder(first), |it, url| it.url(url));
                Self::One(Box::new(set_up(builder, config)))
            }
            [first, more @ ..] => {
                let builder = more.iter().fold(ClusterService::builder(first), |it, url| it.url(url));
                let builder = set_up(builder, config).frontlas_tls(config.tls.clone());
                let builder = match config.frontlas_token.clone() {
                    Some(source) => builder.frontlas_token_source(move || load(source.clone())),
                    None => builder,
                };
                Self::Cluster(Box::new(builder))
            }
        }
    }

    /// Connects, however long that takes: a gateway that is not there yet is waited for.
    ///
    /// # Errors
    /// If it never will be, as something is wrong with the configuration.
    pub(crate) async fn connect(self, announced: Announced) -> Result<Connected, ConnectError> {
        let handler = move |request: Request| {
            let answer = announced(request);
            async move { answer }
        };
        let mut was_told = false;
        loop {
            let connected = match &self {
                Self::One(builder) => {
                    let builder = builder.as_ref().clone().register(wire::ANNOUNCE, handler.clone());
                    builder.connect().await.map(Connected::One)
                }
                Self::Cluster(builder) => {
                    let builder = builder.as_ref().clone().register(wire::ANNOUNCE, handler.clone());
                    builder.connect().await.map(Connected::Cluster)
                }
            };
            match connected {
                Err(error) if error.is_retryable() => {
                    if !std::mem::replace(&mut was_told, true) {
                        tracing::warn!(%error, "no gateway can be reached; it is tried again");
                    }
                    sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }
}

fn set_up<P: Serves>(builder: Builder<P>, config: &GatewayConfig) -> Builder<P> {
    let builder = builder.name(config.name.clone()).tls(config.tls.clone());
    match config.token.clone() {
        Some(source) => builder.token_source(move || load(source.clone())),
        None => builder,
    }
}

async fn load(source: TokenSource) -> Result<String, std::io::Error> {
    source.load().await
}

impl Connected {
    /// Calls a method of a host.
    pub(crate) fn call<'a>(&'a self, edge: EdgeId, method: &'a str, payload: bytes::Bytes) -> Call<'a> {
        match self {
            Self::One(service) => service.call(edge, method, payload),
            Self::Cluster(service) => service.call(edge, method, payload),
        }
    }

    /// Whether there is a connection to any gateway.
    pub(crate) fn is_connected(&self) -> bool {
        let status = match self {
            Self::One(service) => service.status(),
            Self::Cluster(service) => service.status(),
        };
        status.get() == Status::Connected
    }

    /// Closes in good order.
    pub(crate) async fn close(&self) {
        // What goes wrong now ends with the process.
        let _ = match self {
            Self::One(service) => service.close().await,
            Self::Cluster(service) => service.close().await,
        };
    }
}
