//! What only a gateway's own control plane can tell or do: its peers in full, closing their connections, what it sends
//! by itself, its policy, its log, its drain.

mod command;
mod peers;
mod policy;
mod request;

pub(crate) use command::{DrainCommand, LogLevelCommand, StatusCommand, status, status_table};
pub(crate) use peers::Peers;
pub(crate) use policy::PolicyCommand;
pub(crate) use request::{Route, call, publish};
