use crate::Lifetimes;
use frontier_daemon::config::Section;
use frontier_protocol::MIN_MAX_FRAME;
use frontier_transport::{Bind, LinkConfig, Network};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Bytes that wait for one frontier: from the first on lookups are refused, at the second the connection
/// is closed.
const OUTBOX: (usize, usize) = (1024 * 1024, 2 * 1024 * 1024);

/// Connections at once, unless set.
const FRONTIERS: usize = 1024;

/// The section `frontier_plane`.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// `listen`: where frontiers connect to.
    pub listen: Bind,
    /// `expiration`: how long things live, for the directory.
    pub lifetimes: Lifetimes,
    /// `max_frontiers`: connections at once, those in their handshake included.
    pub frontiers: usize,
}

impl PlaneConfig {
    /// Plain TCP at this address, and the defaults.
    #[must_use]
    pub fn local(addr: SocketAddr) -> Self {
        Self { listen: Bind::tcp(addr), lifetimes: Lifetimes::default(), frontiers: FRONTIERS }
    }

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
            lifetimes: lifetimes(&section.section("expiration")),
            frontiers: section.within("max_frontiers", FRONTIERS, 1..=65_536),
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

/// `frontier_plane.expiration`.
fn lifetimes(section: &Section<'_>) -> Lifetimes {
    let seconds = Duration::from_secs;
    let usual = Lifetimes::default();
    let alive = section.within("alive", usual.alive, seconds(1)..=seconds(3600));
    let meta = |key, usual: Duration| {
        let meta = section.within(key, usual.max(alive), seconds(1)..=seconds(30 * 24 * 3600));
        if meta < alive {
            section.reject(key, "must not be shorter than `alive`");
        }
        meta
    };
    let service_meta = meta("service_meta", usual.service_meta);
    let edge_meta = meta("edge_meta", usual.edge_meta);
    Lifetimes { alive, edge_meta, service_meta, ..usual }
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
        assert_eq!(config.lifetimes, Lifetimes::default());
    }

    #[test]
    fn metadata_does_not_go_before_what_it_is_of() {
        let yaml = "frontier_plane: {expiration: {alive: 1m}}";
        assert_eq!(parse(yaml).unwrap().lifetimes.edge_meta, Duration::from_secs(60));
        let yaml = "frontier_plane: {listen: {network: udp}, expiration: {alive: 1m, edge_meta: 59s}}";
        let errors = parse(yaml).unwrap_err().to_string();
        assert!(errors.contains("frontier_plane.expiration.edge_meta: must not be shorter"), "{errors}");
        assert!(errors.contains("frontier_plane.listen.network"), "{errors}");
    }
}
