//! What the log says of frontiers that come and go: a few lines a second, since one may do so in a loop.

use crate::model::NewFrontier;
use frontier_access::{LogDecision, LogLimiter, PeerText};
use frontier_admin::admit_line;
use frontier_daemon::telemetry::millis;
use frontier_transport::{Traffic, masked_url};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// Lines a second of each kind.
const LINES_PER_SECOND: u32 = 10;

/// The lines, and their limits.
pub(super) struct PlaneLog {
    connected: LogLimiter,
    ended: LogLimiter,
    /// What goes wrong with the lease of a frontier, which may be that of all of them.
    leases: LogLimiter,
}

/// A connection that has ended.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a, R> {
    pub(super) frontier: &'a str,
    pub(super) addr: SocketAddr,
    /// In one word.
    pub(super) cause: &'static str,
    /// The same as a sentence.
    pub(super) reason: R,
    /// From its accept.
    pub(super) duration: Duration,
    pub(super) traffic: Traffic,
}

impl Default for PlaneLog {
    fn default() -> Self {
        let limiter = || LogLimiter::new(LINES_PER_SECOND);
        Self { connected: limiter(), ended: limiter(), leases: limiter() }
    }
}

/// The line of a connection's end.
macro_rules! end_line {
    ($log:ident, $ended:expr, $suppressed:expr) => {{
        let Ended { frontier, addr, cause, reason, duration, traffic } = $ended;
        $log!(
            frontier = %PeerText(frontier),
            %addr,
            cause,
            reason = %PeerText(reason),
            duration_ms = millis(duration),
            received_bytes = traffic.received,
            sent_bytes = traffic.sent,
            suppressed = $suppressed,
            "frontier disconnected"
        );
    }};
}

impl PlaneLog {
    pub(super) fn connected(&self, addr: SocketAddr, frontier: &NewFrontier) {
        let Some(suppressed) = admit_line(&self.connected) else { return };
        info!(
            frontier = %PeerText(&frontier.id),
            %addr,
            servicebound = masked_url(&frontier.advertised_sb_addr),
            edgebound = masked_url(&frontier.advertised_eb_addr),
            suppressed,
            "frontier connected"
        );
    }

    /// It has joined once more, since its lease was lost.
    pub(super) fn joined_again(&self, frontier: &str) {
        let Some(suppressed) = admit_line(&self.leases) else { return };
        info!(frontier = %PeerText(frontier), suppressed, "frontier has joined again");
    }

    /// Something of its lease, or of what is kept by it, has failed.
    pub(super) fn lease_failed(&self, frontier: &str, error: &dyn fmt::Display, what: &str) {
        let Some(suppressed) = admit_line(&self.leases) else { return };
        warn!(frontier = %PeerText(frontier), error = %PeerText(error), suppressed, "{what}");
    }

    /// It has more than the bound of this key, or no lease any more.
    pub(super) fn lease_fell_short(&self, frontier: &str, key: Option<&str>, what: &str) {
        let Some(suppressed) = admit_line(&self.leases) else { return };
        warn!(frontier = %PeerText(frontier), key, suppressed, "{what}");
    }

    /// A connection has ended. What there is no room for is there with `debug`.
    pub(super) fn ended<R: fmt::Display>(&self, ended: Ended<'_, R>) {
        match self.ended.admit(Instant::now()) {
            LogDecision::Log { suppressed } => {
                end_line!(info, ended, (suppressed > 0).then_some(suppressed));
            }
            LogDecision::Suppress => end_line!(debug, ended, None::<u64>),
        }
    }
}
