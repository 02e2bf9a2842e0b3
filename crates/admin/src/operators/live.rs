//! Who may connect to the planes of a daemon, as of now.

use super::{AuditTarget, Operators, PlaneAuth, no_way_in};
use arc_swap::{ArcSwap, Guard};
use frontier_access::authn::{Side, ThrottleConfig};
use frontier_access::{Access, AccessConfig, LoadErrors};
use frontier_config::Section;
use std::sync::Arc;
use std::time::Instant;

/// Reads `auth` of each plane, and `access.throttle`: the access of a daemon that has neither rules nor quotas.
#[must_use]
pub fn read_planes(root: &Section<'_>, planes: impl IntoIterator<Item = PlaneAuth>) -> AccessConfig {
    let mut access = AccessConfig {
        throttle: ThrottleConfig::read(&root.section("access").reloadable().section("throttle")),
        ..AccessConfig::default()
    };
    for plane in planes {
        access.auth.insert(plane.plane.to_owned(), plane.read(root));
    }
    access
}

/// Who may connect to the planes of a daemon. Cheap to clone; what is put in place in one is so in all.
#[derive(Clone)]
pub struct LiveAccess(Arc<ArcSwap<Access>>);

impl LiveAccess {
    /// Reads the files that `config` names. Blocks while it does.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(config: &AccessConfig) -> Result<Self, LoadErrors> {
        Access::load(config, Instant::now()).map(|access| Self(Arc::new(ArcSwap::from_pointee(access))))
    }

    /// The one that holds.
    #[must_use]
    pub fn current(&self) -> Guard<Arc<Access>> {
        self.0.load()
    }

    /// Reads the files again, and keeps what has been counted. Nothing changes until [`put_in_place`](Self::put_in_place).
    /// Blocks while it reads.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read_again(&self, config: &AccessConfig) -> Result<Access, LoadErrors> {
        self.0.load().reload(config, Instant::now())
    }

    /// From here on it holds for whoever connects.
    pub fn put_in_place(&self, access: Access) {
        self.0.store(Arc::new(access));
    }

    /// What may surprise about the files that were read, in lines; `planes` are all that there are.
    #[must_use]
    pub fn warnings(&self, planes: &[(&str, Side)]) -> Vec<String> {
        let current = self.0.load();
        let useless = planes.iter().filter_map(|(plane, side)| no_way_in(&current, plane, *side));
        current.warnings().iter().map(ToString::to_string).chain(useless).collect()
    }

    /// Who may ask on a plane for operators.
    #[must_use]
    pub fn operators(&self, plane: &'static str, target: AuditTarget) -> Operators {
        let current = self.0.clone();
        Operators::new(plane, target, move || current.load_full())
    }
}

impl std::fmt::Debug for LiveAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveAccess").finish_non_exhaustive()
    }
}
