//! What became of connections, in numbers: for metrics.

use crate::geminio;
use frontier_exchange::{Identity, Peer};
use frontier_protocol::{Code, Role};
use frontier_transport::{CloseReason, Network};
use std::sync::atomic::{AtomicU64, Ordering};

/// What carries a connection, and the other wire by its own name, in the order of their counters.
const NETWORKS: [&str; 6] = [
    Network::Tcp.as_str(),
    Network::Tls.as_str(),
    Network::Ws.as_str(),
    Network::Quic.as_str(),
    geminio::wire(false),
    geminio::wire(true),
];

/// Why connections end, as metrics say it.
const REASONS: [&str; 9] =
    ["peer", "lost", "protocol", "silent", "superseded", "slow_peer", "refused", "local", "kicked"];

/// The limits that are checked before a peer has joined.
const LIMITS: [&str; 4] = [
    "limits.connections",
    "limits.connections_per_address",
    "limits.handshakes",
    "limits.handshakes_per_address",
];

/// One counter for each way in which a handshake ends: that it succeeds, that it fails without a code, each code, and those
/// codes that are not known.
const OUTCOMES: usize = 1 + HandshakeFailure::ALL.len() + Code::ALL.len() + 1;

/// Why a handshake came to nothing before there was anybody to be told a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeFailure {
    /// It took too long.
    Timeout,
    /// Its place went to another connection, or there was none.
    Crowded,
    /// The connection was lost, or its peer left.
    Lost,
    Tls,
    /// To WebSocket.
    Upgrade,
    /// Of the PROXY protocol.
    ProxyHeader,
    /// Its peer speaks another protocol.
    Protocol,
}

impl HandshakeFailure {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Timeout, "timeout"),
        (Self::Crowded, "crowded"),
        (Self::Lost, "lost"),
        (Self::Tls, "tls"),
        (Self::Upgrade, "upgrade"),
        (Self::ProxyHeader, "proxy_header"),
        (Self::Protocol, "other_protocol"),
    ];
}

/// Counters by side: edges, services, other gateways.
#[derive(Debug)]
pub(crate) struct SessionCounters {
    sides: [Side; 3],
    limits: [AtomicU64; LIMITS.len()],
    /// Connections on neither wire that go elsewhere, and those that could not.
    bypassed: AtomicU64,
    failed_bypasses: AtomicU64,
}

#[derive(Debug)]
struct Side {
    connections: [AtomicU64; NETWORKS.len()],
    handshakes: [AtomicU64; OUTCOMES],
    ends: [AtomicU64; REASONS.len()],
    reconnects: AtomicU64,
}

/// How many connections each network carries.
type Networks = [(&'static str, u64); NETWORKS.len()];

/// A connection that is counted, until it is dropped.
#[derive(Debug)]
pub(super) struct Connected<'c>(&'c AtomicU64);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Default for SessionCounters {
    fn default() -> Self {
        let side = |_| Side {
            connections: zeros(),
            handshakes: zeros(),
            ends: zeros(),
            reconnects: AtomicU64::new(0),
        };
        Self {
            sides: std::array::from_fn(side),
            limits: zeros(),
            bypassed: AtomicU64::new(0),
            failed_bypasses: AtomicU64::new(0),
        }
    }
}

impl SessionCounters {
    fn side(&self, role: Role) -> &Side {
        &self.sides[match role {
            Role::Edge => 0,
            Role::Service => 1,
            Role::Frontier => 2,
        }]
    }

    /// A peer has joined.
    pub(super) fn connected(&self, peer: &Peer, network: Network) -> Connected<'_> {
        let side = self.side(role(peer));
        count(&side.handshakes[0]);
        if peer.comes_back() {
            count(&side.reconnects);
        }
        let wire = peer.outlet().wire();
        let word = if wire.is_empty() { network.as_str() } else { wire };
        let place = NETWORKS.iter().position(|it| *it == word).unwrap_or(0);
        count(&side.connections[place]);
        Connected(&side.connections[place])
    }

    /// The connection of a peer that had joined has ended.
    pub(super) fn ended(&self, peer: &Peer, reason: &CloseReason) {
        let place = match reason {
            CloseReason::Peer => 0,
            CloseReason::Lost(_) => 1,
            CloseReason::Protocol(_) => 2,
            CloseReason::Silent => 3,
            CloseReason::Superseded => 4,
            CloseReason::SlowPeer => 5,
            CloseReason::Refused(..) => 6,
            CloseReason::Local => 7,
            CloseReason::Kicked => 8,
        };
        count(&self.side(role(peer)).ends[place]);
    }

    pub(super) fn failed_handshake(&self, role: Role, failure: HandshakeFailure) {
        let place = HandshakeFailure::ALL.iter().position(|(it, _)| *it == failure).unwrap_or(0);
        count(&self.side(role).handshakes[1 + place]);
    }

    /// Its peer was gone when it was to be welcomed.
    pub(super) fn lost_handshake(&self, role: Role) {
        self.failed_handshake(role, HandshakeFailure::Lost);
    }

    pub(super) fn refused_handshake(&self, role: Role, code: Code) {
        let place = Code::ALL.iter().position(|it| *it == code).unwrap_or(Code::ALL.len());
        count(&self.side(role).handshakes[1 + HandshakeFailure::ALL.len() + place]);
    }

    /// Counts a refusal by the limit of this key.
    pub(super) fn refused(&self, limit: &str) {
        if let Some(place) = LIMITS.iter().position(|it| *it == limit) {
            count(&self.limits[place]);
        }
    }

    /// A connection on neither wire goes elsewhere.
    pub(super) fn bypassed(&self) -> Connected<'_> {
        count(&self.bypassed);
        Connected(&self.bypassed)
    }

    /// One could not.
    pub(super) fn failed_bypass(&self) {
        count(&self.failed_bypasses);
    }

    /// How many connections on neither wire go elsewhere, and how many could not.
    pub(crate) fn bypasses(&self) -> (u64, u64) {
        (self.bypassed.load(Ordering::Relaxed), self.failed_bypasses.load(Ordering::Relaxed))
    }

    /// Connections of peers that have joined, by what carries them.
    pub(crate) fn networks(&self, role: Role) -> Networks {
        let counts = &self.side(role).connections;
        std::array::from_fn(|place| (NETWORKS[place], counts[place].load(Ordering::Relaxed)))
    }

    /// How handshakes ended, each with its label, and how many there were. The first one is success.
    pub(crate) fn handshakes(&self, role: Role) -> Vec<(String, u64)> {
        let failures = HandshakeFailure::ALL.iter().map(|(_, label)| (*label).to_owned());
        let codes = Code::ALL.iter().map(|code| label(*code)).chain(["other".to_owned()]);
        let labels = std::iter::once("ok".to_owned()).chain(failures).chain(codes);
        let all = labels.zip(self.side(role).handshakes.iter().map(|it| it.load(Ordering::Relaxed)));
        // That a handshake was refused with the code Ok is never counted.
        all.enumerate().filter(|(place, (label, _))| *place == 0 || label != "ok").map(|(_, it)| it).collect()
    }

    /// How connections of peers that had joined have ended.
    pub(crate) fn ends(&self, role: Role) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.into_iter().zip(self.side(role).ends.iter().map(|it| it.load(Ordering::Relaxed)))
    }

    /// How many peers came back to an id that they had before.
    pub(crate) fn reconnects(&self, role: Role) -> u64 {
        self.side(role).reconnects.load(Ordering::Relaxed)
    }

    /// How often connections were refused by each limit, by its key.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LIMITS.into_iter().zip(self.limits.iter().map(|it| it.load(Ordering::Relaxed)))
    }
}

/// A code as a label has it, such as `edge_not_online`.
pub(crate) fn label(code: Code) -> String {
    code.text().replace(' ', "_")
}

fn role(peer: &Peer) -> Role {
    match peer.identity() {
        Identity::Edge { .. } => Role::Edge,
        Identity::Service { .. } => Role::Service,
        Identity::OriginGateway { .. }
        | Identity::OwnerGateway { .. }
        | Identity::Gateway
        | Identity::Lobby => Role::Frontier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Remote};

    #[tokio::test]
    async fn a_connection_counts_from_its_welcome_to_its_end() {
        let exchange = testing::exchange();
        let edge = Remote::edge(&exchange, 1).await;
        let (counters, peer) = (SessionCounters::default(), &edge.peer);
        let connected = counters.connected(peer, Network::Quic);
        let all = [("tcp", 0), ("tls", 0), ("ws", 0), ("quic", 1), ("geminio", 0), ("geminio+tls", 0)];
        assert_eq!(counters.networks(Role::Edge), all);
        counters.ended(peer, &CloseReason::Silent);
        drop(connected);
        assert!(counters.networks(Role::Edge).iter().all(|(_, count)| *count == 0));
        assert_eq!(counters.ends(Role::Edge).find(|(_, count)| *count > 0), Some(("silent", 1)));
        assert_eq!(counters.handshakes(Role::Edge)[0], ("ok".to_owned(), 1));
        assert_eq!(counters.reconnects(Role::Edge), 0);
    }

    #[test]
    fn every_outcome_of_a_handshake_has_a_label_of_its_own() {
        let counters = SessionCounters::default();
        counters.refused_handshake(Role::Service, Code::Denied);
        counters.refused_handshake(Role::Service, Code::Unknown(999));
        counters.failed_handshake(Role::Service, HandshakeFailure::Tls);
        let all = counters.handshakes(Role::Service);
        let counted: Vec<_> = all.iter().filter(|(_, count)| *count > 0).map(|(it, _)| it.as_str()).collect();
        assert_eq!(counted, ["tls", "denied", "other"]);
        let mut labels: Vec<_> = all.into_iter().map(|(label, _)| label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), OUTCOMES - 1);
    }
}
