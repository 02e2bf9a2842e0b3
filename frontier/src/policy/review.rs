//! A later policy looks at those who are connected.

use super::{Policies, Policy, Standing, service_id};
use crate::exchange::Exchange;
use crate::peer::{Identity, Peer};
use frontier_access::authn::{AuthnError, ClientCertificate, PresentedCredentials, Verified};
use frontier_access::{ClockReading, Principal};
use frontier_protocol::{Code, Role};
use frontier_transport::CloseReason;
use std::sync::Arc;
use tracing::info;

/// Why somebody who is connected would not be let in any more: what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: Code,
    text: String,
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
        let policy = self.current();
        let (shown, verified) = match peer.access.standing() {
            Some(standing) => (standing.shown.clone(), standing.verified.clone()),
            None => Default::default(),
        };
        let (verified, refused) = match self.identify(&policy, exchange, peer, &shown, at) {
            Ok(anew) => (Arc::new(anew), None),
            Err(refusal) => (verified, Some(refusal)),
        };
        if peer.is_forwarder() {
            peer.access.set(Standing::bare(&shown, &verified));
        } else {
            let described = peer.described(&verified);
            let grants = policy.access.rules().grants(&described);
            let meter = policy.access.quotas().meter(&described, at.instant);
            peer.access.set(Standing::new(&shown, &verified, grants, meter));
        }
        let refused = refused.or_else(|| {
            let denial = exchange.registry.services.denied_name(peer)?;
            Some(Refusal { code: denial.code(), text: denial.to_string() })
        });
        if let Some(Refusal { code, text }) = &refused
            && policy.reload.enforce
        {
            info!(peer = peer.wire_id(), addr = %peer.addr, error = %text, "closing a connection");
            peer.link.close(CloseReason::Refused(*code, text.clone()));
        }
        refused
    }

    /// Who the peer is by what it showed, as if it came now.
    fn identify(
        &self,
        policy: &Policy,
        exchange: &Exchange,
        peer: &Peer,
        shown: &PresentedCredentials,
        at: ClockReading,
    ) -> Result<Verified, Refusal> {
        let (role, listener) = (peer.role(), peer.access.listener);
        if let Some(tls) = self.tls(role, listener) {
            let chain = shown.certificate.as_deref().map(ClientCertificate::chain).unwrap_or_default();
            tls.check_client(&chain, at.wall)
                .map_err(|error| Refusal { code: Code::Unauthenticated, text: error.to_string() })?;
        }
        let Some(authenticator) = policy.authenticator(role, listener) else {
            return Ok(Verified::default());
        };
        let mut verified = authenticator.authenticate(role, &shown.credentials(), at.wall)?;
        match &peer.identity {
            Identity::Edge { id, meta } => {
                verified.confirm_edge(Some(*id))?;
                authenticator.add_claims(meta, &mut verified);
            }
            Identity::Service { id, name } => {
                service_id::confirm(&verified, &exchange.registry.services, name, Some(*id)).map(drop)?;
            }
            Identity::Forwarder { id, .. } if policy.asks(role, listener) => verified.confirm_frontier(id)?,
            Identity::Forwarder { .. } | Identity::Holder { .. } | Identity::Lobby => {}
        }
        Ok(verified)
    }

    /// Looks again at those whose credentials have expired.
    pub(crate) fn enforce_expiry(&self, exchange: &Exchange) {
        let at = ClockReading::now();
        let mut expired = Vec::new();
        exchange.registry.for_each(|peer| {
            let end = peer.access.standing().and_then(|standing| standing.verified.expires);
            if end.is_some_and(|end| end <= at.wall) && !peer.link.is_closed() {
                expired.push(peer.clone());
            }
        });
        for peer in &expired {
            self.review(exchange, peer, at);
        }
    }
}

impl Peer {
    fn described<'a>(&'a self, verified: &'a Verified) -> Principal<'a> {
        Principal {
            role: self.role(),
            subject: &verified.subject,
            edge_id: self.edge_id(),
            service: self.name(),
            labels: &verified.labels,
            address: self.addr.ip(),
        }
    }

    fn role(&self) -> Role {
        match self.identity {
            Identity::Edge { .. } => Role::Edge,
            Identity::Service { .. } => Role::Service,
            Identity::Forwarder { .. } | Identity::Holder { .. } | Identity::Lobby => Role::Frontier,
        }
    }
}
