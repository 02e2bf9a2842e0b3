//! What peers may make the exchange hold, and how long it waits.

use std::time::Duration;

/// What peers may make the exchange hold. Beyond each limit there is an error, never a wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest payload, in bytes.
    pub payload: u64,
    /// The longest meta of a stream, in bytes.
    pub meta: usize,
    /// The longest method, topic or service name, in bytes.
    pub name_len: usize,
    /// The longest custom header of a request by name, and of a reply, in bytes.
    pub custom_len: usize,
    /// The longest custom header of a request to an edge, in bytes. Less than the other where wires bring or add
    /// something beside it.
    pub custom_to_edge_len: usize,
    /// Methods and topics that one service may register.
    pub names: usize,
    /// Calls and acked messages in flight from, and to, one connection.
    pub calls: usize,
    /// Streams open at once on one connection.
    pub streams: u32,
    /// The deadline of a request that brings none.
    pub call_timeout: Duration,
    /// The longest deadline; a longer one is cut to it.
    pub max_timeout: Duration,
    /// How long a connection may take nothing of what is queued for it.
    pub slow_peer_timeout: Duration,
}
