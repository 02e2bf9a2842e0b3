//! An edge, a service.

use super::number;
use crate::{binary, gateway};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connected edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Its id.
    #[serde(with = "number")]
    pub edge_id: u64,
    /// What it said of itself; what is not UTF-8 is replaced.
    pub meta: String,
    /// The same as it is, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "binary")]
    pub meta_bytes: Vec<u8>,
    /// Where it connects from.
    pub addr: String,
    /// When it connected, in seconds since 1970.
    #[serde(with = "number::signed")]
    pub create_time: i64,
    /// The listener that it came through, by its key in the configuration.
    pub listener: String,
    /// What is spoken there.
    pub network: String,
    /// Who it is by its credentials; empty if it has shown none.
    pub subject: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Streams that are open.
    pub streams: u32,
    /// Its own calls and acked messages that wait for a reply.
    pub calls_from: u32,
    /// Calls and acked messages to it that wait for its reply.
    pub calls_to: u32,
    /// Bytes that wait to be sent to it.
    #[serde(with = "number")]
    pub outbox_bytes: u64,
    /// How many methods it has told of.
    #[serde(default)]
    pub rpcs: u32,
    /// When it connected, in microseconds since 1970.
    #[serde(default, with = "number")]
    pub stamp: u64,
    /// When its credentials expire, in seconds since 1970; 0 if they do not.
    #[serde(default, with = "number::signed")]
    pub expires: i64,
    /// What it may have in flight; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<PeerLimits>,
}

/// A connected service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    #[serde(with = "number")]
    pub service_id: u64,
    /// Its name.
    pub service: String,
    /// Where it connects from.
    pub addr: String,
    /// When it connected, in seconds since 1970.
    #[serde(with = "number::signed")]
    pub create_time: i64,
    /// The listener that it came through, by its key in the configuration.
    pub listener: String,
    /// What is spoken there.
    pub network: String,
    /// Who it is by its credentials; empty if it has shown none.
    pub subject: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Streams that are open.
    pub streams: u32,
    /// Its own calls and acked messages that wait for a reply.
    pub calls_from: u32,
    /// Calls and acked messages to it that wait for its reply.
    pub calls_to: u32,
    /// Bytes that wait to be sent to it.
    #[serde(with = "number")]
    pub outbox_bytes: u64,
    /// How many methods it takes.
    pub rpcs: u32,
    /// How many topics it takes.
    pub topics: u32,
    /// When it connected, in microseconds since 1970.
    #[serde(default, with = "number")]
    pub stamp: u64,
    /// When its credentials expire, in seconds since 1970; 0 if they do not.
    #[serde(default, with = "number::signed")]
    pub expires: i64,
    /// What it may have in flight; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<PeerLimits>,
}

/// What a peer may have in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerLimits {
    /// Calls and acked messages, from and to it.
    pub calls: u32,
    /// Streams.
    pub streams: u32,
    /// Bytes that wait for it.
    #[serde(with = "number")]
    pub outbox_bytes: u64,
    /// Methods and topics of a service, methods of an edge.
    pub names: u32,
}

impl From<gateway::PeerLimits> for PeerLimits {
    fn from(limits: gateway::PeerLimits) -> Self {
        let gateway::PeerLimits { calls, streams, outbox_bytes, names } = limits;
        Self { calls, streams, outbox_bytes, names }
    }
}

impl From<gateway::Edge> for Edge {
    fn from(edge: gateway::Edge) -> Self {
        let gateway::Edge {
            edge_id,
            meta,
            meta_bytes,
            addr,
            create_time,
            listener,
            network,
            subject,
            labels,
            streams,
            calls_from,
            calls_to,
            outbox_bytes,
            rpcs,
            stamp,
            expires,
            limits,
        } = edge;
        Self {
            edge_id,
            meta,
            meta_bytes,
            addr,
            create_time,
            listener,
            network,
            subject,
            labels,
            streams,
            calls_from,
            calls_to,
            outbox_bytes,
            rpcs,
            stamp,
            expires,
            limits: limits.map(Into::into),
        }
    }
}

impl From<gateway::Service> for Service {
    fn from(service: gateway::Service) -> Self {
        let gateway::Service {
            service_id,
            service,
            addr,
            create_time,
            listener,
            network,
            subject,
            labels,
            streams,
            calls_from,
            calls_to,
            outbox_bytes,
            rpcs,
            topics,
            stamp,
            expires,
            limits,
        } = service;
        Self {
            service_id,
            service,
            addr,
            create_time,
            listener,
            network,
            subject,
            labels,
            streams,
            calls_from,
            calls_to,
            outbox_bytes,
            rpcs,
            topics,
            stamp,
            expires,
            limits: limits.map(Into::into),
        }
    }
}
