//! What is done, how much of it, and beside what.

use anyhow::{Result, ensure};
use clap::Args;

use crate::work::{Calls, Scene, Work};
use frontier_config::ByteSize;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ShareArgs {
    /// Operations that are in flight at any time
    #[arg(long, default_value_t = 1, value_name = "N")]
    callers: usize,
    /// Connections that the callers share
    #[arg(long, default_value_t = 1, value_name = "N")]
    edges: usize,
    /// Operations a second of all callers together; unless set, each begins the next one when one has ended
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    share: ShareArgs,
    /// Bytes of one payload
    #[arg(long, default_value = "64", value_name = "BYTES")]
    size: ByteSize,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Direction {
    /// From the service to the edges instead
    #[arg(long)]
    reverse: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SceneArgs {
    /// Further edges that are connected and do nothing
    #[arg(long, default_value_t = 0, value_name = "N")]
    idle_edges: usize,
    /// Services that register the same method; all are connections of one process
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "reverse")]
    services: usize,
    /// Further services that are connected, each with a method that nobody calls
    #[arg(long, default_value_t = 0, value_name = "N", conflicts_with = "reverse")]
    idle_services: usize,
    /// The edges are at another gateway of a cluster than the service, and the calls are forwarded from one to the other
    #[arg(long)]
    across: bool,
    /// Gateways of a cluster over which the edges are spread; the services are at the first of them, which is measured
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "across")]
    gateways: usize,
}

impl ShareArgs {
    pub(super) fn into_calls(self, size: ByteSize) -> Result<Calls> {
        let calls = Calls::new(self.callers, self.edges, size)?;
        match self.rate {
            None => Ok(calls),
            Some(rate) => calls.at_rate(rate),
        }
    }
}

impl CallArgs {
    pub(super) fn into_calls(self) -> Result<Calls> {
        self.share.into_calls(self.size)
    }

    pub(super) fn into_work(self) -> Result<Work> {
        Ok(Work::Calls(self.into_calls()?))
    }
}

impl Direction {
    pub(super) fn apply(self, calls: Calls) -> Calls {
        Calls { reverse: self.reverse, ..calls }
    }
}

impl SceneArgs {
    pub(super) fn apply(self, calls: Calls) -> Result<Calls> {
        ensure!(self.services > 0, "--services must be at least 1");
        ensure!(self.gateways > 0, "--gateways must be at least 1");
        ensure!(
            self.gateways <= calls.edges,
            "--gateways {} is more than --edges {}: some would have none",
            self.gateways,
            calls.edges
        );
        let Self { idle_edges, services, idle_services, across, gateways } = self;
        let scene = Scene { idle_edges, services, idle_services, across, gateways, ..calls.scene };
        Ok(Calls { scene, ..calls })
    }
}
