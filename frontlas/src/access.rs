//! Who may connect to the two planes, as of now.
//!
//! ```text
//!   frontier plane:  Hello ── token, certificate ─▶ Access ─▶ may it be the frontier of that id?  ─▶ join
//!   control plane:   request ─ token, certificate ─▶ Access ─▶ what may it do as an operator?      ─▶ answer
//! ```
//!
//! What is good for one of the two is not for the other, unless it says so: see [`Side`]. Each decision is a line of
//! the audit log, whose target is `frontlas::audit`.

mod audit;

use audit::Audit;
use frontier_access::authn::{AuthnError, Credentials, PresentedCredentials, Side, Verified};
use frontier_access::{Access, AccessConfig, ClockReading, LoadErrors};
use frontier_admin::{AuditTarget, LiveAccess, Operators};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// The names of the two planes in [`AccessConfig::auth`]: their sections.
pub(crate) const CONTROL_PLANE: &str = "control_plane";
pub(crate) const FRONTIER_PLANE: &str = "frontier_plane";

/// Both, and who comes there.
const PLANES: &[(&str, Side)] = &[(CONTROL_PLANE, Side::Operator), (FRONTIER_PLANE, Side::Frontier)];

/// Who may connect to the two planes. Cheap to clone; what is reloaded in one is so in all.
#[derive(Clone)]
pub struct PlaneAccess(Arc<Inner>);

struct Inner {
    current: LiveAccess,
    audit: Audit,
    /// Whether those who are connected are judged again, after each reload and when their credentials expire.
    enforce: watch::Sender<bool>,
}

impl PlaneAccess {
    /// Everybody, whatever they show: for planes that nobody else reaches.
    ///
    /// # Panics
    /// Never: there is no file to read.
    #[must_use]
    pub fn open() -> Self {
        let access = LiveAccess::load(&AccessConfig::default());
        Self::new(access.expect("nothing is read where nothing is configured"))
    }

    /// Reads the files that `config` names. Blocks while it does.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(config: &AccessConfig) -> Result<Self, LoadErrors> {
        LiveAccess::load(config).map(Self::new)
    }

    fn new(current: LiveAccess) -> Self {
        Self(Arc::new(Inner { current, audit: Audit::default(), enforce: watch::Sender::new(false) }))
    }

    /// Reads the files again, and keeps what has been counted. Nothing changes until [`Reloaded::put_in_place`].
    pub(crate) fn reload(&self, config: &AccessConfig) -> Result<Reloaded, LoadErrors> {
        let access = self.0.current.read_again(config)?;
        Ok(Reloaded { of: self.clone(), access })
    }

    /// Whether those who are connected are judged again.
    pub(crate) fn set_enforced(&self, enforce: bool) {
        self.0.enforce.send_replace(enforce);
    }

    /// What may surprise about the files that were read, in lines.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.0.current.warnings(PLANES)
    }

    /// Where the decisions are written down.
    pub(crate) fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// Whether those who are connected are judged again. It changes, if only to the same, with each reload.
    pub(crate) fn enforced(&self) -> watch::Receiver<bool> {
        self.0.enforce.subscribe()
    }

    /// Whether whoever shows this at `address` may be the frontier `id`.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn frontier(
        &self,
        address: IpAddr,
        presented: &PresentedCredentials,
        id: &str,
    ) -> Result<Verified, AuthnError> {
        let asked = self.ask(FRONTIER_PLANE, Side::Frontier, address, &presented.credentials())?;
        let Some(verified) = asked else { return Ok(Verified::default()) };
        verified.confirm_frontier(id)?;
        Ok(verified)
    }

    /// The same for one who is connected, without a count of failures.
    pub(crate) fn review_frontier(
        &self,
        presented: &PresentedCredentials,
        id: &str,
    ) -> Result<Verified, AuthnError> {
        let current = self.0.current.current();
        let Some(authenticator) = current.authenticator(FRONTIER_PLANE).filter(|it| !it.is_none()) else {
            return Ok(Verified::default());
        };
        let now = ClockReading::now().wall;
        let verified = authenticator.authenticate(Side::Frontier, &presented.credentials(), now)?;
        verified.confirm_frontier(id)?;
        Ok(verified)
    }

    /// Who may ask the control plane.
    pub(crate) fn operators(&self) -> Operators {
        self.0.current.operators(CONTROL_PLANE, AuditTarget::Frontlas)
    }

    /// `None` where nobody is asked.
    fn ask(
        &self,
        plane: &str,
        side: Side,
        address: IpAddr,
        credentials: &Credentials<'_>,
    ) -> Result<Option<Verified>, AuthnError> {
        let current = self.0.current.current();
        let Some(authenticator) = current.authenticator(plane).filter(|it| !it.is_none()) else {
            return Ok(None);
        };
        current.authenticate(authenticator, side, address, credentials, ClockReading::now()).map(Some)
    }
}

/// Files that were read again, all of which are good.
pub(crate) struct Reloaded {
    of: PlaneAccess,
    access: Access,
}

impl Reloaded {
    /// From here on these hold: for who connects, and where that is enforced for who is connected.
    pub(crate) fn put_in_place(self, enforce: bool) {
        self.of.0.current.put_in_place(self.access);
        self.of.set_enforced(enforce);
    }
}

impl fmt::Debug for PlaneAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaneAccess").finish_non_exhaustive()
    }
}
