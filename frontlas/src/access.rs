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
mod certificate;
mod config;

pub(crate) use certificate::client_certificate;
pub(crate) use config::{Listening, key_of, read, refuse_open_planes};

use arc_swap::ArcSwap;
use audit::Audit;
use frontier_access::authn::{AuthnError, Credentials, OperatorRole, PresentedCredentials, Side, Verified};
use frontier_access::{Access, AccessConfig, ClockReading, LoadErrors};
use frontier_admin::{ApiError, Caller, bearer_token};
use frontier_transport::PeerCertificate;
use http::HeaderMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// The names of the two planes in [`AccessConfig::auth`]: their sections.
pub(crate) const CONTROL_PLANE: &str = "control_plane";
pub(crate) const FRONTIER_PLANE: &str = "frontier_plane";

/// Who may connect to the two planes. Cheap to clone; what is reloaded in one is so in all.
#[derive(Clone)]
pub struct PlaneAccess(Arc<Inner>);

struct Inner {
    current: ArcSwap<Access>,
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
        let access = Access::load(&AccessConfig::default(), Instant::now());
        Self::new(access.expect("nothing is read where nothing is configured"))
    }

    /// Reads the files that `config` names. Blocks while it does.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(config: &AccessConfig) -> Result<Self, LoadErrors> {
        Access::load(config, Instant::now()).map(Self::new)
    }

    fn new(access: Access) -> Self {
        let (current, enforce) = (ArcSwap::from_pointee(access), watch::Sender::new(false));
        Self(Arc::new(Inner { current, audit: Audit::default(), enforce }))
    }

    /// Reads the files again, and keeps what has been counted. Nothing changes until [`Reloaded::put_in_place`].
    pub(crate) fn reload(&self, config: &AccessConfig) -> Result<Reloaded, LoadErrors> {
        let access = self.0.current.load().reload(config, Instant::now())?;
        Ok(Reloaded { of: self.clone(), access })
    }

    /// Whether those who are connected are judged again.
    pub(crate) fn set_enforced(&self, enforce: bool) {
        self.0.enforce.send_replace(enforce);
    }

    /// What may surprise about the files that were read, in lines.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let current = self.0.current.load();
        let planes = [(CONTROL_PLANE, Side::Operator, "role"), (FRONTIER_PLANE, Side::Frontier, "frontier")];
        let useless = planes.into_iter().filter(|(plane, side, _)| {
            current.authenticator(plane).is_some_and(|authenticator| !authenticator.has_way_in(*side))
        });
        let useless = useless.map(|(plane, _, key)| {
            format!("{plane}.auth: nobody gets in: none of the tokens that it names has a `{key}`")
        });
        current.warnings().iter().map(ToString::to_string).chain(useless).collect()
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
        let current = self.0.current.load();
        let Some(authenticator) = current.authenticator(FRONTIER_PLANE).filter(|it| !it.is_none()) else {
            return Ok(Verified::default());
        };
        let now = ClockReading::now().wall;
        let verified = authenticator.authenticate(Side::Frontier, &presented.credentials(), now)?;
        verified.confirm_frontier(id)?;
        Ok(verified)
    }

    /// Whether whoever sends this request may look at the cluster.
    ///
    /// # Errors
    /// What it is told.
    pub(crate) fn operator(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), ApiError> {
        let presented = caller.certificate.as_ref();
        let certificate = presented.and_then(|der| PeerCertificate::parse(std::slice::from_ref(der)));
        let certificate = certificate.as_ref().map(client_certificate);
        let credentials = Credentials { token: bearer_token(headers), certificate: certificate.as_ref() };
        let asked = self.ask(CONTROL_PLANE, Side::Operator, caller.addr.ip(), &credentials);
        let granted = asked.and_then(|verified| match verified {
            Some(verified) => verified.confirm_role(OperatorRole::Read).map(|()| Some(verified)),
            None => Ok(None),
        });
        match granted {
            // Nobody is asked: there is nothing to tell of anybody.
            Ok(None) => Ok(()),
            Ok(Some(verified)) => {
                if caller.is_new() {
                    self.0.audit.operator_accepted(caller.addr, &verified);
                }
                Ok(())
            }
            Err(error) => {
                self.0.audit.operator_refused(caller.addr, &error);
                Err(told(error))
            }
        }
    }

    /// `None` where nobody is asked.
    fn ask(
        &self,
        plane: &str,
        side: Side,
        address: IpAddr,
        credentials: &Credentials<'_>,
    ) -> Result<Option<Verified>, AuthnError> {
        let current = self.0.current.load();
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
        self.of.0.current.store(Arc::new(self.access));
        self.of.set_enforced(enforce);
    }
}

impl fmt::Debug for PlaneAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaneAccess").finish_non_exhaustive()
    }
}

/// What a client of the control plane is told.
fn told(error: AuthnError) -> ApiError {
    let text = error.to_string();
    match error {
        AuthnError::Throttled { retry_after } => ApiError::Throttled { reason: text, retry_after },
        // It is known who asks.
        AuthnError::NotOperator | AuthnError::RoleTooLow { .. } => ApiError::Denied(text),
        _ => ApiError::Unauthenticated(text),
    }
}

/// Whether only this machine reaches it.
pub(crate) fn is_local(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}
