//! `frontctl forward`: TCP connections and UDP datagrams through a gateway. What speaks TCP or UDP needs no change.
//!
//! ```text
//!   ssh ──TCP──▶ forward local ──▶ gateway ──▶ forward remote ──TCP──▶ sshd
//!                 (a service)                    (an edge)
//! ```
//! Each TCP connection is a stream, and so is each address that datagrams come from. The meta of the stream says which of
//! the two it is, `tcp 127.0.0.1:4711` or `udp 127.0.0.1:4711`, and for whom.

mod acceptor;
mod datagrams;
mod join;
mod liveness;
mod local;
mod name;
mod opener;
mod remote;
mod target;

use crate::failure::Outcome;
use crate::settings::Settings;
use clap::Subcommand;

/// The two ends.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ForwardCommand {
    /// Listen here, and send what comes to an edge or a service that runs `forward remote`.
    Local(local::Options),
    /// Wait for what `forward local` sends, and connect it to an address that is reached from here.
    Remote(remote::Options),
}

impl ForwardCommand {
    pub(crate) async fn run(self, settings: &Settings) -> Outcome {
        match self {
            Self::Local(options) => local::run(options, settings).await,
            Self::Remote(options) => remote::run(options, settings).await,
        }
    }
}
