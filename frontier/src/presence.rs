//! What services are told about edges, and asked about them.

use crate::calls::Answer;
use crate::exchange::{Exchange, Failure, OwnCall};
use crate::peer::{Identity, Peer};
use frontier_access::authn::Verified;
use frontier_protocol::{Code, EDGE_OFFLINE, EDGE_ONLINE, EdgeId, GET_EDGE_ID, VerifiedEdge};
use std::net::SocketAddr;
use std::time::Duration;

/// An edge that is to get an id: what is known of it.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// What it says of itself.
    pub(crate) meta: &'a [u8],
    /// What its credentials say.
    pub(crate) verified: &'a Verified,
    pub(crate) addr: SocketAddr,
}

/// Asks a service for the id of an edge. `None` if no service gives out ids.
pub(crate) async fn edge_id(
    exchange: &Exchange,
    question: &Question<'_>,
    timeout: Duration,
) -> Option<Result<EdgeId, Failure>> {
    let Question { meta, verified, addr } = question;
    let known = VerifiedEdge {
        subject: &verified.subject,
        edge_id: verified.edge_id,
        labels: verified.attested().collect(),
    };
    // Spread by address: there is no id yet.
    let key = EdgeId(u64::from(addr.port()));
    let own = OwnCall { method: GET_EDGE_ID, custom: &known.encode(), payload: meta };
    let answer = exchange.call_service(own, key, addr.ip(), timeout).await?;
    Some(match answer.code {
        Code::Ok => match answer.payload.as_slice().try_into().map(u64::from_be_bytes) {
            Ok(0) | Err(_) => Err(Failure::new(Code::Internal, "the service gave out no valid EdgeID")),
            Ok(id) => Ok(EdgeId(id)),
        },
        Code::Application => Err(Failure::new(Code::Denied, answer.text())),
        _ => Err(failed(&answer)),
    })
}

/// Tells a service that `edge` comes. The service may refuse it.
pub(crate) async fn online(exchange: &Exchange, edge: &Peer, timeout: Duration) -> Result<(), Failure> {
    let Some((id, payload)) = event(edge) else { return Ok(()) };
    let answer = exchange.call_service(told(EDGE_ONLINE, &payload), id, edge.addr.ip(), timeout).await;
    match answer {
        None => Ok(()),
        Some(answer) => match answer.code {
            Code::Ok => Ok(()),
            Code::Application => Err(Failure::new(Code::Denied, answer.text())),
            _ => Err(failed(&answer)),
        },
    }
}

/// Tells a service that `edge` has left. Nothing that goes wrong here concerns the edge.
pub(crate) async fn offline(exchange: &Exchange, edge: &Peer, timeout: Duration) {
    let Some((id, payload)) = event(edge) else { return };
    let answer = exchange.call_service(told(EDGE_OFFLINE, &payload), id, edge.addr.ip(), timeout).await;
    if let Some(answer) = answer
        && answer.code != Code::Ok
    {
        tracing::warn!(edge = %id, error = %answer.text(), "edge_offline was not taken");
    }
}

fn told<'a>(method: &'a str, payload: &'a [u8]) -> OwnCall<'a> {
    OwnCall { method, custom: b"", payload }
}

/// A service that fails must not make its edges give up: what it answers is retryable for them.
fn failed(answer: &Answer) -> Failure {
    match answer.code.is_retryable() {
        true => Failure::new(answer.code, answer.text()).detailed(answer.detail),
        false => Failure::new(Code::Internal, answer.text()),
    }
}

/// The payload of both events: the id, the address, the meta.
fn event(edge: &Peer) -> Option<(EdgeId, Vec<u8>)> {
    let Identity::Edge { id, meta } = &edge.identity else { return None };
    let addr = edge.addr.to_string();
    let mut payload = Vec::with_capacity(10 + addr.len() + meta.len());
    payload.extend_from_slice(&id.0.to_be_bytes());
    payload.extend_from_slice(&u16::try_from(addr.len()).unwrap_or(0).to_be_bytes());
    payload.extend_from_slice(addr.as_bytes());
    payload.extend_from_slice(meta);
    Some((*id, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Parked, TERMS};

    #[tokio::test]
    async fn an_event_is_the_id_the_address_and_the_meta() {
        let exchange = testing::exchange();
        let edge = Parked::new(&exchange, testing::edge(0x0102), TERMS).await.peer;
        let (id, payload) = event(&edge).unwrap();
        assert_eq!(id, EdgeId(0x0102));
        assert_eq!(payload, b"\0\0\0\0\0\0\x01\x02\0\x0b127.0.0.1:7meta");
        let service = Parked::new(&exchange, testing::service(1), TERMS).await.peer;
        assert_eq!(event(&service), None);
    }

    #[test]
    fn a_service_that_fails_is_no_reason_to_give_up() {
        for code in [Code::MethodNotFound, Code::Panicked, Code::Denied, Code::Unknown(999)] {
            assert_eq!(failed(&Answer::error(code, "")).code, Code::Internal, "{code}");
        }
        let busy = Answer { detail: 250, ..Answer::error(Code::Overloaded, "busy") };
        assert_eq!(failed(&busy), Failure::new(Code::Overloaded, "busy").detailed(250));
    }
}
