//! Who is connected, in the messages of the API.

use crate::config::{Config, Listen};
use frontier_api::gateway::{Edge, Service};
use frontier_exchange::{Exchange, Identity, Peer};
use frontier_protocol::Names;
use frontier_transport::Network;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the listeners of each side are called, in their order.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    edges: Arc<[Listener]>,
    services: Arc<[Listener]>,
}

#[derive(Clone, Debug)]
struct Listener {
    key: String,
    network: &'static str,
}

impl Listener {
    fn new(listen: &Listen) -> Self {
        let network = match (listen.network, listen.tls.is_some()) {
            (Network::Ws, true) => "wss",
            (network, _) => network.as_str(),
        };
        Self { key: listen.key.clone(), network }
    }
}

impl Listeners {
    pub(super) fn new(config: &Config) -> Self {
        let all = |listeners: &[Listen]| listeners.iter().map(Listener::new).collect();
        Self { edges: all(&config.edgebound.listeners), services: all(&config.servicebound.listeners) }
    }

    /// Key and network of the one that a peer came through.
    fn of(&self, peer: &Peer) -> (String, String) {
        let listeners = if peer.is_service() { &self.services } else { &self.edges };
        let listener = listeners.get(usize::from(peer.authorization().listener()));
        listener.map(|it| (it.key.clone(), it.network.to_owned())).unwrap_or_default()
    }
}

pub(super) fn edge(listeners: &Listeners, peer: &Peer) -> Edge {
    let meta = match peer.identity() {
        Identity::Edge { meta, .. } => &meta[..],
        _ => &[],
    };
    let text = String::from_utf8_lossy(meta);
    let meta_bytes = if text.as_bytes() == meta { Vec::new() } else { meta.to_vec() };
    let (listener, network) = listeners.of(peer);
    let (subject, labels) = credentials(peer);
    Edge {
        edge_id: peer.number(),
        meta: text.into_owned(),
        addr: addr(peer),
        create_time: create_time(peer),
        listener,
        network,
        subject,
        labels,
        streams: peer.outlet().streams(),
        calls_from: small(peer.sent()),
        calls_to: small(peer.in_flight()),
        outbox_bytes: large(peer.outlet().backlog()),
        meta_bytes,
    }
}

pub(super) fn service(exchange: &Exchange, listeners: &Listeners, peer: &Arc<Peer>) -> Service {
    let (listener, network) = listeners.of(peer);
    let (subject, labels) = credentials(peer);
    Service {
        service_id: peer.number(),
        service: peer.name().to_owned(),
        addr: addr(peer),
        create_time: create_time(peer),
        listener,
        network,
        subject,
        labels,
        streams: peer.outlet().streams(),
        calls_from: small(peer.sent()),
        calls_to: small(peer.in_flight()),
        outbox_bytes: large(peer.outlet().backlog()),
        rpcs: small(exchange.name_count(peer, Names::Methods)),
        topics: small(exchange.name_count(peer, Names::Topics)),
    }
}

/// Empty for what has none.
pub(super) fn addr(peer: &Peer) -> String {
    peer.addr().map(|addr| addr.to_string()).unwrap_or_default()
}

/// Epochs count the microseconds since 1970.
fn create_time(peer: &Peer) -> i64 {
    i64::try_from(peer.epoch().0 / 1_000_000).unwrap_or(i64::MAX)
}

fn credentials(peer: &Peer) -> (String, BTreeMap<String, String>) {
    let Some(authorization) = peer.authorization().get() else { return Default::default() };
    let verified = &authorization.verified;
    let labels = verified.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    (verified.subject.clone(), labels.collect())
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn large(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
