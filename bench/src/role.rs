//! What each process of a measurement is, as data: the tool writes it on a process's command line, in JSON.
//!
//! What runs a role is in `process.rs` and the modules of the systems; nothing here knows them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::layout::Layout;
use crate::network::{Address, Key, Network};
use crate::sessions::{BrokerRole, Load};
use crate::work::{Bulk, Calls};

/// What a process does, and on which threads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) threads: Threads,
    pub(crate) role: Role,
}

/// The threads of a process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Threads {
    pub(crate) count: usize,
    /// For how long those for connections stay awake after they had something to do, in microseconds.
    pub(crate) spin_us: u64,
}

impl Threads {
    /// One that waits as any other does.
    pub(crate) const ONE: Self = Self { count: 1, spin_us: 0 };
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Frontier(FrontierRole),
    Proxy(ProxyRole),
    Relay(RelayRole),
    Nats(NatsRole),
    Cluster(ClusterRole),
    Sessions(SessionsRole),
}

/// The gateway, and what uses it through the SDK.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FrontierRole {
    Gateway {
        network: Network,
        key: Key,
        membership: Option<Membership>,
    },
    /// Services that answer edges.
    Services {
        gateway: Address,
        services: usize,
        idle: usize,
    },
    /// Edges that answer services, from number `first` on.
    Edges {
        gateway: Address,
        first: usize,
        edges: usize,
    },
    /// Edges, and callers that share them.
    EdgeCallers {
        gateway: Address,
        calls: Calls,
    },
    /// A service, and callers on it that share the edges from number `first` on.
    ServiceCallers {
        gateway: Address,
        first: usize,
        calls: Calls,
    },
    Bulk {
        gateway: Address,
        bulk: Bulk,
    },
    /// Edges that connect, `at_once` at a time, and then do nothing.
    IdleEdges {
        gateway: Address,
        edges: usize,
        at_once: usize,
    },
}

/// What a gateway of a cluster knows of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) frontlas: SocketAddr,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProxyRole {
    Gateway {
        service: SocketAddr,
    },
    /// Sends back what it reads.
    Echo,
    /// Reads, and that is all.
    Sink,
    PingPong {
        gateway: SocketAddr,
        calls: Calls,
    },
    Bulk {
        gateway: SocketAddr,
        bulk: Bulk,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelayRole {
    Gateway,
    Service { gateway: SocketAddr },
    Client { gateway: SocketAddr, calls: Calls },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NatsRole {
    /// `nats-server`, and the process that stops it.
    Server {
        /// A path, or a name on the PATH.
        program: PathBuf,
        threads: usize,
    },
    Service {
        client: NatsClient,
        server: SocketAddr,
    },
    Client {
        client: NatsClient,
        server: SocketAddr,
        process: usize,
        calls: Calls,
    },
}

/// What speaks to `nats-server`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NatsClient {
    Library,
    Lean,
}

/// What the measurement of the directory consists of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClusterRole {
    /// `redis-server`, and the process that stops it.
    Redis {
        /// Where everything is on disk before it is answered, if it is.
        synced: Option<PathBuf>,
    },
    /// On that Redis, or with its directory in memory.
    Frontlas {
        redis: Option<SocketAddr>,
    },
    Frontiers {
        frontlas: SocketAddr,
        control_plane: SocketAddr,
        layout: Layout,
    },
    Lookups {
        client: LookupClient,
        layout: Layout,
        callers: u32,
    },
}

/// What the measurement of work sessions consists of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionsRole {
    Broker(BrokerRole),
    Hosts {
        gateway: Address,
        hosts: usize,
        /// Of each.
        capacity: u32,
        /// What each call takes.
        each: Duration,
    },
    Clients {
        broker: SocketAddr,
        load: Load,
    },
}

/// Who looks edges up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookupClient {
    /// A client of the control plane: `GetEdgeByID` by gRPC, at this address.
    Grpc(SocketAddr),
    /// A gateway: `Lookup` on the frontier plane, at this address.
    Gateway(SocketAddr),
}

impl From<FrontierRole> for Role {
    fn from(role: FrontierRole) -> Self {
        Self::Frontier(role)
    }
}

impl From<ProxyRole> for Role {
    fn from(role: ProxyRole) -> Self {
        Self::Proxy(role)
    }
}

impl From<RelayRole> for Role {
    fn from(role: RelayRole) -> Self {
        Self::Relay(role)
    }
}

impl From<NatsRole> for Role {
    fn from(role: NatsRole) -> Self {
        Self::Nats(role)
    }
}

impl From<SessionsRole> for Role {
    fn from(role: SessionsRole) -> Self {
        Self::Sessions(role)
    }
}

impl From<ClusterRole> for Role {
    fn from(role: ClusterRole) -> Self {
        Self::Cluster(role)
    }
}
