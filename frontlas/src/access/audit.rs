//! The audit log of the frontier plane: who came to it, from where, and whether they were let in. That of the control
//! plane is [`frontier_admin::Operators`]'.

use frontier_access::authn::Verified;
use frontier_access::{LogLimiter, PeerText};
use frontier_admin::admit_line;
use frontier_protocol::Code;
use std::fmt;
use std::net::SocketAddr;
use tracing::{info, warn};

/// The target of its lines: `log.level: info,frontlas::audit=off` silences them. Their fields stay as they are: `plane`,
/// `outcome`, `addr`, `subject`, `frontier`, `code`, `reason`, `suppressed`.
pub(crate) const AUDIT_TARGET: &str = "frontlas::audit";

/// How many lines of each kind there are in a second.
const LINES_PER_SECOND: u32 = 10;

/// Writes the lines. Anybody may be refused, in a loop, and come again and again: so there are a few in a second.
pub(crate) struct Audit {
    frontiers_accepted: LogLimiter,
    frontiers_refused: LogLimiter,
}

impl Default for Audit {
    fn default() -> Self {
        let limiter = || LogLimiter::new(LINES_PER_SECOND);
        Self { frontiers_accepted: limiter(), frontiers_refused: limiter() }
    }
}

impl Audit {
    /// A frontier has joined.
    pub(crate) fn frontier_accepted(&self, addr: SocketAddr, id: &str, verified: &Verified) {
        let Some(suppressed) = admit_line(&self.frontiers_accepted) else { return };
        info!(
            target: AUDIT_TARGET,
            plane = "frontier",
            outcome = "accepted",
            %addr,
            frontier = %PeerText(id),
            subject = subject(verified),
            suppressed,
            "a frontier has joined"
        );
    }

    /// Somebody may not join. `id` is the frontier that it wants to be, if it has come to say so.
    pub(crate) fn frontier_refused(&self, addr: SocketAddr, id: Option<&str>, code: Code, reason: &str) {
        let Some(suppressed) = admit_line(&self.frontiers_refused) else { return };
        warn!(
            target: AUDIT_TARGET,
            plane = "frontier",
            outcome = "refused",
            %addr,
            frontier = id.map(PeerText).map(tracing::field::display),
            %code,
            reason = %PeerText(reason),
            suppressed,
            "rejected a frontier"
        );
    }

    /// A frontier that was connected is no longer let in.
    pub(crate) fn frontier_turned_out(&self, addr: SocketAddr, id: &str, reason: &impl fmt::Display) {
        let Some(suppressed) = admit_line(&self.frontiers_refused) else { return };
        warn!(
            target: AUDIT_TARGET,
            plane = "frontier",
            outcome = "closed",
            %addr,
            frontier = %PeerText(id),
            reason = %PeerText(reason),
            suppressed,
            "closing the connection of a frontier"
        );
    }
}

/// By its credentials; nothing where none were needed.
fn subject(verified: &Verified) -> Option<tracing::field::DisplayValue<PeerText<&str>>> {
    (!verified.subject.is_empty()).then(|| tracing::field::display(PeerText(&*verified.subject)))
}
