//! What the tool and the processes that it starts say to each other: one line of JSON per message.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// From the tool to a client, on stdin. The end of stdin means: exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Operations that end from now on count; to idle edges: connect.
    Count,
    /// No more; report. To idle edges: say who is lost.
    Stop,
    /// To the frontiers of a cluster: report all edges to frontlas, and say how long each part took.
    ReportAll,
    /// To the frontiers of a cluster: let edges come and go like this from now on.
    Churn(Churn),
    /// To clients of sessions: time the first responses of so many, one after the other; report.
    First(usize),
    /// To clients of sessions: send and fetch from now on.
    Load,
    /// To clients of sessions: send so many requests that nobody computes, and say how long it took.
    Queue(u64),
    /// To clients of sessions: wait until the broker has so many again; report.
    Recovered(u64),
    /// To the frontiers of a cluster: compare what the directory has with what is true; report.
    Compare,
}

/// How often edges connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Churn {
    Never,
    /// So often per second, all frontiers together.
    PerSecond(u32),
    /// As fast as reports are answered.
    FlatOut,
}

/// From a process to the tool, on stdout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// Listens, or is connected and at work.
    Ready(Ready),
    /// The answer to `Stop`, `ReportAll` and `Compare`, and that of idle edges to `Count`.
    Counted(Tally),
    /// Cannot go on, and why.
    Failed(String),
}

/// Where a process can be reached.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// For edges, and for all clients of a system that has only one port.
    pub(crate) edges: Option<SocketAddr>,
    /// For services.
    pub(crate) services: Option<SocketAddr>,
    /// The process to measure, if it's not the one that reports.
    pub(crate) measured: Option<u32>,
}
