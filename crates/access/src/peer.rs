use crate::labels::Labels;
use frontier_protocol::{EdgeId, Role};
use std::net::IpAddr;

/// A connected peer, as rules and quotas see it.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// What it is.
    pub role: Role,
    /// The name of its credentials; empty if it needed none.
    pub subject: &'a str,
    /// Its id, if it is an edge.
    pub edge_id: Option<EdgeId>,
    /// Its name, if it is a service.
    pub service: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// The address that it comes from.
    pub address: IpAddr,
}
