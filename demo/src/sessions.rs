//! `--sessions`: work sessions. A gateway, a broker, hosts that come and go, and a client that has π estimated by them.

mod client;
mod fleet;
mod tally;

use crate::Options;
use crate::gateway::LocalGateway;
use anyhow::{Context as _, Result};
use client::Client;
use fleet::Fleet;
use frontier_broker::{Broker, Config};
use std::net::SocketAddr;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many requests a round has.
const ROUND: u32 = 20_000;
const ROUND_ONCE: u32 = 1_000;

/// How many hosts there are at first.
const HOSTS: usize = 3;

/// A broker that runs.
struct LocalBroker {
    addr: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl LocalBroker {
    fn start(servicebound: SocketAddr) -> Result<Self> {
        let yaml = format!(
            "
sessions: {{listen: {{addr: 127.0.0.1:0}}}}
gateway: {{urls: ['tcp://{servicebound}']}}
daemon: {{grace: 2s}}
"
        );
        let config = Config::parse(&yaml, &|_| None).context("the configuration of the broker")?;
        let broker = Broker::bind(&config)?;
        let addr = broker.addr();
        println!("broker    clients on {addr}");
        let stop = CancellationToken::new();
        let running = tokio::spawn(broker.run(stop.clone()));
        Ok(Self { addr, stop, running })
    }

    async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.running.await.context("the broker")
    }
}

/// Runs rounds until `stop`, or one of them. Whether everything went well.
pub(crate) async fn run(options: Options, stop: CancellationToken) -> Result<bool> {
    let gateway = LocalGateway::start()?;
    let broker = LocalBroker::start(gateway.servicebound)?;
    let mut fleet = Fleet::start(gateway.edgebound, HOSTS).await?;
    println!("hosts     {}, which throw darts at a circle", fleet.count());
    let client = Client::start(broker.addr).await?;
    if !options.once {
        println!("Ctrl-C ends it.");
    }
    let well = loop {
        let count = if options.once { ROUND_ONCE } else { ROUND };
        println!();
        let well = tokio::select! {
            well = client.round(count, &mut fleet) => well?,
            () = stop.cancelled() => break true,
        };
        if options.once || !well {
            break well;
        }
    };
    client.close().await?;
    fleet.close().await;
    broker.close().await?;
    gateway.close().await?;
    Ok(well)
}
