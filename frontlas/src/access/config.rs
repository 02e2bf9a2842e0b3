//! What of the configuration says who may connect to the planes.

use super::{CONTROL_PLANE, FRONTIER_PLANE, is_local};
use frontier_access::AccessConfig;
use frontier_access::authn::{AuthConfig, ThrottleConfig};
use frontier_config::Section;
use std::net::SocketAddr;

/// Reads `control_plane.auth`, `frontier_plane.auth` and `access.throttle`.
pub(crate) fn read(root: &Section<'_>) -> AccessConfig {
    let mut access = AccessConfig {
        throttle: ThrottleConfig::read(&root.section("access").reloadable().section("throttle")),
        ..AccessConfig::default()
    };
    for plane in [CONTROL_PLANE, FRONTIER_PLANE] {
        let section = root.section(plane);
        let auth = AuthConfig::read(&section.section("auth"));
        if !auth.meta_labels.is_empty() {
            section.section("auth").reject("meta_labels", "is for edges, which do not connect here");
        }
        access.auth.insert(plane.to_owned(), auth);
    }
    access
}

/// A plane as it listens.
pub(crate) struct Listening {
    pub(crate) plane: &'static str,
    pub(crate) addr: SocketAddr,
    /// Whether clients can show a certificate.
    pub(crate) takes_certificates: bool,
}

/// Refuses planes that answer everybody though nobody has said that they should, and those that answer nobody.
pub(crate) fn refuse_open_planes(root: &Section<'_>, access: &AccessConfig, planes: &[Listening]) {
    for Listening { plane, addr, takes_certificates } in planes {
        let section = root.section(plane).reloadable();
        let is_open = section.get("open_to_all", false);
        let Some(auth) = access.auth.get(*plane) else { continue };
        if is_open && !auth.is_none() {
            section.reject("open_to_all", "contradicts `auth.methods`, which asks for credentials");
        }
        if auth.is_none() && !is_open && !is_local(*addr) {
            let text = format!(
                "is required, with `methods`, where other machines reach {addr}; `open_to_all: true` lets in \
                 whoever does"
            );
            section.reject("auth", text);
        }
        if auth.needs_certificate() && !takes_certificates {
            let text = "nobody could connect: `listen.tls` asks clients for no certificate (`mtls`)";
            section.reject("auth", text);
        }
    }
}
