//! What peers may make the exchange hold, and how long it waits.

use std::time::Duration;

/// The keys under which a gateway's configuration has the limits. Errors name them, so that whoever meets a limit knows
/// what to ask for. The gateway tests that it has them all.
pub mod key {
    /// [`Limits::payload`](super::Limits::payload).
    pub const PAYLOAD: &str = "limits.payload_size";
    /// [`Limits::meta`](super::Limits::meta).
    pub const META: &str = "limits.meta_size";
    /// [`Limits::name_len`](super::Limits::name_len).
    pub const NAME: &str = "limits.name_size";
    /// [`Limits::custom_len`](super::Limits::custom_len).
    pub const CUSTOM: &str = "limits.custom_size";
    /// [`Limits::names`](super::Limits::names).
    pub const NAMES: &str = "limits.names_per_service";
    /// [`Limits::edge_names`](super::Limits::edge_names).
    pub const EDGE_NAMES: &str = "limits.names_per_edge";
    /// [`Limits::edge_names_len`](super::Limits::edge_names_len).
    pub const EDGE_NAMES_LEN: &str = "limits.edge_names_size";
    /// [`Limits::all_edge_names_len`](super::Limits::all_edge_names_len).
    pub const ALL_EDGE_NAMES_LEN: &str = "limits.all_edge_names_size";
    /// [`Limits::calls`](super::Limits::calls).
    pub const CALLS: &str = "limits.calls_per_connection";
    /// [`Limits::streams`](super::Limits::streams).
    pub const STREAMS: &str = "limits.streams_per_connection";
    /// What waits in an [`Outlet`](crate::Outlet).
    pub const OUTBOX: &str = "limits.outbox_size";
    /// All of them.
    pub const ALL: [&str; 11] = [
        PAYLOAD,
        META,
        NAME,
        CUSTOM,
        NAMES,
        EDGE_NAMES,
        EDGE_NAMES_LEN,
        ALL_EDGE_NAMES_LEN,
        CALLS,
        STREAMS,
        OUTBOX,
    ];
}

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
    /// Methods that one edge may tell of.
    pub edge_names: usize,
    /// What the names of those may take together, in bytes.
    pub edge_names_len: usize,
    /// What the different lists of methods that all edges tell of may take together, in bytes.
    pub all_edge_names_len: usize,
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
