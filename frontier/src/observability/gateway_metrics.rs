//! Everything that is measured of a gateway, as a scrape gets it: docs/metrics.md.

use super::{SelfProbe, bridge_metrics, relay_metrics};
use crate::cluster::ClusterState;
use crate::mq::{Sources, write_metrics, write_source_metrics, write_spool_metrics};
use crate::session::{Context, label};
use frontier_admin::{ProcessMetrics, write_lifetimes, write_runtime};
use frontier_exchange::{Census, Counts, Direction, Exchange, Part, Traffic};
use frontier_metrics::Exposition;
use frontier_mq::Sink;
use frontier_protocol::{Code, Role};
use frontier_transport::Lifetimes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where the numbers of a gateway are.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    pub(crate) exchange: Arc<Exchange>,
    /// The sessions of both sides.
    pub(crate) contexts: [Arc<Context>; 2],
    pub(crate) cluster: Arc<ClusterState>,
    /// Those of `mq` and of `relay`.
    pub(crate) sinks: Vec<Arc<Sink>>,
    pub(crate) sources: Sources,
    pub(crate) self_probe: Arc<SelfProbe>,
    pub(crate) process: ProcessMetrics,
    /// The runtime that serves everybody.
    pub(crate) runtime: Handle,
    pub(crate) bridge: Option<frontier_bridge::Handle>,
    pub(crate) relay: Option<frontier_relay::Handle>,
    /// Of certificates and revocation lists.
    pub(crate) lifetimes: Lifetimes,
}

/// The sides, with the place of the context that counts each.
const SIDES: [(Role, &str, usize); 3] =
    [(Role::Edge, "edge", 0), (Role::Service, "service", 1), (Role::Frontier, "gateway", 1)];

/// What a name is the name of, in the order in which a census has them.
const KINDS: [&str; 3] = ["method", "topic", "service"];

fn traffic_label(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Call => "call",
        Traffic::Message => "message",
        Traffic::Stream => "stream",
    }
}

fn direction_label(direction: Direction) -> &'static str {
    match direction {
        Direction::ToService => "to_service",
        Direction::ToEdge => "to_edge",
        Direction::Own => "own",
        Direction::Probe => "probe",
    }
}

/// Each traffic in each direction, with the labels of both.
fn ways() -> impl Iterator<Item = (Traffic, Direction, [(&'static str, &'static str); 2])> {
    let each =
        Traffic::ALL.into_iter().flat_map(|traffic| Direction::ALL.map(|direction| (traffic, direction)));
    // The gateway itself does nothing but call.
    let each = each.filter(|way| way.1 != Direction::Own || way.0 == Traffic::Call);
    each.map(|(traffic, direction)| {
        let labels = [("kind", traffic_label(traffic)), ("direction", direction_label(direction))];
        (traffic, direction, labels)
    })
}

impl GatewayMetrics {
    /// Writes all of them. Takes the locks of the exchange's tables, one by one.
    pub(crate) fn write(&self, out: &mut Exposition) {
        out.gauge("frontier_build_info", "The version that runs; always 1.")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
        self.write_health(out);
        let counts = self.exchange.counters().counts();
        self.write_requests(out, &counts);
        self.write_sessions(out);
        self.write_refusals(out);
        write_census(out, &self.exchange.census());
        self.write_cluster(out);
        if let Some(bridge) = &self.bridge {
            bridge_metrics::write(bridge, out);
        }
        if let Some(relay) = &self.relay {
            relay_metrics::write(relay, out);
        }
        write_metrics(&self.sinks, out);
        write_spool_metrics(&self.sinks, out);
        write_source_metrics(&self.sources.all(), out);
        write_lifetimes(&self.lifetimes, out);
        self.process.write(out);
        let help = "Lines of the log that nobody took in time, or that could not be written.";
        out.counter("frontier_log_lines_lost_total", help)
            .sample(&[], frontier_daemon::telemetry::lost_lines());
        write_runtime(&self.runtime, out);
    }

    fn write_health(&self, out: &mut Exposition) {
        let probe = &self.self_probe;
        let help = "Whether the gateway has answered its own call within the last seconds.";
        out.gauge("frontier_self_probe_success", help).sample(&[], probe.check().is_ok());
        let help = "How long the last answer to a call of the gateway to itself took, both ways.";
        out.gauge("frontier_self_probe_duration_seconds", help).sample(&[], probe.took().as_secs_f64());
        let help = "Calls of the gateway to itself that were answered wrongly or not at all.";
        out.counter("frontier_self_probe_failures_total", help).sample(&[], probe.failures());
        let help = "Whether the gateway is stopping.";
        out.gauge("frontier_draining", help).sample(&[], self.cluster.draining.is_set());
    }

    fn write_requests(&self, out: &mut Exposition, counts: &Counts) {
        let counters = self.exchange.counters();
        let help = "Calls, messages and streams that have come to the gateway, by where they go.";
        let mut family = out.counter("frontier_requests_started_total", help);
        for (traffic, direction, labels) in ways() {
            family.sample(&labels, counts.begun(traffic, direction));
        }
        let help = "Calls, messages and streams that have ended, by their result; a stream's is whether it was taken.";
        let mut family = out.counter("frontier_requests_total", help);
        for (traffic, direction, [kind, way]) in ways() {
            let known = Code::ALL.iter().map(|code| (label(*code), counts.ended(traffic, direction, *code)));
            let other = ("other".to_owned(), counts.ended_otherwise(traffic, direction));
            // With 0 those that have not happened: to Prometheus a counter that appears with 5 has not increased.
            for (result, count) in known.chain([other]) {
                family.sample(&[kind, way, ("result", &result)], count);
            }
        }
        let help = "Calls and messages without their answer, and streams that nobody has taken yet.";
        let mut family = out.gauge("frontier_requests_in_flight", help);
        for (traffic, direction, labels) in ways() {
            family.sample(&labels, counts.in_flight(traffic, direction));
        }
        let help =
            "Time from routing a call or an acked message to its answer, and a stream to its acceptance.";
        let mut family = out.histogram("frontier_request_duration_seconds", help);
        for (traffic, direction, labels) in ways() {
            family.distribution(&labels, &counters.took(traffic, direction));
        }
        let help = "Payload of calls, messages and streams that has gone through.";
        let mut family = out.counter("frontier_payload_bytes_total", help);
        for (traffic, direction, [kind, way]) in ways() {
            for (part, name) in [(Part::Request, "request"), (Part::Reply, "reply")] {
                family.sample(&[kind, way, ("part", name)], counters.bytes(traffic, direction, part));
            }
        }
        let mut family = out.gauge("frontier_streams_open", "Streams that go on.");
        for direction in [Direction::ToService, Direction::ToEdge] {
            family.sample(&[("direction", direction_label(direction))], counters.joined(direction));
        }
    }

    fn write_sessions(&self, out: &mut Exposition) {
        let sides = || SIDES.map(|(role, side, context)| (role, side, &self.contexts[context].counters));
        let help = "Connections of peers that have joined.";
        let mut family = out.gauge("frontier_connections", help);
        for (role, side, counters) in sides() {
            for (network, count) in counters.networks(role) {
                family.sample(&[("side", side), ("network", network)], count);
            }
        }
        let (bypassed, failed) = self.contexts[0].counters.bypasses();
        let help = "Connections on neither wire that go on to `edgebound.bypass`.";
        out.gauge("frontier_bypass_connections", help).sample(&[], bypassed);
        let help =
            "Connections on neither wire that were dropped, since `edgebound.bypass` could not be reached.";
        out.counter("frontier_bypass_failures_total", help).sample(&[], failed);
        let help = "Handshakes that have ended, by their result. A failure before the peer has said who it is counts for \
                    the side of its listener.";
        let mut family = out.counter("frontier_handshakes_total", help);
        for (role, side, counters) in sides() {
            for (result, count) in counters.handshakes(role) {
                family.sample(&[("side", side), ("result", &result)], count);
            }
        }
        let help = "Connections of peers that had joined which have ended, by why.";
        let mut family = out.counter("frontier_disconnects_total", help);
        for (role, side, counters) in sides() {
            for (reason, count) in counters.ends(role) {
                family.sample(&[("side", side), ("reason", reason)], count);
            }
        }
        let help = "Peers that came back to an id that they had on an earlier connection, here or at another gateway.";
        let mut family = out.counter("frontier_reconnects_total", help);
        for (role, side, counters) in sides().into_iter().take(2) {
            family.sample(&[("side", side)], counters.reconnects(role));
        }
        let help = "Connections that have lost their id to another one while they stood.";
        let mut family = out.counter("frontier_take_overs_total", help);
        for (side, count) in ["edge", "service"].into_iter().zip(self.exchange.counters().take_overs()) {
            family.sample(&[("side", side)], count);
        }
    }

    fn write_refusals(&self, out: &mut Exposition) {
        let mut all = BTreeMap::<&str, u64>::new();
        let of_sessions = self.contexts.iter().flat_map(|context| context.counters.refusals());
        for (limit, count) in self.exchange.counters().refusals().chain(of_sessions) {
            *all.entry(limit).or_default() += count;
        }
        let help = "What was refused because of a limit, by its key.";
        let mut family = out.counter("frontier_limit_refusals_total", help);
        for (limit, count) in all {
            family.sample(&[("limit", limit)], count);
        }
    }

    fn write_cluster(&self, out: &mut Exposition) {
        let frontlas = &self.cluster.frontlas;
        let help = "Whether the gateway is connected to frontlas; 0 if it is part of no cluster.";
        out.gauge("frontier_frontlas_connected", help).sample(&[], frontlas.is_connected());
        let help = "Connections to frontlas that were lost.";
        out.counter("frontier_frontlas_disconnects_total", help).sample(&[], frontlas.losses());
        let help = "For how long frontlas has not known all who are connected here.";
        out.gauge("frontier_frontlas_lag_seconds", help).sample(&[], frontlas.lag().as_secs_f64());
        let help = "Other gateways that frontlas tells of.";
        out.gauge("frontier_cluster_gateways", help).sample(&[], self.cluster.neighbours.len());
    }
}

fn write_census(out: &mut Exposition, census: &Census) {
    let Census {
        edges,
        services,
        names,
        offered,
        edge_methods,
        origin_gateways,
        owner_gateways,
        lobby,
        outboxes,
    } = *census;
    let help = "EdgeIDs that a connection holds, joining and leaving ones included.";
    out.gauge("frontier_edges", help).sample(&[], edges);
    out.gauge("frontier_services", "Services that are connected.").sample(&[], services);
    let help = "Names that services here take, by what they are the names of.";
    let mut family = out.gauge("frontier_names", help);
    for (kind, count) in KINDS.into_iter().zip(names) {
        family.sample(&[("kind", kind)], count);
    }
    let help = "Names that services at other gateways take, as those gateways say.";
    let mut family = out.gauge("frontier_offered_names", help);
    for (kind, count) in KINDS.into_iter().zip(offered) {
        family.sample(&[("kind", kind)], count);
    }
    let help = "What the methods that edges have told of take, as it is counted against the bound.";
    out.gauge("frontier_edge_methods_bytes", help).sample(&[], edge_methods);
    let help = "Links to other gateways that stand, by who asks over them.";
    let mut family = out.gauge("frontier_gateway_links", help);
    family.sample(&[("direction", "out")], owner_gateways);
    family.sample(&[("direction", "in")], origin_gateways);
    let help = "What waits for edges that are looked up, as it is counted against the bound.";
    out.gauge("frontier_lobby_bytes", help).sample(&[], lobby);
    let help = "What is queued for peers, all of them together, at the last sweep.";
    out.gauge("frontier_outbox_bytes", help).sample(&[], outboxes.bytes);
    let help = "What is queued for the peer that has most of it, at the last sweep.";
    out.gauge("frontier_outbox_largest_bytes", help).sample(&[], outboxes.largest);
    let help = "Peers for which something is queued, at the last sweep.";
    out.gauge("frontier_outbox_peers", help).sample(&[], outboxes.waiting);
}
