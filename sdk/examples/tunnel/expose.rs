//! The end that accepts streams and connects each to the target over TCP.

use crate::access::Access;
use crate::join::join;
use crate::liveness::Liveness;
use crate::name::edge_id;
use crate::{EDGES, SERVICES};
use anyhow::{Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use frontier_sdk::{Closed, Edge, Error, Service, Stream};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{info, warn};

/// How long connecting to the target may take.
const DIAL: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct Options {
    /// The name by which listeners find this: for an edge, a number is its EdgeID.
    #[arg(long)]
    name: String,
    /// What to connect to, such as 127.0.0.1:22.
    #[arg(long, value_name = "HOST:PORT")]
    target: String,
    /// Which side of the gateway this is on.
    #[arg(long = "as", value_name = "SIDE", default_value = "edge")]
    side: Side,
    /// Where to connect to; tcp://127.0.0.1:30012 for an edge, port 30011 for a service unless set.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    #[command(flatten)]
    liveness: Liveness,
    #[command(flatten)]
    access: Access,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Edge,
    Service,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let acceptor = Acceptor::connect(&options).await?;
    info!(name = options.name, target = options.target, "exposed");
    let serving = async {
        while let Some(stream) = acceptor.accept().await {
            tokio::spawn(serve(stream, options.target.clone(), options.liveness));
        }
    };
    tokio::select! {
        () = serving => Err(anyhow!("{}", acceptor.closed().await)),
        _ = tokio::signal::ctrl_c() => Ok(acceptor.close().await?),
    }
}

async fn serve(stream: Stream, target: String, liveness: Liveness) {
    let peer = stream.peer().clone();
    let tcp = match timeout(DIAL, TcpStream::connect(&target)).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => {
            warn!(target, %error, "can't connect");
            return stream.reset();
        }
        Err(_) => {
            warn!(target, "can't connect in time");
            return stream.reset();
        }
    };
    match join(tcp, stream, liveness).await {
        Ok((sent, received)) => info!(%peer, sent, received, "done"),
        Err(error) => warn!(%peer, %error, "broken off"),
    }
}

/// Who takes streams: an edge or a service. From here on they are the same.
enum Acceptor {
    Edge(Edge),
    Service(Service),
}

impl Acceptor {
    async fn connect(options: &Options) -> Result<Self> {
        let gateway = |default: &str| options.gateway.clone().unwrap_or_else(|| default.into());
        match options.side {
            Side::Service => {
                let service = Service::builder(gateway(SERVICES)).name(&options.name);
                Ok(Self::Service(options.access.apply(service).connect().await?))
            }
            Side::Edge => {
                let id = edge_id(&options.name);
                let edge = Edge::builder(gateway(EDGES)).id(id).meta(options.name.clone());
                let edge = options.access.apply(edge).connect().await?;
                let given = edge.id();
                ensure!(given == id, "asked for the id {id} and got {given}: listeners would not find it");
                Ok(Self::Edge(edge))
            }
        }
    }

    async fn accept(&self) -> Option<Stream> {
        match self {
            Self::Edge(edge) => edge.accept_stream().await,
            Self::Service(service) => service.accept_stream().await,
        }
    }

    async fn closed(&self) -> Closed {
        match self {
            Self::Edge(edge) => edge.closed().await,
            Self::Service(service) => service.closed().await,
        }
    }

    async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Edge(edge) => edge.close().await,
            Self::Service(service) => service.close().await,
        }
    }
}
