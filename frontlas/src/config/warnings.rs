//! What may surprise about a configuration that is valid.

use super::Config;
use crate::PlaneAccess;
use crate::access::{CONTROL_PLANE, FRONTIER_PLANE};
use frontier_admin::exposure;
use frontier_transport::{ClientTls, ServerTls};

impl Config {
    /// What may surprise about the planes though it was asked for, in lines: those that answer whoever reaches them
    /// from another machine, and those where credentials can be read on the way.
    pub(crate) fn exposed_planes(&self) -> Vec<String> {
        let control = &self.control_plane.server;
        let frontiers = &self.frontier_plane.listen;
        let planes = [
            (CONTROL_PLANE, control.addr, control.tls.is_some(), "may ask who is where"),
            (FRONTIER_PLANE, frontiers.addr, frontiers.tls.is_some(), "may say that it is a gateway"),
        ];
        let line = |(plane, addr, is_secured, power)| {
            let asks = self.access.auth.get(plane).is_some_and(|auth| !auth.is_none());
            exposure(plane, addr, asks, is_secured, power)
        };
        planes.into_iter().filter_map(line).collect()
    }

    /// Everything that may surprise about it and about the files that it names. Blocks while it reads them.
    pub(crate) fn warnings(&self) -> Vec<String> {
        // If its files are of no use, that is told elsewhere.
        let access = PlaneAccess::load(&self.access).map(|access| access.warnings()).unwrap_or_default();
        let warnings = self.ignored.iter().cloned().chain(self.exposed_planes());
        warnings.chain(self.tls_warnings()).chain(access).collect()
    }

    /// What may surprise about the planes' certificates and proxies and about the certificates for Redis, though they are
    /// used. Blocks while it reads the latter.
    pub(crate) fn tls_warnings(&self) -> Vec<String> {
        let frontiers = &self.frontier_plane.listen;
        let of_frontiers = frontiers.tls.iter().flat_map(ServerTls::warnings);
        let of_frontiers =
            of_frontiers.map(|warning| format!("{FRONTIER_PLANE} {}: {warning}", frontiers.addr));
        let of_redis = self.redis_tls().iter().flat_map(ClientTls::warnings).collect::<Vec<_>>();
        let of_redis = of_redis.into_iter().map(|warning| format!("redis.tls: {warning}"));
        self.control_plane
            .server
            .warnings(CONTROL_PLANE)
            .into_iter()
            .chain(of_frontiers)
            .chain(of_redis)
            .collect()
    }
}
