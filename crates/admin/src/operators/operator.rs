//! One who asks, and what of it is written down.

use super::audit::{Audit, Change};
use super::told;
use crate::error::ApiError;
use frontier_access::authn::{OperatorRole, Verified};
use std::net::SocketAddr;
use std::sync::Arc;

/// Who has sent a request, by its credentials. An extension of each request that a server with
/// [`Server::operators`](crate::Server::operators) lets pass.
#[derive(Clone, Debug)]
pub struct Operator {
    addr: SocketAddr,
    /// `None` where nobody is asked.
    verified: Option<Arc<Verified>>,
    audit: Arc<Audit>,
}

impl Operator {
    pub(super) fn anybody(addr: SocketAddr, audit: Arc<Audit>) -> Self {
        Self { addr, verified: None, audit }
    }

    pub(super) fn verified(addr: SocketAddr, verified: Verified, audit: Arc<Audit>) -> Self {
        Self { addr, verified: Some(Arc::new(verified)), audit }
    }

    /// Whether nobody is asked who they are.
    pub(crate) fn is_anybody(&self) -> bool {
        self.verified.is_none()
    }

    /// As what it may do: everything, where nobody is asked who they are.
    #[must_use]
    pub fn role(&self) -> OperatorRole {
        // Who has none is not let in.
        self.verified.as_ref().map_or(OperatorRole::Admin, |it| it.role.unwrap_or(OperatorRole::Read))
    }

    /// The name of its credentials; `None` where nobody is asked who they are.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.verified.as_ref().map(|verified| verified.subject.as_str())
    }

    /// Whether its role goes as far as `needed`, for what is done too often to stand in the audit log.
    ///
    /// # Errors
    /// [`ApiError::Denied`]
    pub fn confirm(&self, needed: OperatorRole) -> Result<(), ApiError> {
        self.verified.as_ref().map_or(Ok(()), |verified| verified.confirm_role(needed)).map_err(told)
    }

    /// Does `work` if the role goes as far as `needed`. Either way the audit log has a line of it: who, from where, the
    /// `action` on the `target`, and what became of it.
    ///
    /// # Errors
    /// [`ApiError::Denied`] if it does not, or that of `work`.
    ///
    /// # Cancel safety
    /// As cancel safe as `work`. The log tells that it was given up.
    pub async fn perform<T>(
        &self,
        needed: OperatorRole,
        action: &'static str,
        target: &str,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let (addr, verified) = (self.addr, self.verified.as_deref());
        let mut change = Change::new(&self.audit, addr, verified, action, target);
        if let Some(Err(error)) = verified.map(|verified| verified.confirm_role(needed)) {
            change.is_denied(&error);
            return Err(told(error));
        }
        let done = work.await;
        change.is_done(done.as_ref().err());
        done
    }
}
