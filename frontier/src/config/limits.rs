//! What peers may make the gateway hold: the section `limits`.

use frontier_config::{ByteSize, Section};
use frontier_protocol::{MIN_MAX_FRAME, Role, TAIL_LEN, Terms};
use frontier_transport::LinkConfig;
use std::time::Duration;

/// What peers may make the gateway hold. Beyond each limit there is an error, never a wait.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest frame on a lane, in bytes.
    pub frame: usize,
    /// The longest payload, in bytes.
    pub payload: u64,
    /// Connections at once, of each side.
    pub connections: usize,
    /// Connections at once from one address, of each side.
    pub connections_per_address: usize,
    /// Connections at once whose peers have not shown who they are, of each side.
    pub handshakes: usize,
    /// The same from one address.
    pub handshakes_per_address: usize,
    /// Streams open at once on one connection.
    pub streams: u32,
    /// Calls and acked messages in flight from, and to, one connection.
    pub calls: usize,
    /// Bytes that wait for one connection before requests to it are refused. From twice as much on
    /// the connection is closed.
    pub outbox: usize,
    /// What the windows of one connection's streams may together grow by beyond 256 KiB each, in bytes.
    pub window_growth: usize,
    /// What the streams to one edge may together take while calls and messages go beside them, in bytes
    /// per second; 0: as much as they can.
    pub bulk_rate: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// The heartbeat interval; three of them without a sign of life end a connection.
    pub heartbeat: Duration,
    /// How long a connection may take nothing of what waits for it.
    pub slow_peer_timeout: Duration,
    /// The longest meta of an edge or of a stream, in bytes.
    pub meta: usize,
    /// The longest method, topic or service name, in bytes.
    pub name_len: usize,
    /// The longest custom header, in bytes, tail included.
    pub custom_len: usize,
    /// Methods and topics that one service may register.
    pub names: usize,
    /// Methods that one edge may tell of.
    pub edge_names: usize,
    /// What the names of those may take together, in bytes.
    pub edge_names_len: usize,
    /// What the different lists of methods that all edges tell of may take together, in bytes.
    pub all_edge_names_len: usize,
    /// The longest deadline; a longer one is cut to it.
    pub max_timeout: Duration,
}

impl Limits {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let size = |key, default: ByteSize, least: ByteSize, most: ByteSize| {
            section.within(key, default, least..=most)
        };
        let time = |key, default, least, most| section.within(key, default, least..=most);
        let (kib, mib) = (ByteSize::kib, ByteSize::mib);
        let seconds = Duration::from_secs;
        let frame = kib(u64::from(MIN_MAX_FRAME) / 1024);
        Self {
            frame: size("frame_size", frame, frame, mib(16)).as_usize(),
            payload: size("payload_size", mib(64), kib(64), mib(4095)).as_u64(),
            connections: section.within("connections", 1_000_000, 1..=100_000_000),
            connections_per_address: section.within("connections_per_address", 1_000_000, 1..=100_000_000),
            handshakes: section.within("handshakes", 4096, 1..=1_000_000),
            handshakes_per_address: section.within("handshakes_per_address", 1024, 1..=1_000_000),
            streams: section.within("streams_per_connection", 1024, 1..=16_384),
            calls: section.within("calls_per_connection", 16_384, 1..=1_000_000),
            outbox: size("outbox_size", mib(8), kib(64), mib(1024)).as_usize(),
            window_growth: size(
                "window_growth_size",
                kib(LinkConfig::WINDOW_GROWTH as u64 / 1024),
                ByteSize::bytes(0),
                mib(1024),
            )
            .as_usize(),
            bulk_rate: size(
                "bulk_rate",
                mib(LinkConfig::BULK_RATE as u64 / (1024 * 1024)),
                ByteSize::bytes(0),
                mib(1024 * 1024),
            )
            .as_usize(),
            handshake_timeout: time(
                "handshake_timeout",
                seconds(10),
                Duration::from_millis(10),
                seconds(300),
            ),
            heartbeat: time("heartbeat", seconds(20), seconds(1), seconds(3600)),
            slow_peer_timeout: time("slow_peer_timeout", seconds(30), seconds(1), seconds(3600)),
            meta: size("meta_size", kib(4), ByteSize::bytes(0), kib(32)).as_usize(),
            name_len: size("name_size", ByteSize::bytes(255), ByteSize::bytes(1), kib(8)).as_usize(),
            custom_len: size("custom_size", kib(8), ByteSize::bytes(8), kib(32)).as_usize(),
            names: section.within("names_per_service", 10_000, 1..=1_000_000),
            // A change takes time in proportion to all that the edge has told of.
            edge_names: section.within("names_per_edge", 1000, 1..=4096),
            edge_names_len: size("edge_names_size", kib(16), kib(1), kib(128)).as_usize(),
            all_edge_names_len: size("all_edge_names_size", mib(64), mib(1), mib(16 * 1024)).as_usize(),
            max_timeout: time("max_timeout", seconds(24 * 3600), seconds(1), seconds(30 * 24 * 3600)),
        }
    }

    /// Those of a connection to a peer of this role.
    pub(crate) fn link(&self, peer: Role) -> LinkConfig {
        LinkConfig {
            max_frame: self.frame,
            outbox_soft: self.outbox,
            outbox_hard: 2 * self.outbox,
            max_streams: self.streams,
            window_growth: self.window_growth,
            // The connections of services and other gateways carry what many edges send and get.
            bulk_rate: if peer == Role::Edge { self.bulk_rate } else { 0 },
        }
    }

    /// Those of what the exchange holds.
    pub(crate) fn exchange(&self, call_timeout: Duration) -> frontier_exchange::Limits {
        frontier_exchange::Limits {
            payload: self.payload,
            meta: self.meta,
            name_len: self.name_len,
            custom_len: self.custom_len,
            // What services send ends with an EdgeID, for which the least `custom_size` has room.
            custom_to_edge_len: self.custom_len - TAIL_LEN,
            names: self.names,
            edge_names: self.edge_names,
            edge_names_len: self.edge_names_len,
            all_edge_names_len: self.all_edge_names_len,
            calls: self.calls,
            streams: self.streams,
            call_timeout,
            max_timeout: self.max_timeout,
            slow_peer_timeout: self.slow_peer_timeout,
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            max_frame: u32::try_from(self.frame).unwrap_or(u32::MAX),
            heartbeat_ms: u32::try_from(self.heartbeat.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_bulk_to_edges_alone_is_slowed_down() {
        let limits = Limits { bulk_rate: 7, ..testing::config().limits };
        let rates = [Role::Edge, Role::Service, Role::Frontier].map(|role| limits.link(role).bulk_rate);
        assert_eq!(rates, [7, 0, 0]);
    }
}
