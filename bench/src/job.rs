//! What a command line asks for.

use anyhow::Result;

use crate::cluster::Cluster;
use crate::connections::Connections;
use crate::plan::Plan;
use crate::report;
use crate::scale;
use crate::sessions::Sessions;
use crate::storm::Storm;

/// A checked command line.
#[derive(Debug)]
pub(crate) enum Job {
    Compare(Plan),
    /// The same on one number of cores after the other.
    Scale(Plan),
    Connections(Connections),
    Storm(Storm),
    Cluster(Cluster),
    Sessions(Sessions),
}

impl Job {
    /// Does it, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        match self {
            Self::Compare(plan) => report::render(&plan.run().await?, plan.json),
            Self::Scale(plan) => scale::render(&plan.run().await?, plan.json),
            Self::Connections(connections) => connections.run().await,
            Self::Storm(storm) => storm.run().await,
            Self::Cluster(cluster) => cluster.run().await,
            Self::Sessions(sessions) => sessions.run().await,
        }
    }
}
