//! What services are told about edges, and asked about them: `get_edge_id`, `edge_online`, `edge_offline`.

use crate::own_call::OwnCall;
use crate::{Exchange, Failure, Identity, OwnReply, Peer};
use frontier_access::authn::Verified;
use frontier_protocol::{Code, EDGE_OFFLINE, EDGE_ONLINE, EdgeId, GET_EDGE_ID, VerifiedEdge};
use std::net::SocketAddr;
use std::time::Duration;

/// An edge that is to get an id: what is known of it.
#[derive(Debug)]
pub struct EdgeIdRequest<'a> {
    /// What it says of itself.
    pub meta: &'a [u8],
    /// What its credentials say.
    pub verified: &'a Verified,
    /// Where it connects from.
    pub addr: SocketAddr,
}

/// Asks a service for the id of an edge. `None` if no service gives out ids.
///
/// # Errors
/// What the edge is told: the service has refused it, or could not reply.
///
/// # Cancel safety
/// Cancel safe: the service is told that nobody waits any more.
pub async fn edge_id(
    exchange: &Exchange,
    request: &EdgeIdRequest<'_>,
    timeout: Duration,
) -> Option<Result<EdgeId, Failure>> {
    let EdgeIdRequest { meta, verified, addr } = request;
    let known = VerifiedEdge {
        subject: &verified.subject,
        edge_id: verified.edge_id,
        labels: verified.attested().collect(),
    };
    // Spread by address: there is no id yet, and 0 is none.
    let key = EdgeId(u64::from(addr.port()).max(1));
    let own = OwnCall { method: GET_EDGE_ID, custom: &known.encode(), payload: meta, may_repeat: true };
    let reply = exchange.call_service(own, key, Some(addr.ip()), timeout).await?;
    Some(match reply.code {
        Code::Ok => match reply.payload.as_slice().try_into().map(u64::from_be_bytes) {
            Ok(0) | Err(_) => Err(Failure::new(Code::Internal, "the service gave out no valid EdgeID")),
            Ok(id) => Ok(EdgeId(id)),
        },
        _ => Err(failed(&reply)),
    })
}

/// Why an edge does not come online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOnline {
    /// What the edge is told: the service has refused it, or could not reply.
    pub failure: Failure,
    /// Whether a service has the event, and may yet act on it: it is to be told that the edge has left.
    pub may_be_told: bool,
}

/// Tells a service that `edge` comes. It is asked once: where the way to it was lost, it may have been told.
///
/// # Errors
/// [`NotOnline`].
pub async fn online(exchange: &Exchange, edge: &Peer, timeout: Duration) -> Result<(), NotOnline> {
    let Some((id, payload)) = event(edge) else { return Ok(()) };
    let call = told(EDGE_ONLINE, &payload, false);
    let Some(reply) = exchange.call_service(call, id, edge.ip(), timeout).await else { return Ok(()) };
    let failure = match reply.code {
        Code::Ok => return Ok(()),
        _ => failed(&reply),
    };
    Err(NotOnline { failure, may_be_told: reply.is_uncertain })
}

/// Tells a service that `edge` has left; rather twice, where the way to another gateway was lost, than not at all. Nothing
/// that goes wrong here concerns the edge.
pub async fn offline(exchange: &Exchange, edge: &Peer, timeout: Duration) {
    let Some((id, payload)) = event(edge) else { return };
    let reply = exchange.call_service(told(EDGE_OFFLINE, &payload, true), id, edge.ip(), timeout).await;
    if let Some(reply) = reply
        && reply.code != Code::Ok
    {
        exchange.log_callback(EDGE_OFFLINE, edge, &reply.text());
    }
}

fn told<'a>(method: &'a str, payload: &'a [u8], may_repeat: bool) -> OwnCall<'a> {
    OwnCall { method, custom: b"", payload, may_repeat }
}

/// What the edge is told. A service that refuses it means so, for good; one that fails must not make its edges give up:
/// what it replies is retryable for them.
fn failed(reply: &OwnReply) -> Failure {
    match reply.code {
        Code::Application | Code::Denied | Code::Unauthenticated => Failure::new(Code::Denied, reply.text()),
        code if code.is_retryable() => Failure::new(code, reply.text()).detailed(reply.detail),
        _ => Failure::new(Code::Internal, reply.text()),
    }
}

/// The payload of both events: the id, the address (empty if it has none), the meta.
fn event(edge: &Peer) -> Option<(EdgeId, Vec<u8>)> {
    let Identity::Edge { id, meta } = edge.identity() else { return None };
    let addr = edge.addr().map_or_else(String::new, |addr| addr.to_string());
    let mut payload = Vec::with_capacity(10 + addr.len() + meta.len());
    payload.extend_from_slice(&id.0.to_be_bytes());
    payload.extend_from_slice(&u16::try_from(addr.len()).unwrap_or(0).to_be_bytes());
    payload.extend_from_slice(addr.as_bytes());
    payload.extend_from_slice(meta);
    Some((*id, payload))
}

#[cfg(test)]
mod tests;
