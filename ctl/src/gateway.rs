//! What only a gateway's own control plane can tell or do: its peers in full, and closing their connections.

mod peers;

pub(crate) use peers::Peers;
