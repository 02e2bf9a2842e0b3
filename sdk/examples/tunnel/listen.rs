//! The end that accepts TCP connections and opens a stream for each.

use crate::access::Access;
use crate::join::{join, reset};
use crate::liveness::Liveness;
use crate::name::edge_id;
use crate::{EDGES, SERVICES};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use frontier_sdk::{Closed, Edge, EdgeId, Error, Service, Stream};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    to: To,
    /// Where to listen; port 0 for a free one. What it is stands in the first line of output.
    #[arg(long, value_name = "ADDR:PORT")]
    addr: SocketAddr,
    /// Where to connect to; port 30011 of 127.0.0.1 as a service, 30012 as an edge unless set.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    #[command(flatten)]
    liveness: Liveness,
    #[command(flatten)]
    access: Access,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct To {
    /// The name or the id of an edge that exposes something. This is a service then.
    #[arg(long, value_name = "NAME|ID")]
    edge: Option<String>,
    /// The name of a service that exposes something. This is an edge then.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let opener = Arc::new(Opener::connect(&options).await?);
    let listener = TcpListener::bind(options.addr).await;
    let listener = listener.with_context(|| format!("can't listen on {}", options.addr))?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        () = accept(listener, &opener, options.liveness) => Ok(()),
        closed = opener.closed() => Err(anyhow!("{closed}")),
        _ = tokio::signal::ctrl_c() => Ok(opener.close().await?),
    }
}

async fn accept(listener: TcpListener, opener: &Arc<Opener>, liveness: Liveness) {
    loop {
        match listener.accept().await {
            Ok((tcp, addr)) => drop(tokio::spawn(pass_on(tcp, addr, opener.clone(), liveness))),
            Err(error) => {
                // Such as too many open files, which passes when connections end.
                warn!(%error, "can't accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn pass_on(tcp: TcpStream, addr: SocketAddr, opener: Arc<Opener>, liveness: Liveness) {
    let stream = match opener.open(addr).await {
        Ok(stream) => stream,
        Err(error) => {
            warn!(%addr, %error, "no stream");
            return reset(tcp);
        }
    };
    match join(tcp, stream, liveness).await {
        Ok((sent, received)) => info!(%addr, sent, received, "done"),
        Err(error) => warn!(%addr, %error, "broken off"),
    }
}

/// Who opens streams, and to whom.
enum Opener {
    ToEdge(Service, EdgeId),
    ToService(Edge, String),
}

impl Opener {
    async fn connect(options: &Options) -> Result<Self> {
        let gateway = |default: &str| options.gateway.clone().unwrap_or_else(|| default.into());
        match (&options.to.edge, &options.to.service) {
            (Some(edge), _) => {
                let service = options.access.apply(Service::builder(gateway(SERVICES))).connect().await?;
                Ok(Self::ToEdge(service, edge_id(edge)))
            }
            (None, service) => {
                let edge = options.access.apply(Edge::builder(gateway(EDGES))).connect().await?;
                Ok(Self::ToService(edge, service.clone().unwrap_or_default()))
            }
        }
    }

    /// Opens a stream. Its meta says for whom, should the other end want to know.
    async fn open(&self, addr: SocketAddr) -> Result<Stream, Error> {
        let meta = addr.to_string();
        match self {
            Self::ToEdge(service, edge) => service.open_stream(*edge).meta(meta).await,
            Self::ToService(edge, service) => edge.open_stream(service).meta(meta).await,
        }
    }

    async fn closed(&self) -> Closed {
        match self {
            Self::ToEdge(service, _) => service.closed().await,
            Self::ToService(edge, _) => edge.closed().await,
        }
    }

    async fn close(&self) -> Result<(), Error> {
        match self {
            Self::ToEdge(service, _) => service.close().await,
            Self::ToService(edge, _) => edge.close().await,
        }
    }
}
