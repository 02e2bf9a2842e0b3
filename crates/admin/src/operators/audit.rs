//! The audit log of a control plane: who came to it, from where, whether they were let in, and what they changed.

use frontier_access::authn::{AuthnError, Verified};
use frontier_access::{LogDecision, LogLimiter, PeerText};
use frontier_protocol::Code;
use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;
use tracing::field::{DisplayValue, display};
use tracing::{info, warn};

/// How many lines of each kind there are in a second, of those that anybody can cause.
const LINES_PER_SECOND: u32 = 10;

/// Whose log it is: the target of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// `frontlas::audit`
    Frontlas,
    /// `frontier::audit`
    Frontier,
    /// `broker::audit`
    Broker,
}

/// A line of the level, with the target of the audit log. A target must be a constant.
macro_rules! line {
    ($target:expr, $level:ident, $($field:tt)*) => {
        match $target {
            AuditTarget::Frontlas => $level!(target: "frontlas::audit", plane = "control", $($field)*),
            AuditTarget::Frontier => $level!(target: "frontier::audit", plane = "control", $($field)*),
            AuditTarget::Broker => $level!(target: "broker::audit", plane = "sessions", $($field)*),
        }
    };
}

/// Writes the lines. Their fields stay as they are: `plane`, `outcome`, `addr`, `subject`, `role`, `action`, `object`,
/// `code`, `reason`, `suppressed`.
///
/// Anybody may be refused, in a loop, and come again and again: so there are a few such lines in a second. There is one for
/// each change that was made or tried by somebody who was let in and may make it.
#[derive(Debug)]
pub(super) struct Audit {
    target: AuditTarget,
    accepted: LogLimiter,
    refused: LogLimiter,
    denied: LogLimiter,
}

impl Audit {
    pub(super) fn new(target: AuditTarget) -> Self {
        let limiter = || LogLimiter::new(LINES_PER_SECOND);
        Self { target, accepted: limiter(), refused: limiter(), denied: limiter() }
    }

    /// Somebody asks for the first time on a connection.
    pub(super) fn accepted(&self, addr: SocketAddr, verified: &Verified) {
        let Some(suppressed) = admit_line(&self.accepted) else { return };
        let (subject, role) = (subject(verified), verified.role.map(display));
        line!(
            self.target,
            info,
            outcome = "accepted",
            %addr,
            subject,
            role,
            suppressed,
            "a client of the control plane"
        );
    }

    /// Somebody may not ask.
    pub(super) fn refused(&self, addr: SocketAddr, code: Code, reason: &impl fmt::Display) {
        let Some(suppressed) = admit_line(&self.refused) else { return };
        line!(
            self.target,
            warn,
            outcome = "refused",
            %addr,
            %code,
            reason = %PeerText(reason),
            suppressed,
            "refused a client of the control plane"
        );
    }
}

/// A change that somebody wants to make. There is a line of it in any case.
pub(super) struct Change<'a> {
    audit: &'a Audit,
    addr: SocketAddr,
    verified: Option<&'a Verified>,
    action: &'static str,
    object: &'a str,
    is_told: bool,
}

impl<'a> Change<'a> {
    pub(super) fn new(
        audit: &'a Audit,
        addr: SocketAddr,
        verified: Option<&'a Verified>,
        action: &'static str,
        object: &'a str,
    ) -> Self {
        Self { audit, addr, verified, action, object, is_told: false }
    }

    /// Its role does not go so far.
    pub(super) fn is_denied(&mut self, error: &AuthnError) {
        self.is_told = true;
        let Some(suppressed) = admit_line(&self.audit.denied) else { return };
        self.tell_failed("denied", error, suppressed);
    }

    /// It was made, or has failed.
    pub(super) fn is_done(&mut self, error: Option<&impl fmt::Display>) {
        self.is_told = true;
        match error {
            Some(error) => self.tell_failed("failed", error, None),
            None => self.tell_done(),
        }
    }

    fn tell_done(&self) {
        let Self { addr, action, object, .. } = self;
        let (subject, role) = (self.subject(), self.role());
        line!(
            self.audit.target,
            info,
            outcome = "done",
            %addr,
            subject,
            role,
            action,
            object,
            "a change by the control plane"
        );
    }

    fn tell_failed(&self, outcome: &str, reason: &impl fmt::Display, suppressed: Option<u64>) {
        let Self { addr, action, object, .. } = self;
        let (subject, role, reason) = (self.subject(), self.role(), PeerText(reason));
        line!(
            self.audit.target,
            warn,
            outcome,
            %addr,
            subject,
            role,
            action,
            object,
            %reason,
            suppressed,
            "no change by the control plane"
        );
    }

    fn subject(&self) -> Option<DisplayValue<PeerText<&str>>> {
        self.verified.and_then(subject)
    }

    fn role(&self) -> Option<DisplayValue<frontier_access::authn::OperatorRole>> {
        self.verified.and_then(|verified| verified.role).map(display)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell_failed("unknown", &"nobody waited for its end: it may have been made", None);
        }
    }
}

/// By its credentials; nothing where none were needed.
fn subject(verified: &Verified) -> Option<DisplayValue<PeerText<&str>>> {
    (!verified.subject.is_empty()).then(|| display(PeerText(&*verified.subject)))
}

/// How many lines were left out before this one, if any; `None` if this one is left out as well.
#[must_use]
pub fn admit_line(limiter: &LogLimiter) -> Option<Option<u64>> {
    match limiter.admit(Instant::now()) {
        LogDecision::Log { suppressed } => Some((suppressed > 0).then_some(suppressed)),
        LogDecision::Suppress => None,
    }
}
