//! Who is connected, in the messages of the API.

use crate::config::{Config, Listen};
use frontier_api::gateway::{Edge, PeerLimits, Service};
use frontier_exchange::{Exchange, Identity, Peer};
use frontier_protocol::Names;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// What the listeners of each side are called, in their order.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    edges: Arc<[Listener]>,
    services: Arc<[Listener]>,
    /// What may wait for a peer of any of them, in bytes.
    outbox: u64,
}

#[derive(Clone, Debug)]
struct Listener {
    key: String,
    network: &'static str,
}

impl Listener {
    fn new(listen: &Listen) -> Self {
        Self { key: listen.key.clone(), network: listen.scheme() }
    }
}

impl Listeners {
    pub(super) fn new(config: &Config) -> Self {
        let all = |listeners: &[Listen]| listeners.iter().map(Listener::new).collect();
        Self {
            edges: all(&config.edgebound.listeners),
            services: all(&config.servicebound.listeners),
            outbox: large(config.limits.outbox),
        }
    }

    /// Key and network of the one that a peer came through; for another wire than our own, that.
    fn of(&self, peer: &Peer) -> (String, String) {
        let listeners = if peer.is_service() { &self.services } else { &self.edges };
        let listener = listeners.get(usize::from(peer.authorization().listener()));
        let (key, network) = listener.map(|it| (it.key.clone(), it.network)).unwrap_or_default();
        let wire = peer.outlet().wire();
        (key, if wire.is_empty() { network } else { wire }.to_owned())
    }
}

pub(super) fn edge(exchange: &Exchange, listeners: &Listeners, peer: &Arc<Peer>) -> Edge {
    let meta = match peer.identity() {
        Identity::Edge { meta, .. } => &meta[..],
        _ => &[],
    };
    let text = String::from_utf8_lossy(meta);
    let meta_bytes = if text.as_bytes() == meta { Vec::new() } else { meta.to_vec() };
    let (listener, network) = listeners.of(peer);
    let Shown { subject, labels, expires } = credentials(peer);
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
        stamp: peer.epoch().0,
        expires,
        limits: None,
        rpcs: small(exchange.name_count(peer, Names::Methods)),
    }
}

pub(super) fn service(exchange: &Exchange, listeners: &Listeners, peer: &Arc<Peer>) -> Service {
    let (listener, network) = listeners.of(peer);
    let Shown { subject, labels, expires } = credentials(peer);
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
        stamp: peer.epoch().0,
        expires,
        limits: None,
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

/// What a peer may have in flight here.
pub(super) fn limits(exchange: &Exchange, listeners: &Listeners, peer: &Peer) -> PeerLimits {
    let limits = exchange.limits();
    PeerLimits {
        calls: small(limits.calls),
        streams: limits.streams,
        outbox_bytes: listeners.outbox,
        names: small(if peer.is_service() { limits.names } else { limits.edge_names }),
    }
}

/// What credentials say, as far as it is shown.
#[derive(Default)]
struct Shown {
    subject: String,
    labels: BTreeMap<String, String>,
    expires: i64,
}

fn credentials(peer: &Peer) -> Shown {
    let Some(authorization) = peer.authorization().get() else { return Shown::default() };
    let verified = &authorization.verified;
    let labels = verified.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let expires = verified.expires.and_then(|expires| expires.duration_since(UNIX_EPOCH).ok());
    Shown {
        subject: verified.subject.clone(),
        labels: labels.collect(),
        expires: expires.map_or(0, |expires| i64::try_from(expires.as_secs()).unwrap_or(i64::MAX)),
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn large(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
