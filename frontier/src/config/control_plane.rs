//! The port for operators.

use frontier_access::AccessConfig;
use frontier_access::authn::Side;
use frontier_admin::{PlaneAuth, ServerConfig, exposure};
use frontier_config::Section;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The section, and the name under which [`AccessConfig::auth`] has who may connect.
pub const CONTROLPLANE: &str = "controlplane";

/// Where it listens by default.
const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 30010);

/// The section `controlplane`.
#[derive(Clone, Debug)]
pub struct ControlPlaneConfig {
    /// The port and its limits.
    pub server: ServerConfig,
    /// `console`: whether the web console is served, whose files everybody gets. true.
    pub console: bool,
}

impl ControlPlaneConfig {
    /// Reads the section. `None` if there is to be none.
    pub(super) fn read(root: &Section<'_>, access: &mut AccessConfig) -> Option<Self> {
        let section = root.section(CONTROLPLANE).fixed();
        let enable = section.get("enable", true);
        let server = ServerConfig::read(&section, DEFAULT_ADDR);
        let plane = PlaneAuth {
            plane: CONTROLPLANE,
            side: Side::Operator,
            addr: server.addr,
            takes_certificates: server.takes_certificates,
        };
        access.auth.insert(CONTROLPLANE.to_owned(), plane.read(root));
        let console = section.get("console", true);
        enable.then_some(Self { server, console })
    }

    /// What may surprise about it though it was asked for.
    pub(super) fn exposure(&self, access: &AccessConfig) -> Option<String> {
        let asks = access.auth.get(CONTROLPLANE).is_some_and(|auth| !auth.is_none());
        let power = "may close connections and do whatever else an operator may";
        exposure(CONTROLPLANE, self.server.addr, asks, self.server.tls.is_some(), power)
    }

    /// Whether the gateway goes without, where another process has the port: several gateways on a machine need not all
    /// be told where to listen.
    pub(crate) fn may_be_taken(&self) -> bool {
        self.server.addr == DEFAULT_ADDR
    }
}
