//! What the tests of lists share: an exchange with many who are connected, and no wire.

use frontier_exchange::{
    CloseReason, CorrelationId, Exchange, Identity, Outcome, Outgoing, Outlet, Peer, QueueError, Queued,
    RequestKind, Seat,
};
use frontier_protocol::{EdgeId, ServiceId};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Takes everything, and says nothing.
#[derive(Debug)]
struct Silent;

impl Outlet for Silent {
    fn request(&self, _: &Outgoing<'_>) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

fn peer(exchange: &Exchange, identity: Identity, addr: SocketAddr) -> Arc<Peer> {
    Arc::new(Peer::new(identity, exchange.next_epoch(), Some(addr), Box::new(Silent), Duration::MAX))
}

/// An edge, which is connected until this is dropped.
pub(crate) fn edge(exchange: &Arc<Exchange>, id: u64, meta: &[u8], addr: &str) -> Seat {
    let identity = Identity::Edge { id: EdgeId(id), meta: meta.to_vec().into() };
    let edge = peer(exchange, identity, addr.parse().unwrap());
    let (seat, _) = exchange.join_edge(&edge).unwrap();
    assert!(seat.publish());
    seat
}

/// The same, which tells of these methods.
pub(super) fn telling_edge(exchange: &Arc<Exchange>, id: u64, meta: &str, methods: &[&str]) -> Seat {
    let seat = edge(exchange, id, meta.as_bytes(), "10.0.0.1:1");
    exchange.add_methods(seat.peer(), methods).unwrap();
    seat
}

/// A service that takes these methods, which is connected until this is dropped.
pub(super) fn service(exchange: &Arc<Exchange>, id: u64, name: &str, methods: &[&str]) -> Seat {
    let identity = Identity::Service { id: ServiceId(id), name: name.into() };
    let service = peer(exchange, identity, SocketAddr::from(([127, 0, 0, 1], 7)));
    exchange.join_service(&service, methods, &[]).unwrap().0
}

/// The schema of a parameter of a list, by the OpenAPI document.
pub(super) fn documented(path: &str, parameter: &str) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_str(frontier_api::GATEWAY_OPENAPI).unwrap();
    let parameters = document["paths"][format!("/v1/{path}")]["get"]["parameters"].as_array().unwrap();
    let found = parameters.iter().find(|it| it["name"] == parameter);
    found.unwrap_or_else(|| panic!("{path} has no {parameter}"))["schema"].clone()
}
