//! What the log says of connections: who was not let in, and how each one ended. A few lines a second of each kind, so
//! that whoever comes and goes in a loop fills no disk and hides nobody else.

use super::{Policies, side};
use frontier_access::{LogDecision, LogLimiter, PeerText};
use frontier_daemon::telemetry::millis;
use frontier_exchange::{Failure, Peer};
use frontier_protocol::{Code, Role};
use frontier_transport::{CloseReason, Endpoint, Traffic};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tracing::field::display;
use tracing::{debug, info, warn};

/// Lines a second of each kind.
const LINES_PER_SECOND: u32 = 10;

/// The limits of each kind of line.
#[derive(Debug)]
pub(super) struct LogLimits {
    failures: LogLimiter,
    refusals: LogLimiter,
    turned_away: LogLimiter,
    violations: LogLimiter,
    edges: LogLimiter,
    others: LogLimiter,
    services: LogLimiter,
    gateways: LogLimiter,
    streams: LogLimiter,
    bypass: LogLimiter,
}

/// A connection that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) reason: &'a CloseReason,
    /// From its accept.
    pub(crate) duration: Duration,
    pub(crate) traffic: Traffic,
}

impl LogLimits {
    pub(super) fn new() -> Self {
        let limiter = || LogLimiter::new(LINES_PER_SECOND);
        Self {
            failures: limiter(),
            refusals: limiter(),
            turned_away: limiter(),
            violations: limiter(),
            edges: limiter(),
            others: limiter(),
            services: limiter(),
            gateways: limiter(),
            streams: limiter(),
            bypass: limiter(),
        }
    }
}

/// How many lines were left out before this one, if any; `None` if this one is left out as well.
fn admit(limiter: &LogLimiter) -> Option<Option<u64>> {
    match limiter.admit(Instant::now()) {
        LogDecision::Log { suppressed } => Some((suppressed > 0).then_some(suppressed)),
        LogDecision::Suppress => None,
    }
}

/// The line of a connection's end: one set of fields, whoever it was.
macro_rules! end_line {
    ($log:ident, $ended:expr, $suppressed:expr) => {{
        let Ended { peer, reason, duration, traffic } = $ended;
        let (id, addr, cause) = (peer.number(), peer.addr().map(display), reason.cause());
        let duration_ms = millis(duration);
        let network = wire(peer);
        let (received_bytes, sent_bytes) = (traffic.received, traffic.sent);
        let (name, reason, suppressed) = (display(PeerText(peer.name())), PeerText(reason), $suppressed);
        if peer.edge_id().is_some() {
            $log!(edge = id, addr, network, cause, %reason, duration_ms, received_bytes, sent_bytes, suppressed, "edge disconnected");
        } else if peer.is_origin_gateway() {
            $log!(frontier = name, addr, cause, %reason, duration_ms, received_bytes, sent_bytes, suppressed, "another gateway asks here no more");
        } else {
            $log!(service = id, name, addr, network, cause, %reason, duration_ms, received_bytes, sent_bytes, suppressed, "service disconnected");
        }
    }};
}

impl Policies {
    /// A peer is refused, of whom no more is known.
    pub(crate) fn log_refused(&self, role: Role, addr: SocketAddr, failure: &Failure) {
        self.log_refused_as(role, (None, ""), addr, failure);
    }

    /// A peer is refused that would have had this id, or whose credentials, which are good, have this name; empty without one.
    pub(crate) fn log_refused_as(
        &self,
        role: Role,
        (id, subject): (Option<u64>, &str),
        addr: SocketAddr,
        failure: &Failure,
    ) {
        if failure.code == Code::Unauthenticated {
            return self.log_not_let_in(role, subject, addr, failure);
        }
        let Some(suppressed) = admit(&self.log_limits.refusals) else { return };
        let (side, code, error) = (side(role), failure.code, PeerText(&failure.text));
        info!(id, subject = named(subject), %addr, %code, %error, suppressed, "{side} refused");
    }

    /// A peer has failed to show who it is, or something that whoever runs the gateway can mend keeps it out.
    pub(crate) fn log_failed(&self, role: Role, addr: SocketAddr, failure: &Failure) {
        self.log_not_let_in(role, "", addr, failure);
    }

    fn log_not_let_in(&self, role: Role, subject: &str, addr: SocketAddr, failure: &Failure) {
        let Some(suppressed) = admit(&self.log_limits.failures) else { return };
        let (side, error) = (side(role), PeerText(&failure.text));
        warn!(subject = named(subject), %addr, %error, suppressed, "{side} not let in");
    }

    /// A peer is one too many, by the limit that `error` names.
    pub(crate) fn log_turned_away(&self, role: Role, addr: SocketAddr, error: &str) {
        let Some(suppressed) = admit(&self.log_limits.turned_away) else { return };
        warn!(%addr, error, suppressed, "{} turned away", side(role));
    }

    /// A service has been let in. What there is no room for is there with `debug`, as it is of connections' ends: all of them
    /// come at once, again and again, where their program fails.
    pub(crate) fn log_service(&self, service: &Peer, addr: SocketAddr) {
        let (id, name, network) = (service.number(), display(PeerText(service.name())), wire(service));
        match admit(&self.log_limits.services) {
            Some(suppressed) => info!(service = id, name, %addr, network, suppressed, "service connected"),
            None => debug!(service = id, name, %addr, network, "service connected"),
        }
    }

    /// Another gateway has been let in. What there is no room for is there with `debug`.
    pub(crate) fn log_origin_gateway(&self, id: &str, addr: SocketAddr) {
        let frontier = PeerText(id);
        match admit(&self.log_limits.gateways) {
            Some(suppressed) => {
                info!(%frontier, %addr, suppressed, "another gateway asks here for its services and edges");
            }
            None => debug!(%frontier, %addr, "another gateway asks here for its services and edges"),
        }
    }

    /// A connection has ended. What there is no room for is there with `debug`.
    pub(crate) fn log_end(&self, ended: Ended<'_>) {
        let limiter = match ended.reason {
            CloseReason::Protocol(_) => &self.log_limits.violations,
            _ if ended.peer.edge_id().is_some() => &self.log_limits.edges,
            _ => &self.log_limits.others,
        };
        match admit(limiter) {
            Some(suppressed) => end_line!(info, ended, suppressed),
            None => end_line!(debug, ended, None::<u64>),
        }
    }

    /// A connection on neither wire could not go where it belongs.
    pub(crate) fn log_failed_bypass(&self, addr: SocketAddr, to: &Endpoint, error: &str) {
        let Some(suppressed) = admit(&self.log_limits.bypass) else { return };
        warn!(%addr, %to, error, suppressed, "edgebound.bypass can't be reached: dropped a connection on neither wire");
    }

    /// A stream is closed since nobody reads it, on a wire that could not have its writer wait.
    pub(crate) fn log_unread_stream(&self, peer: &Peer, waiting: usize) {
        let Some(suppressed) = admit(&self.log_limits.streams) else { return };
        let (id, network) = (peer.number(), wire(peer));
        if peer.is_service() {
            info!(service = id, network, waiting, suppressed, "closed a stream that nobody reads");
        } else {
            info!(edge = id, network, waiting, suppressed, "closed a stream that nobody reads");
        }
    }

    /// Mentions the end of a burst after which no line followed.
    pub(crate) fn log_suppressed(&self) {
        let limits = &self.log_limits;
        let now = Instant::now();
        for (limiter, what) in [
            (&limits.failures, "not let in"),
            (&limits.turned_away, "turned away"),
            (&limits.bypass, "dropped, since edgebound.bypass can't be reached"),
        ] {
            let suppressed = limiter.take_suppressed(now);
            if suppressed > 0 {
                warn!(suppressed, "more were {what}");
            }
        }
        let others = [
            (&limits.refusals, "peers were refused"),
            (&limits.violations, "peers have broken the rules"),
            (&limits.edges, "edges have disconnected"),
            (&limits.others, "services and gateways have disconnected"),
            (&limits.streams, "streams that nobody reads were closed"),
        ];
        for (limiter, what) in others {
            let suppressed = limiter.take_suppressed(now);
            if suppressed > 0 {
                info!(suppressed, "more {what}");
            }
        }
    }
}

/// The wire of a peer for the log, if it is not our own.
pub(crate) fn wire(peer: &Peer) -> Option<&'static str> {
    Some(peer.outlet().wire()).filter(|wire| !wire.is_empty())
}

/// The name of credentials for the log, if they have one.
fn named(subject: &str) -> Option<tracing::field::DisplayValue<PeerText<&str>>> {
    (!subject.is_empty()).then(|| display(PeerText(subject)))
}
