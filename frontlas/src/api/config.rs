//! What can be set of the control plane.

use frontier_admin::ServerConfig;
use frontier_config::Section;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The section `control_plane`.
#[derive(Clone, Debug)]
pub struct ControlPlaneConfig {
    /// The port and its limits. 127.0.0.1:40011.
    pub server: ServerConfig,
    /// `watch_interval`: the pause between two polls of the directory's changes, while someone watches. 100 ms.
    pub watch_interval: Duration,
    /// `console`: whether the web console is served, whose files everybody gets. true.
    pub console: bool,
}

impl ControlPlaneConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let (default, range) =
            (Duration::from_millis(100), Duration::from_millis(10)..=Duration::from_secs(60));
        Self {
            server: ServerConfig::read(section, (Ipv4Addr::LOCALHOST, 40011).into()),
            watch_interval: section.within("watch_interval", default, range),
            console: section.get("console", true),
        }
    }
}
