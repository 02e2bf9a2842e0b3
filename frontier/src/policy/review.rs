//! A later policy looks at those who are connected.

use super::{Policies, Policy, service_id};
use frontier_access::authn::{AuthnError, PresentedCredentials, Verified};
use frontier_access::{ClockReading, PeerText, Principal};
use frontier_exchange::{Authorization, CloseReason, Exchange, Failure, Identity, Peer};
use frontier_protocol::{Code, Role};
use std::sync::Arc;
use tracing::debug;
use tracing::field::display;

/// Why somebody who is connected would not be let in any more: what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: Code,
    text: String,
}

/// The policy holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stale;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.text)
    }
}

impl From<AuthnError> for Refusal {
    fn from(error: AuthnError) -> Self {
        Self { code: error.code(), text: error.to_string() }
    }
}

impl Policies {
    /// Has the policy that holds now look at `peer`: from here on it may do what that says. If it would not be
    /// let in any more, its connection is closed where that is enforced, and goes on as it was where not.
    pub(crate) fn review(&self, exchange: &Exchange, peer: &Arc<Peer>, at: ClockReading) -> Option<Refusal> {
        self.review_by_latest(exchange, peer, at, |policy| policy.reload.enforce)
    }

    /// Once more where a later policy was faster.
    fn review_by_latest(
        &self,
        exchange: &Exchange,
        peer: &Arc<Peer>,
        at: ClockReading,
        enforce: impl Fn(&Policy) -> bool,
    ) -> Option<Refusal> {
        loop {
            let policy = self.current();
            if let Ok(refused) = self.review_by(&policy, exchange, peer, at, enforce(&policy)) {
                return refused;
            }
        }
    }

    /// The same for a peer that comes into the registry just now, having been let in by `admitted_by`. If another
    /// policy holds by now it is judged by that, and closed whatever is enforced: it has not been here before.
    pub(crate) fn review_newcomer(
        &self,
        exchange: &Exchange,
        peer: &Arc<Peer>,
        admitted_by: &Arc<Policy>,
    ) -> Option<Refusal> {
        if Arc::ptr_eq(&self.current(), admitted_by) {
            return None;
        }
        self.review_by_latest(exchange, peer, ClockReading::now(), |_| true)
    }

    /// [`Stale`] if a later policy has judged the peer meanwhile: what it says holds.
    fn review_by(
        &self,
        policy: &Policy,
        exchange: &Exchange,
        peer: &Arc<Peer>,
        at: ClockReading,
        enforce: bool,
    ) -> Result<Option<Refusal>, Stale> {
        let (presented, verified) = match peer.authorization().get() {
            Some(authorization) => (authorization.presented.clone(), authorization.verified.clone()),
            None => Default::default(),
        };
        let (verified, refused) = match self.identify(policy, exchange, peer, &presented, at) {
            Ok(anew) => (Arc::new(anew), None),
            Err(refusal) => (verified, Some(refusal)),
        };
        let authorization = if peer.is_origin_gateway() {
            Authorization::unrestricted(&presented, &verified)
        } else {
            let principal = principal(peer, &verified);
            let grants = policy.access.rules().grants(&principal);
            let meter = policy.access.quotas().meter(&principal, at.instant);
            Authorization::new(&presented, &verified, grants, meter)
        };
        if !peer.authorization().set_by(policy.generation, authorization) {
            return Err(Stale);
        }
        let refused = refused.or_else(|| {
            let denial = exchange.denied_registration(peer)?;
            Some(Refusal { code: denial.code(), text: denial.to_string() })
        });
        if let Some(Refusal { code, text }) = &refused
            && enforce
        {
            let addr = peer.addr().map(display);
            // The line at the end of the connection says it for everybody else.
            debug!(peer = peer.number(), addr, error = %PeerText(text), "closing a connection");
            peer.outlet().close(CloseReason::Refused(*code, text.clone()));
        }
        Ok(refused)
    }

    /// Who the peer is by what it presented, as if it came now.
    fn identify(
        &self,
        policy: &Policy,
        exchange: &Exchange,
        peer: &Peer,
        presented: &PresentedCredentials,
        at: ClockReading,
    ) -> Result<Verified, Refusal> {
        let (role, listener) = (role(peer), peer.authorization().listener());
        self.check_certificate(role, listener, presented, at)
            .map_err(|error| Refusal { code: Code::Unauthenticated, text: error.to_string() })?;
        let Some(authenticator) = policy.authenticator(role, listener) else {
            return Ok(Verified::default());
        };
        let mut verified = authenticator.authenticate(role, &presented.credentials(), at.wall)?;
        match peer.identity() {
            Identity::Edge { id, meta } => {
                verified.confirm_edge(Some(*id))?;
                authenticator.add_claims(meta, &mut verified);
            }
            Identity::Service { id, name } => {
                service_id::confirm(&verified, exchange, name, Some(*id)).map(drop)?;
            }
            Identity::OriginGateway { id } if policy.asks(role, listener) => verified.confirm_frontier(id)?,
            _ => {}
        }
        Ok(verified)
    }

    /// Looks again at those whose credentials have expired.
    pub(crate) fn enforce_expiry(&self, exchange: &Exchange) {
        let at = ClockReading::now();
        let mut expired = Vec::new();
        exchange.for_each(|peer| {
            let end = peer.authorization().get().and_then(|it| it.verified.expires);
            if end.is_some_and(|end| end <= at.wall) && !peer.outlet().is_closed() {
                expired.push(peer.clone());
            }
        });
        for peer in &expired {
            self.review(exchange, peer, at);
        }
    }
}

fn principal<'a>(peer: &'a Peer, verified: &'a Verified) -> Principal<'a> {
    Principal {
        role: role(peer),
        subject: &verified.subject,
        edge_id: peer.edge_id(),
        service: peer.name(),
        labels: &verified.labels,
        address: peer.addr().map(|addr| addr.ip()),
    }
}

fn role(peer: &Peer) -> Role {
    match peer.identity() {
        Identity::Edge { .. } => Role::Edge,
        Identity::Service { .. } => Role::Service,
        _ => Role::Frontier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Remote};

    #[tokio::test]
    async fn a_review_that_began_under_an_earlier_policy_changes_nothing_after_a_later_one() {
        let context = testing::context(Role::Service, testing::config());
        let (policies, exchange) = (&context.policies, &context.exchange);
        let service = Remote::service(exchange, 1, &[], &[]).await;
        let at = ClockReading::now();
        let before = policies.current();
        testing::asks_for_tokens(&context, "servicebound");
        let after = policies.current();
        assert!(policies.review_by(&after, exchange, &service.peer, at, false).unwrap().is_some());
        // The earlier one would let it in, or shut it out: neither counts.
        for enforce in [false, true] {
            assert_eq!(policies.review_by(&before, exchange, &service.peer, at, enforce), Err(Stale));
        }
        assert!(!service.peer.outlet().is_closed());
        assert!(policies.review(exchange, &service.peer, at).is_some(), "as often as one likes");
    }
}
