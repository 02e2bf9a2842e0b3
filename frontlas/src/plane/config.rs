use frontier_daemon::config::Section;
use frontier_protocol::MIN_MAX_FRAME;
use frontier_transport::{Bind, LinkConfig, Network};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Bytes that wait for one frontier: from the first on lookups are refused, at the second the connection
/// is closed.
const OUTBOX: (usize, usize) = (1024 * 1024, 2 * 1024 * 1024);

/// The section `frontier_plane`.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// `listen`: where frontiers connect to.
    pub listen: Bind,
    /// `expiration`: how long things live.
    pub expiration: Expiration,
    /// `max_frontiers`: connections at once, those in their handshake included.
    pub frontiers: usize,
}

/// The section `frontier_plane.expiration`. What a directory does by it is said there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiration {
    /// `service_meta`: what is kept of a service that has left.
    pub service_meta: Duration,
    /// `edge_meta`: what is kept of an edge that has left.
    pub edge_meta: Duration,
    /// `alive`: how long a frontier lives without a sign of life, and all that is on it.
    pub alive: Duration,
}

impl PlaneConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let listen = section.section("listen");
        let network: String = listen.get("network", "tcp".into());
        if network != Network::Tcp.as_str() {
            listen.reject("network", "only tcp is spoken here");
        }
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 40012));
        Self {
            listen: Bind::tcp(listen.get("addr", anywhere)),
            expiration: Expiration::read(&section.section("expiration")),
            frontiers: section.within("max_frontiers", 1024, 1..=65_536),
        }
    }

    pub(super) fn link(&self) -> LinkConfig {
        LinkConfig {
            max_frame: MIN_MAX_FRAME as usize,
            outbox_soft: OUTBOX.0,
            outbox_hard: OUTBOX.1,
            // There are none but the lane. One that is opened is a breach.
            max_streams: 1,
            window_growth: 0,
        }
    }
}

impl Expiration {
    fn read(section: &Section<'_>) -> Self {
        let seconds = Duration::from_secs;
        let usual = seconds(30);
        let alive = section.within("alive", usual, seconds(1)..=seconds(3600));
        let meta = |key| {
            let meta = section.within(key, usual.max(alive), seconds(1)..=seconds(30 * 24 * 3600));
            if meta < alive {
                section.reject(key, "must not be shorter than `alive`");
            }
            meta
        };
        Self { service_meta: meta("service_meta"), edge_meta: meta("edge_meta"), alive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_daemon::config::{ConfigErrors, load};

    fn parse(yaml: &str) -> Result<PlaneConfig, ConfigErrors> {
        load(yaml, &|_| None, &[], |root| PlaneConfig::read(&root.section("frontier_plane")))
    }

    #[test]
    fn the_defaults_are_those_of_the_cluster() {
        let config = parse("").unwrap();
        assert_eq!(config.listen.addr.port(), 40012);
        let seconds = Duration::from_secs(30);
        let expiration = Expiration { service_meta: seconds, edge_meta: seconds, alive: seconds };
        assert_eq!(config.expiration, expiration);
    }

    #[test]
    fn metadata_does_not_go_before_what_it_is_of() {
        let yaml = "frontier_plane: {expiration: {alive: 1m}}";
        assert_eq!(parse(yaml).unwrap().expiration.edge_meta, Duration::from_secs(60));
        let yaml = "frontier_plane: {listen: {network: udp}, expiration: {alive: 1m, edge_meta: 59s}}";
        let errors = parse(yaml).unwrap_err().to_string();
        assert!(errors.contains("frontier_plane.expiration.edge_meta: must not be shorter"), "{errors}");
        assert!(errors.contains("frontier_plane.listen.network"), "{errors}");
    }
}
