use frontier_daemon::config::Section;
use std::net::{Ipv4Addr, SocketAddr};

/// Where one side listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address and port; port 0 lets the system choose.
    pub addr: SocketAddr,
}

impl Listen {
    pub(super) fn read(section: &Section<'_>, port: u16) -> Self {
        let network: String = section.get("network", "tcp".into());
        if network != "tcp" {
            section.reject("network", "only tcp is spoken here");
        }
        Self { addr: section.get("addr", (Ipv4Addr::UNSPECIFIED, port).into()) }
    }
}
