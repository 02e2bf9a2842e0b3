//! The end that listens, and opens a stream for each connection, or for each address that datagrams come from.

use super::datagrams;
use super::join::{join, reset};
use super::liveness::Liveness;
use super::opener::Opener;
use super::target::{Protocol, Target};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::output;
use crate::settings::Settings;
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tracing::{info, warn};

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    to: To,
    /// Where to listen: HOST:PORT, or udp://HOST:PORT for datagrams; port 0 for a free one. What it is stands in the
    /// first line of output.
    #[arg(long, value_name = "ADDR")]
    listen: Target,
    #[command(flatten)]
    liveness: Liveness,
    #[command(flatten)]
    identity: Identity,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct To {
    /// The name or the id of an edge that runs `forward remote`. This is a service then.
    #[arg(long, value_name = "NAME|ID")]
    pub(super) edge: Option<String>,
    /// The name of a service that runs `forward remote --as service`. This is an edge then.
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,
}

pub(super) async fn run(options: Options, settings: &Settings) -> Outcome {
    let opener = Arc::new(Opener::connect(&options.to, &options.identity, settings).await?);
    let Options { listen, liveness, .. } = options;
    let bound = |error| {
        Failure::usage(format!("can't listen on {listen}: {error}"))
            .advise("--listen names the address; port 0 is a free one")
    };
    match listen.protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind(&listen.addr).await.map_err(bound)?;
            say(&listen, listener.local_addr())?;
            tokio::select! {
                never = accept(listener, &opener, liveness) => never,
                closed = opener.closed() => Err(closed.into()),
            }
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(&listen.addr).await.map_err(bound)?;
            say(&listen, socket.local_addr())?;
            tokio::select! {
                never = datagrams::pass_on(Arc::new(socket), &opener, liveness.flow_timeout()) => never,
                closed = opener.closed() => Err(closed.into()),
            }
        }
    }
}

fn say(listen: &Target, addr: std::io::Result<SocketAddr>) -> Outcome {
    let addr = addr.map_err(|error| Failure::new(Exit::Failure, format!("{listen}: {error}")))?;
    let scheme = if listen.protocol == Protocol::Udp { "udp://" } else { "" };
    output::write(&format!("listening on {scheme}{addr}\n"))
}

async fn accept(listener: TcpListener, opener: &Arc<Opener>, liveness: Liveness) -> Outcome {
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
    let stream = match opener.open(Protocol::Tcp.meta(addr)).await {
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
