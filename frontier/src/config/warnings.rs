//! What may surprise about a configuration that is valid.

use super::access::{self, AccessErrors, EDGEBOUND, SERVICEBOUND, load, open_to_all};
use super::{Config, Membership};

impl Config {
    /// What may surprise about the files that `access` and `auth` name, and about the certificates of the listeners.
    ///
    /// # Errors
    /// If they have changed since the configuration was loaded: everything that is wrong with them.
    pub fn warnings(&self) -> Result<Vec<String>, AccessErrors> {
        let access = load(&self.access)?;
        let warnings = self.ignored.iter().cloned();
        let warnings = warnings.chain(self.listener_warnings()).chain(self.tls_warnings());
        let warnings = warnings.chain(self.membership_warnings());
        Ok(warnings.chain(access::warnings(&self.access, &access)).collect())
    }

    /// What may surprise about the listeners' certificates and proxies, though they are used.
    pub(crate) fn listener_warnings(&self) -> impl Iterator<Item = String> {
        let sides = [(EDGEBOUND, &self.edgebound.listeners), (SERVICEBOUND, &self.servicebound.listeners)];
        sides.into_iter().flat_map(|(side, listeners)| {
            listeners.iter().flat_map(move |listen| {
                let addr = listen.addr;
                listen.warnings().into_iter().map(move |warning| format!("{side} {addr}: {warning}"))
            })
        })
    }

    /// What may surprise about the planes' certificates and proxies, and about the certificates that it shows where it
    /// dials, though they are used. Blocks while it reads the latter.
    pub(crate) fn tls_warnings(&self) -> impl Iterator<Item = String> {
        let planes = self.planes().into_iter().flat_map(|(plane, server)| server.warnings(plane));
        planes.chain(self.client_tls().into_iter().flat_map(|(section, tls)| {
            tls.warnings().into_iter().map(move |warning| format!("{section}.tls: {warning}"))
        }))
    }

    /// What may surprise about how it is part of a cluster.
    pub(crate) fn membership_warnings(&self) -> impl Iterator<Item = String> {
        self.membership.iter().flat_map(Membership::warnings)
    }

    /// A line for each listener that lets in whoever reaches it from another machine. What else is open there is
    /// said with it.
    #[must_use]
    pub fn open_listeners(&self) -> Vec<String> {
        let sides = [(EDGEBOUND, &self.edgebound.listeners), (SERVICEBOUND, &self.servicebound.listeners)];
        let listeners =
            sides.into_iter().flat_map(|(side, all)| all.iter().map(move |listen| (side, listen)));
        let listeners = listeners.filter_map(|(side, listen)| open_to_all(side, listen, &self.access));
        let exposed = self.control_plane.as_ref().and_then(|plane| plane.exposure(&self.access));
        let bridge = self.bridge.as_ref().and_then(|bridge| bridge.exposure(&self.access));
        let relay = self.relay.as_ref().and_then(|relay| relay.exposure(&self.access));
        listeners.chain(exposed).chain(bridge).chain(relay).collect()
    }
}
