//! What only a gateway's own control plane can tell or do: its peers in full, closing their connections, its log, its drain.

mod command;
mod peers;

pub(crate) use command::{DrainCommand, LogLevelCommand, StatusCommand};
pub(crate) use peers::Peers;
