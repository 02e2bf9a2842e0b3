//! The end that accepts streams and connects each to the target.

use super::acceptor::Acceptor;
use super::datagrams;
use super::join::join;
use super::liveness::Liveness;
use super::target::{Protocol, Target};
use crate::failure::Outcome;
use crate::identity::Identity;
use crate::output;
use crate::settings::Settings;
use crate::subscribe::Side;
use clap::Args;
use frontier_sdk::Stream;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{info, warn};

/// How long connecting to the target may take.
const DIAL: Duration = Duration::from_secs(10);

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The name by which `forward local` finds this: for an edge, a number is its EdgeID.
    #[arg(long)]
    pub(super) name: String,
    /// What to connect to: HOST:PORT, or udp://HOST:PORT for datagrams.
    #[arg(long, value_name = "ADDR")]
    target: Target,
    /// Which side of the gateway this is on.
    #[arg(long = "as", value_name = "SIDE", default_value = "edge")]
    pub(super) side: Side,
    #[command(flatten)]
    liveness: Liveness,
}

impl Options {
    /// Who this is at the gateway.
    pub(super) fn identity(&self) -> Identity {
        Identity { id: None, meta: self.name.clone(), name: self.name.clone() }
    }
}

pub(super) async fn run(options: Options, settings: &Settings) -> Outcome {
    let acceptor = Acceptor::connect(&options, settings).await?;
    let Options { name, target, liveness, .. } = options;
    output::write(&format!("{name} leads to {target}\n"))?;
    while let Some(stream) = acceptor.accept().await {
        tokio::spawn(serve(stream, target.clone(), liveness));
    }
    Err(acceptor.closed().await.into())
}

async fn serve(stream: Stream, target: Target, liveness: Liveness) {
    let peer = stream.peer().clone();
    let asked = Protocol::of(stream.meta());
    if asked != target.protocol {
        warn!(%peer, %target, "it wants {asked}: --listen of `forward local` and --target of this must be of one kind");
        return stream.reset();
    }
    let served = match target.protocol {
        Protocol::Udp => datagrams::serve(stream, &target.addr, liveness.flow_timeout()).await,
        Protocol::Tcp => {
            let dialled = timeout(DIAL, TcpStream::connect(&target.addr)).await;
            match dialled
                .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")))
            {
                Ok(tcp) => join(tcp, stream, liveness).await,
                Err(error) => {
                    warn!(%target, %error, "can't connect");
                    return stream.reset();
                }
            }
        }
    };
    match served {
        Ok((sent, received)) => info!(%peer, sent, received, "done"),
        Err(error) => warn!(%peer, %error, "broken off"),
    }
}
