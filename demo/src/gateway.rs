//! A gateway in this process, on ports that the system chooses.

use anyhow::{Context as _, Result};
use frontier::config::Listen;
use frontier::{Config, Gateway, ServeError};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A gateway that runs.
pub(crate) struct LocalGateway {
    pub(crate) edgebound: SocketAddr,
    pub(crate) servicebound: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<Result<(), ServeError>>,
}

impl LocalGateway {
    pub(crate) fn start() -> Result<Self> {
        let mut config = Config::parse("", &|_| None).context("the defaults")?;
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.edgebound.listeners = vec![Listen::tcp(anywhere)];
        config.servicebound.listeners = vec![Listen::tcp(anywhere)];
        let gateway = Gateway::bind(&config)?;
        let (edgebound, servicebound) = (gateway.edgebound(), gateway.servicebound());
        println!("gateway   edges on {edgebound}, services on {servicebound}");
        let stop = CancellationToken::new();
        let running = tokio::spawn(gateway.run(stop.clone()));
        Ok(Self { edgebound, servicebound, stop, running })
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.running.await.context("the gateway")??;
        Ok(())
    }
}
