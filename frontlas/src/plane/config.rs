//! What can be set of the frontier plane.

use super::RebalanceConfig;
use frontier_config::Section;
use frontier_protocol::MIN_MAX_FRAME;
use frontier_transport::{Bind, LinkConfig, Network, read_server_tls};
use std::net::{Ipv4Addr, SocketAddr};

/// Bytes that wait for one frontier beyond which lookups are refused.
const OUTBOX_SOFT_LIMIT: usize = 1024 * 1024;

/// Bytes that wait for one frontier beyond which its connection is closed.
const OUTBOX_HARD_LIMIT: usize = 2 * OUTBOX_SOFT_LIMIT;

/// Connections at once, unless set: far more than a cluster has gateways.
const DEFAULT_MAX_FRONTIERS: usize = 1024;

/// The section `frontier_plane`, but for `expiration`, by which the directory goes.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// `listen`: where frontiers connect to.
    pub listen: Bind,
    /// `max_frontiers`: connections at once, those in their handshake included.
    pub frontiers: usize,
    /// `rebalance`: how edges are moved from one frontier to another.
    pub rebalance: RebalanceConfig,
}

impl PlaneConfig {
    /// Plain TCP at this address, and the defaults.
    #[must_use]
    pub fn local(addr: SocketAddr) -> Self {
        Self {
            listen: Bind::tcp(addr),
            frontiers: DEFAULT_MAX_FRONTIERS,
            rebalance: RebalanceConfig::default(),
        }
    }

    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let listen = section.section("listen");
        let network: String = listen.get("network", "tcp".into());
        let must = network == Network::Tls.as_str();
        if network != Network::Tcp.as_str() && !must {
            listen.reject("network", "only tcp and tls are spoken here");
        }
        let tls = listen.section("tls");
        let is_secured = tls.is_enabled(must);
        if must && !is_secured {
            tls.reject("enable", "must be true for `network: tls`");
        }
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 40012));
        let tls = read_server_tls(&tls.reloadable(), is_secured);
        let network = if is_secured { Network::Tls } else { Network::Tcp };
        Self {
            listen: Bind { network, addr: listen.get("addr", here), tls, only_v6: false },
            frontiers: section.within("max_frontiers", DEFAULT_MAX_FRONTIERS, 1..=65_536),
            rebalance: RebalanceConfig::read(&section.section("rebalance")),
        }
    }

    pub(super) fn link(&self) -> LinkConfig {
        LinkConfig {
            max_frame: MIN_MAX_FRAME as usize,
            outbox_soft: OUTBOX_SOFT_LIMIT,
            outbox_hard: OUTBOX_HARD_LIMIT,
            // There are none but the lane. One that is opened is a breach.
            max_streams: 1,
            window_growth: 0,
            bulk_rate: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config::{ConfigErrors, load};

    fn parse(yaml: &str) -> Result<PlaneConfig, ConfigErrors> {
        load(yaml, &|_| None, &[], |root| PlaneConfig::read(&root.section("frontier_plane")))
    }

    #[test]
    fn tls_needs_certificates_and_no_second_word() {
        let errors = parse("frontier_plane: {listen: {network: tls}}").unwrap_err().to_string();
        assert!(errors.contains("frontier_plane.listen.tls.certs"), "{errors}");
        let errors = parse("frontier_plane: {listen: {network: tls, tls: {enable: false}}}").unwrap_err();
        assert!(errors.to_string().contains("frontier_plane.listen.tls.enable: must be true"), "{errors}");
    }

    #[test]
    fn it_listens_on_40012_unless_told_otherwise() {
        assert_eq!(parse("").unwrap().listen.addr.to_string(), "127.0.0.1:40012");
        let yaml = "frontier_plane: {listen: {addr: '127.0.0.1:1'}, max_frontiers: 2}";
        let config = parse(yaml).unwrap();
        assert_eq!((config.listen.addr.port(), config.frontiers), (1, 2));
        let errors = parse("frontier_plane: {listen: {network: udp}}").unwrap_err().to_string();
        assert!(errors.contains("frontier_plane.listen.network: only tcp and tls"), "{errors}");
    }
}
