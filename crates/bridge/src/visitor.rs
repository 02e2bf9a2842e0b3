//! Who comes to the bridge: from which page, with which credentials, and what it may see by the rules.
//!
//! A page can set no header on a WebSocket or an EventSource. So a token is taken from where it can be put safely: the
//! header `Authorization` for programs and `fetch`; a subprotocol of a WebSocket, which no log keeps; or a ticket in the
//! URL, which is given for a token and good once. There are no cookies, so no other site can have a browser show any.

use crate::counters::Refusal;
use crate::tickets::Tickets;
use frontier_access::authn::{AuthnError, Credentials, Side, Verified};
use frontier_access::{Access, ClockReading, Principal};
use frontier_admin::{ApiError, Caller, bearer_token, protocol_token};
use frontier_protocol::Role;
use frontier_transport::OriginPattern;
use http::{HeaderMap, Uri, header};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// The name under which [`Access`] has what is asked here.
pub const PLANE: &str = "bridge";

/// Who may come, as of now.
pub(crate) struct Door {
    pub(crate) access: Arc<dyn Fn() -> Arc<Access> + Send + Sync>,
    pub(crate) origins: Vec<OriginPattern>,
    pub(crate) tickets: Tickets,
}

/// Who has come. An extension of each request that is let pass.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) verified: Arc<Verified>,
    pub(crate) addr: SocketAddr,
}

/// Why somebody is turned away: what it is told, and as what it is counted.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    pub(crate) why: Refusal,
    pub(crate) error: ApiError,
}

impl Door {
    /// Who sends this request.
    pub(crate) fn enter(
        &self,
        caller: &Caller,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Visitor, TurnedAway> {
        self.check_origin(headers)?;
        let access = (self.access)();
        let asks = access.authenticator(PLANE).filter(|it| !it.is_none());
        let checked = caller.check_certificate();
        checked.map_err(|error| TurnedAway {
            why: Refusal::Credentials,
            error: ApiError::Unauthenticated(error.to_string()),
        })?;
        let Some(authenticator) = asks else {
            // A page could have its own name lead to this machine, and be of the same origin then.
            let checked = caller.check_host(uri, headers);
            checked.map_err(|error| TurnedAway { why: Refusal::Host, error })?;
            return Ok(Visitor { verified: Arc::default(), addr: caller.addr });
        };
        let turned_away = |error: AuthnError| TurnedAway { why: Refusal::Credentials, error: told(error) };
        if let Some(ticket) = ticket(uri) {
            let verified = self.tickets.take(&ticket, Instant::now());
            let verified = verified.ok_or_else(|| TurnedAway {
                why: Refusal::Credentials,
                error: ApiError::Unauthenticated(
                    "the ticket is unknown, used, or too old: get another one".into(),
                ),
            })?;
            return Ok(Visitor { verified, addr: caller.addr });
        }
        let protocol_token = protocol_token(headers);
        let token = bearer_token(headers).or(protocol_token.as_deref());
        let credentials = Credentials { token, certificate: caller.certificate.as_deref() };
        let (address, now) = (caller.addr.ip(), ClockReading::now());
        let verified = access.authenticate(authenticator, Side::Subscriber, address, &credentials, now);
        Ok(Visitor { verified: Arc::new(verified.map_err(turned_away)?), addr: caller.addr })
    }

    /// Whether the rules let it see this topic.
    pub(crate) fn check_topic(&self, visitor: &Visitor, topic: &str) -> Result<(), TurnedAway> {
        let Verified { subject, labels, .. } = &*visitor.verified;
        // It is neither a service nor an edge with an id, so no rule for either is about it.
        let principal = Principal {
            role: Role::Edge,
            subject,
            edge_id: None,
            service: "",
            labels,
            address: Some(visitor.addr.ip()),
        };
        let grants = (self.access)().rules().grants(&principal);
        grants
            .may_subscribe(topic)
            .map_err(|denied| TurnedAway { why: Refusal::Rules, error: ApiError::Denied(denied.to_string()) })
    }

    /// The origin, if it is one that may connect.
    pub(crate) fn allowed_origin<'h>(&self, headers: &'h HeaderMap) -> Option<&'h http::HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.origins.iter().any(|pattern| pattern.allows(text)).then_some(origin)
    }

    /// Browsers name the origin of the page, and a page can't keep them from it. Programs name none.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), TurnedAway> {
        if !headers.contains_key(header::ORIGIN) || self.allowed_origin(headers).is_some() {
            return Ok(());
        }
        let text = "pages of this origin may not connect (bridge.allowed_origins)";
        Err(TurnedAway { why: Refusal::Origin, error: ApiError::Denied(text.into()) })
    }
}

/// The value of a parameter of the query.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?.as_bytes();
    form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn ticket(uri: &Uri) -> Option<String> {
    parameter(uri, "ticket")
}

fn told(error: AuthnError) -> ApiError {
    let text = error.to_string();
    match error {
        AuthnError::Throttled { retry_after } => ApiError::Throttled { reason: text, retry_after },
        _ => ApiError::Unauthenticated(text),
    }
}
