//! Who may ask a control plane, and change something by it.
//!
//! ```text
//!   request ── token, certificate ─▶ Operators ─▶ Access ─▶ no role: refused
//!                                                   └─▶ Operator, an extension of the request
//!   handler ── Operator::perform ─▶ is its role enough? ─▶ the change ─▶ a line of the audit log
//! ```

mod audit;
mod auth;
mod certificate;
mod live;
mod operator;

pub use audit::{AuditTarget, admit_line};
pub use auth::{PlaneAuth, exposure, is_local, no_way_in};
pub use certificate::client_certificate;
pub use live::{LiveAccess, read_planes};
pub use operator::Operator;

use audit::Audit;

use crate::connection::Caller;
use crate::error::ApiError;
use crate::guard::{api_key, bearer_token, protocol_token};
use frontier_access::authn::{AuthnError, Credentials, OperatorRole, Side, Verified};
use frontier_access::{Access, ClockReading};
use frontier_protocol::Code;
use http::{HeaderMap, Uri};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Who may ask a control plane, as of now. Cheap to clone.
#[derive(Clone)]
pub struct Operators {
    plane: &'static str,
    access: Arc<dyn Fn() -> Arc<Access> + Send + Sync>,
    audit: Arc<Audit>,
    takes_api_keys: bool,
    takes_protocols: bool,
}

impl Operators {
    /// By what `access` has, at the time of each request, for the listener `plane`. If it asks for nothing, everybody
    /// may do everything.
    pub fn new(
        plane: &'static str,
        target: AuditTarget,
        access: impl Fn() -> Arc<Access> + Send + Sync + 'static,
    ) -> Self {
        Self {
            plane,
            access: Arc::new(access),
            audit: Arc::new(Audit::new(target)),
            takes_api_keys: false,
            takes_protocols: false,
        }
    }

    /// Takes a token in `X-Api-Key` as well as one in `Authorization`, but not two.
    #[must_use]
    pub fn with_api_keys(self) -> Self {
        Self { takes_api_keys: true, ..self }
    }

    /// Takes a token in a subprotocol of a WebSocket as well, since pages can set no header: [`protocol_token`].
    #[must_use]
    pub fn with_protocols(self) -> Self {
        Self { takes_protocols: true, ..self }
    }

    /// The one that is there: of several nobody could tell which one counts.
    fn token<'h>(&self, headers: &'h HeaderMap) -> Option<Cow<'h, str>> {
        let bearer = bearer_token(headers).map(Cow::from);
        let key = api_key(headers).filter(|_| self.takes_api_keys).map(Cow::from);
        let protocol = protocol_token(headers).filter(|_| self.takes_protocols).map(Cow::from);
        let mut shown = [bearer, key, protocol].into_iter().flatten();
        shown.next().filter(|_| shown.next().is_none())
    }

    /// Who sends a request, if they may look at anything at all.
    pub(crate) fn check(
        &self,
        caller: &Caller,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Operator, ApiError> {
        let refuse = |code, error: ApiError| {
            self.audit.refused(caller.addr, code, &error);
            error
        };
        caller
            .check_certificate()
            .map_err(|error| refuse(Code::Unauthenticated, ApiError::Unauthenticated(error.to_string())))?;
        let granted = self.identify(caller, headers).and_then(|verified| match verified {
            Some(verified) => verified.confirm_role(OperatorRole::Read).map(|()| Some(verified)),
            None => Ok(None),
        });
        match granted {
            // Nobody is asked: there is nothing to tell of anybody.
            Ok(None) => {
                let checked = caller.check_host(uri, headers);
                checked.map_err(|error| refuse(Code::Denied, error))?;
                Ok(Operator::anybody(caller.addr, self.audit.clone()))
            }
            Ok(Some(verified)) => {
                if caller.is_new() {
                    self.audit.accepted(caller.addr, &verified);
                }
                Ok(Operator::verified(caller.addr, verified, self.audit.clone()))
            }
            Err(error) => Err(refuse(error.code(), told(error))),
        }
    }

    /// `None` where nobody is asked.
    fn identify(&self, caller: &Caller, headers: &HeaderMap) -> Result<Option<Verified>, AuthnError> {
        let access = (self.access)();
        let Some(authenticator) = access.authenticator(self.plane).filter(|it| !it.is_none()) else {
            return Ok(None);
        };
        let certificate = caller.certificate.as_deref();
        let token = self.token(headers);
        let credentials = Credentials { token: token.as_deref(), certificate };
        let address = caller.addr.ip();
        access
            .authenticate(authenticator, Side::Operator, address, &credentials, ClockReading::now())
            .map(Some)
    }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operators").field("plane", &self.plane).finish_non_exhaustive()
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
